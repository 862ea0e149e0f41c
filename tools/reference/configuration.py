"""docs/reference/config.md: every key with what it may hold, its default and its variable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from digest.config import Settings
from digest.config.kinds import WEEKDAYS
from digest.config.settings import NESTING, PREFIX
from digest.config.sources import OWN_KINDS, SourceConfig
from tools.reference.example import Told, tables
from tools.reference.kinds import kind_of

_FILE: Final = "_file"
_HEAD: Final = """# Configuration

One TOML file, found as `--config FILE`, else `DIGEST_CONFIG`, else `./config.toml`. `digest init`
writes it from the example, which holds every key with a comment. `digest check` names every fault
in it at once, each with its key and its mend; an unknown key is a fault.

Three layers lie over one another; the later wins:

1. the file;
2. a directory of secrets: `DIGEST_SECRETS_DIR`, else systemd's `CREDENTIALS_DIRECTORY`. Its files
   are named like the variables, such as `digest_delivery__smtp__password`;
3. the environment: `DIGEST_` and the key in capitals, with two underscores for each dot.

A list comes from a variable as values apart by spaces, or as a JSON list. A key that ends in
`_file` reads the key without that ending from a file; the last line end is dropped. Relative paths
start at the directory of the configuration file.
"""
_OF_SOURCES: Final = {
    "name": "Yours to choose: digests show it, and queries can say `source:NAME`.",
    "enabled": "`false` leaves the source out.",
    "path": "A local file, or a directory of files in the order of their names, to be read instead"
    " of the network.",
    "url": "Where it is read; for a known service, a mirror instead of its own address.",
}
_PLAIN_LISTS: Final = "All `[[sources]]` at once, as a JSON list"


def page() -> str:
    """The whole page as Markdown."""
    told = tables()
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        if name == "sources":
            lines += _sources(told)
        else:
            lines += _section(field.annotation, name, told)
    return "\n".join(lines).rstrip() + "\n"


def _section(model: Any, place: str, told: list[Told]) -> Iterator[str]:
    assert issubclass(model, BaseModel)
    table = next((one for one in told if one.header == place), Told(place))
    yield f"## [{place}] {{ #{_anchor(place)} }}\n"
    yield from _paragraph(table.about)
    inner = []
    for name, field in model.model_fields.items():
        if _is_section(field):
            inner.append((name, field.annotation))
        else:
            yield from _key(f"{place}.{name}", field, table.keys.get(name, ""), model)
    for name, section in inner:
        yield from _section(section, f"{place}.{name}", told)


def _sources(told: list[Told]) -> Iterator[str]:
    yield "## [[sources]] { #sources }\n"
    yield (
        "One table for each place that is read. Any source can read a local file, or a directory of"
        " files, instead of the network. A kind that is none of these comes from an installed"
        f" package. {_PLAIN_LISTS}: `{PREFIX}SOURCES`.\n"
    )
    shared = SourceConfig.model_fields
    of_kind = {one.kind: one.keys for one in reversed(told) if one.kind}
    yield "### Keys of every kind { #sources.every }\n"
    kinds = " or ".join(f'`"{kind}"`' for kind in OWN_KINDS)
    yield f"#### `kind` {{ #sources.kind }}\n\n{kinds} · required\n"
    for name, field in shared.items():
        text = _OF_SOURCES.get(name) or of_kind["arxiv"].get(name, "")
        yield from _key(name, field, text, SourceConfig, of="sources.every")
    for kind, model in OWN_KINDS.items():
        table = next((one for one in told if one.kind == kind), Told("sources", kind))
        yield f'### kind = "{kind}" {{ #sources.{kind} }}\n'
        yield from _paragraph(table.about)
        for name, field in model.model_fields.items():
            if name != "kind" and name not in shared:
                text = table.keys.get(name) or _of_kin(kind, name, of_kind)
                yield from _key(name, field, text, model, of=f"sources.{kind}")


def _of_kin(kind: str, name: str, of_kind: dict[str, dict[str, str]]) -> str:
    """What is said of the same key elsewhere, where the example shows it once."""
    alike = of_kind["biorxiv"].get(name, "") if kind == "medrxiv" else ""
    return alike or _OF_SOURCES[name]


def _key(
    key: str, field: FieldInfo, text: str, model: type[BaseModel], *, of: str = ""
) -> Iterator[str]:
    place = f"{of}.{key}" if of else key
    yield f"{'####' if of else '###'} `{key}` {{ #{_anchor(place)} }}\n"
    facts = [_capital(kind_of(field)), _default(field)]
    if not of:
        facts.append(f"`{PREFIX}{key.upper().replace('.', NESTING)}`")
    yield " · ".join(facts) + "\n"
    name = key.rpartition(".")[2]
    if name.endswith(_FILE) and (secret := name.removesuffix(_FILE)) in model.model_fields:
        yield f"A file that holds `{secret}`; give one of the two.\n"
        return
    if f"{name}{_FILE}" in model.model_fields:
        text = text or f"A secret; `{name}{_FILE}` names a file instead."
    yield from _paragraph(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _paragraph(text: str) -> Iterator[str]:
    if text:
        yield f"{_linked(text.removesuffix(':').rstrip('.'))}.\n"


def _linked(text: str) -> str:
    """Addresses as code, so that no page of ours links to an example, and nothing is markup."""
    text = re.sub(r"(?<![`\"(])(https?://[^\s,;)\"]*[^\s,;.:)\"])", r"`\1`", text)
    text = re.sub(r'(?<![`\w=])("[^"]*\*[^"]*"|\w*\*\.[\w.]+)', r"`\1`", text)
    return re.sub(r"(?<![`\w-])(\[\[?[a-z.]+\]\]?)(?!`)", r"`\1`", text)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "":
        return "none by default"
    if field.metadata and field.annotation is int and _is_weekday(field):
        value = WEEKDAYS[value]
    return f"default `{_toml(value)}`"


def _is_weekday(field: FieldInfo) -> bool:
    return kind_of(field).startswith("`monday`")


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, float | bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _anchor(place: str) -> str:
    return place
