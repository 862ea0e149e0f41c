"""What the configuration takes from other files: secrets, and where relative paths start.

`x_file = "…"` stands for the secret key `x`; the last line end is dropped. Relative paths, also in
an SQLite URL, start at the configuration file's directory, so that a timer, a service and a person
at a prompt all mean the same file. Works on one layer's plain tables before they are validated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from digest.config.kinds import SHORTEST_SECRET
from digest.config.settings import Settings

Table = dict[str, Any]

_SUFFIX = "_file"
_SQLITE = "sqlite:///"
_MODEL_FOLDERS = ("bert", "onnx")

# In the place of a secret that could not be read, so that validation does not report it again.
# They go no further: a layer with faults never becomes Settings.
_STAND_INS = {"secret_keys": "x" * SHORTEST_SECRET, "url": "sqlite://", "password": "x", "key": "x"}


def take_from_files(layer: Table, base: Path) -> list[str]:
    """Anchor the layer's paths at `base` and read its secret files; returns the faults."""
    _anchor_database(layer.get("database"), base)
    _anchor_models(layer.get("matching"), base)
    for source in _tables(layer.get("sources")):
        _anchor(source, "path", base)
    return _walk(Settings, layer, base, ())


def _walk(model: type[BaseModel], table: Table, base: Path, place: tuple[str, ...]) -> list[str]:
    faults: list[str] = []
    for name, info in model.model_fields.items():
        inner, kind = table.get(name), info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if isinstance(inner, dict):
                faults += _walk(kind, inner, base, (*place, name))
        elif several := _model_of(kind):
            for number, one in enumerate(_tables(inner)):
                faults += _walk(several, one, base, (*place, name, str(number)))
        elif kind is Path or Path in get_args(kind):
            _anchor(table, name, base)
            if name.removesuffix(_SUFFIX) in model.model_fields and isinstance(
                table.get(name), str
            ):
                faults += _read_secret(table, name, place)
    return faults


def _model_of(kind: object) -> type[BaseModel] | None:
    """The model of a list of tables."""
    inner = get_args(kind)[0] if get_origin(kind) is list else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _read_secret(table: Table, name: str, place: tuple[str, ...]) -> list[str]:
    secret, key = name.removesuffix(_SUFFIX), ".".join((*place, name))
    if name == secret:
        return []
    if secret in table:
        return [f"{key}: {secret} is given as well; leave one of them out"]
    try:
        table[secret] = Path(table[name]).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        table[secret] = _STAND_INS.get(secret, "x")
        return [f"{key}: cannot read {table[name]}: {_reason(error)}"]
    return []


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"


def _anchor(table: Table, name: str, base: Path) -> None:
    value = table.get(name)
    if isinstance(value, str) and value:
        table[name] = str(base / Path(value).expanduser())


def _anchor_database(table: object, base: Path) -> None:
    url = table.get("url") if isinstance(table, dict) else None
    if not isinstance(url, str) or not url.startswith(_SQLITE) or not isinstance(table, dict):
        return
    file = url.removeprefix(_SQLITE)
    if file and not file.startswith(":memory:"):
        table["url"] = _SQLITE + str(base / Path(file).expanduser())


def _anchor_models(table: object, base: Path) -> None:
    if not isinstance(table, dict):
        return
    for key in ("embedder", "second_stage"):
        kind, _, folder = str(table.get(key, "")).partition(":")
        if kind in _MODEL_FOLDERS and folder.strip():
            table[key] = f"{kind}:{base / Path(folder).expanduser()}"


def _tables(value: object) -> list[Table]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
