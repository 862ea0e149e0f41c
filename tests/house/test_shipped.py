"""What the distribution must hold, and what the example configuration must show."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from pydantic import BaseModel

from digest.config import Settings
from digest.config.example import example
from tests.house.code import PACKAGE, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("dist")
    built = next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def shipped(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder)


def test_the_wheel_holds_every_template(wheel: set[str]) -> None:
    templates = {f"digest/_templates/{path.as_posix()}" for path in shipped(ROOT / "templates")}
    assert templates <= wheel
    assert "digest/_templates/config.example.toml" in wheel


def test_the_wheel_holds_the_whole_package(wheel: set[str]) -> None:
    assert {f"digest/{path.as_posix()}" for path in shipped(PACKAGE)} <= wheel


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    others = {name for name in wheel if not name.startswith("digest/")}
    assert all(name.split("/")[0].endswith(".dist-info") for name in others), others


def keys(model: type[BaseModel], place: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{place}{name}.")
        else:
            yield f"{place}{name}"


@pytest.mark.parametrize("key", [key for key in keys(Settings) if key != "sources"])
def test_every_key_of_the_configuration_is_in_the_example(key: str) -> None:
    *section, name = key.split(".")
    header = f"[{'.'.join(section)}]"
    text = example()
    assert header in text
    own = re.split(r"^#?\[", text.partition(header)[2], maxsplit=1, flags=re.MULTILINE)[0]
    assert re.search(rf"^(#|# … or |){name} = ", own, flags=re.MULTILINE), key
