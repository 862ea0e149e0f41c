"""Finding and reading the configuration: file, then secrets directory, then environment on top.

The file is `--config`, else `DIGEST_CONFIG`, else `./config.toml` (only that last one may be
missing). The secrets directory is `DIGEST_SECRETS_DIR`, else systemd's `CREDENTIALS_DIRECTORY`;
its files are named like the variables, `digest_delivery__smtp__password`. Every fault of every
layer is reported at once, as one errors.ConfigError.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
    SettingsError,
)

from digest.config.faults import sentences, unknown_section
from digest.config.files import Table, take_from_files
from digest.config.settings import NESTING, PREFIX, Settings
from digest.errors import ConfigError

DEFAULT_FILE = Path("config.toml")
# The lowest layer, here so that these are anchored at the file's directory like all paths.
_DEFAULTS: Table = {
    "database": {"url": "sqlite:///digest.db"},
    "delivery": {"mailbox": {"path": "mail"}, "spool": "spool"},
}
SECRETS_VARIABLES = ("DIGEST_SECRETS_DIR", "CREDENTIALS_DIRECTORY")


def find(path: Path | None = None) -> Path | None:
    """The configuration file to read, or None to live by the environment alone.

    Raises ConfigError when a file was named and is not there.
    """
    named = path or (Path(os.environ["DIGEST_CONFIG"]) if os.environ.get("DIGEST_CONFIG") else None)
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    if not named.exists():
        raise ConfigError(str(named), ["there is no such file; `digest init` writes one"])
    return named


def load(path: Path | None = None) -> Settings:
    """The checked configuration; raises ConfigError naming every fault."""
    file = find(path)
    place = str(file) if file else "The environment (there is no config.toml here)"
    base = (file or DEFAULT_FILE).absolute().parent
    secrets = _secrets_folder()
    raw: Table = {}
    faults = _stray_names([*os.environ, *(os.listdir(secrets) if secrets else ())])
    for layer in (
        deepcopy(_DEFAULTS),
        _file_layer(file),
        _secrets_layer(secrets),
        _environment_layer(),
    ):
        faults += take_from_files(layer, base)
        raw = _laid_over(raw, layer)
    return _validated(place, raw, faults)


def _validated(place: str, raw: Table, faults: list[str]) -> Settings:
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        raise ConfigError(place, [*faults, *sentences(error, raw)]) from None
    if faults:
        raise ConfigError(place, faults)
    return settings


def _file_layer(file: Path | None) -> Table:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), [f"this is not TOML: {error}"]) from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), ["this is not UTF-8 text; save it as UTF-8"]) from None
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read: {error.strerror}"]) from None


def _secrets_folder() -> Path | None:
    variable = next((name for name in SECRETS_VARIABLES if os.environ.get(name)), None)
    if variable is None:
        return None
    folder = Path(os.environ[variable])
    if not folder.is_dir():
        raise ConfigError(variable, [f"there is no directory {folder}"])
    return folder


def _secrets_layer(folder: Path | None) -> Table:
    if folder is None:
        return {}
    try:
        files = SecretsSettingsSource(Settings, secrets_dir=folder)
        return NestedSecretsSettingsSource(files, secrets_nested_delimiter=NESTING)()
    except SettingsError as error:
        raise ConfigError(str(folder), [_not_json(error)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(folder), [f"a file in it cannot be read: {error}"]) from None


def _environment_layer() -> Table:
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError("The environment", [_not_json(error)]) from None


def _not_json(error: SettingsError) -> str:
    """The library names the field between quotes, and only whole sections can fail this way."""
    field = str(error).partition('"')[2].partition('"')[0]
    return f"{PREFIX}{field.upper()}: must be JSON; better set the single keys"


def _stray_names(names: Iterable[str]) -> list[str]:
    """Variables with our prefix and nesting whose first part is no section.

    Names without the nesting are left alone: Kubernetes sets DIGEST_PORT and its kin for any
    service that is called "digest".
    """
    ours = (name for name in names if name.upper().startswith(PREFIX) and NESTING in name)
    heads = {name: name[len(PREFIX) :].partition(NESTING)[0].lower() for name in ours}
    return [
        f"{name}: {head} {unknown_section(head)}"
        for name, head in heads.items()
        if head not in Settings.model_fields
    ]


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Table:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid_over(under, value)
        else:
            merged[key] = value
    return merged
