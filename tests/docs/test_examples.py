"""What the documentation shows works: configurations load, queries parse, commands exist."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from fastapi.routing import APIRoute

from digest.cli.entry import app, hoisted
from digest.config import load
from digest.errors import QuerySyntaxError
from digest.matching.keywords import Compiled, Scan
from digest.matching.query import parse
from digest.web.api.application import ROUTERS
from tests import builders
from tests.docs.pages import (
    DOCS,
    Block,
    blocks,
    digest_arguments,
    inline_commands,
    lines,
    tables,
)

LANGUAGE = DOCS / "reference" / "query-language.md"
_KEY = "k" * 43
_NEEDED = {
    "operator_email": 'operator_email = "ops@example.org"',
    "secret_keys": f'secret_keys = ["{_KEY}"]',
}


# --- configuration ------------------------------------------------------------------------------


def fragments() -> list[Block]:
    return [one for one in blocks("toml") if not one.title]


@pytest.mark.parametrize("block", fragments(), ids=lambda block: block.place)
def test_a_shown_configuration_loads(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the least of the rest; the files it names exist."""
    monkeypatch.delenv("DIGEST_CONFIG", raising=False)
    text = re.sub(r'"/etc/paper-digest/([\w.-]+)"', _made(tmp_path), block.text)
    table = tomllib.loads(text)
    needed = [line for key, line in _NEEDED.items() if key not in table.get("site", {})]
    head = "\n".join(["[site]", *needed])
    whole = text.replace("[site]", head, 1) if "[site]" in text else f"{head}\n{text}"
    file = tmp_path / "config.toml"
    file.write_text(whole, "utf-8")
    load(file)


def _made(folder: Path) -> Any:
    def file(match: re.Match[str]) -> str:
        place = folder / match[1]
        place.write_text(_KEY, "ascii")
        return f'"{place}"'

    return file


# --- queries ------------------------------------------------------------------------------------


def test_every_shown_query_parses() -> None:
    found = [line for block in blocks("query") for line in block.text.splitlines() if line]
    assert len(found) > 5
    for line in found:
        parse(line)


def rows(header: list[str]) -> list[list[str]]:
    found = [table[2:] for table in tables(LANGUAGE) if table[0] == header]
    assert found, header
    return found[0]


@pytest.mark.parametrize("row", rows(["query", "finds", "does not find"]), ids=lambda row: row[0])
def test_a_query_finds_what_its_row_says(row: list[str]) -> None:
    query, finds, misses = row
    titles = [finds.strip('"'), misses.strip('"')]
    papers = [builders.paper(at, title=title, abstract="") for at, title in enumerate(titles, 1)]
    truth = Scan(papers).evaluate(Compiled([parse(query.strip("`"))])).truth(np.array([0]))[0]
    assert np.flatnonzero(truth).tolist() == [0]


@pytest.mark.parametrize("row", rows(["mistake", "answer"]), ids=lambda row: row[0])
def test_a_mistake_is_answered_as_its_row_says(row: list[str]) -> None:
    mistake, answer = row
    with pytest.raises(QuerySyntaxError) as caught:
        parse(mistake.strip("`"))
    assert str(caught.value) == answer


def test_the_fields_are_those_of_the_language() -> None:
    for _, _, example in rows(["field", "holds", "example"]):
        parse(example.strip("`"))


# --- commands -----------------------------------------------------------------------------------


@cache
def whole() -> Any:
    """`digest` itself, made once: it takes a while."""
    return typer.main.get_command(app)


def shell_lines() -> list[tuple[str, list[str]]]:
    found = [
        (block.place, arguments)
        for block in blocks("bash", "console")
        for line in lines(block)
        if (arguments := digest_arguments(line)) is not None
    ]
    assert len(found) > 100
    return found


@pytest.mark.parametrize(
    ("place", "arguments"), shell_lines(), ids=[" ".join(one[1])[:40] for one in shell_lines()]
)
def test_a_shown_command_is_one_with_these_options(place: str, arguments: list[str]) -> None:
    """Parsed by the very parser, and not run."""
    command = whole()
    path, rest = "digest", hoisted(arguments)
    while hasattr(command, "commands"):
        while rest and rest[0].startswith("-"):  # options of digest itself
            rest = rest[2:] if rest[0] == "--config" else rest[1:]
        if not rest:
            return
        assert rest[0] in command.commands, f"{place}: {path} has no {rest[0]}"
        command, path, rest = command.commands[rest[0]], f"{path} {rest[0]}", rest[1:]
    command.make_context(path, rest)


def test_a_command_in_prose_exists() -> None:
    """Its path and its options; what stands for a value may be anything."""
    seen = 0
    for page, said in inline_commands():
        command = whole()
        words = said.replace("…", "").split()[1:]
        while words and hasattr(command, "commands") and not words[0].startswith("-"):
            names = re.split(r"[|,/]", words.pop(0))
            unknown = [name for name in names if name and name not in command.commands]
            assert not unknown, f"{page}: `{said}`"
            command = command.commands[names[0]] if names[0] else command
        known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
        for word in words:
            flag = word.split("=")[0].strip("[]")
            if flag.startswith("--"):
                assert flag in known | {"--help", "--config", "--version"}, f"{page}: `{said}`"
        seen += 1
    assert seen > 100


# --- the rest -----------------------------------------------------------------------------------


def test_every_shown_json_is_json() -> None:
    found = blocks("json")
    assert found
    for block in found:
        for whole in [block.text] if block.text.startswith("{\n") else block.text.splitlines():
            json.loads(whole)


def test_every_shown_python_compiles() -> None:
    for block in blocks("python"):
        compile(block.text, block.place, "exec")


def test_every_shown_address_of_the_api_exists() -> None:
    known = {
        re.sub(r"\{\w+\}", r"[^/]+", route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
    }
    known |= {"/docs", "/openapi.json"}
    said = {
        (block.place, path)
        for block in blocks("bash")
        for path in re.findall(r"/api/v1(/[\w/.-]+)", block.text)
    }
    assert len(said) > 3
    wrong = [one for one in said if not any(re.fullmatch(path, one[1]) for path in known)]
    assert not wrong
