"""The generated pages of the reference are what the code says today."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.code import ROOT
from tools.reference.example import tables
from tools.reference.pages import FOLDER, REGENERATE, pages


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_is_up_to_date(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8")
    assert written == pages()[name], f"docs/reference/{name} is out of date: {REGENERATE}"


def test_the_command_that_the_message_names_agrees() -> None:
    command = [sys.executable, "-m", "tools.reference", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_comments_of_the_example_reach_the_keys_below_them() -> None:
    told = {one.header: one for one in tables() if not one.kind}
    assert told["site"].keys["base_url"].startswith("Where the pages of this installation")
    smtp = told["delivery.smtp"].keys
    assert smtp["sessions"] == smtp["messages_per_session"] != smtp["rates"]


def test_every_key_says_what_it_is_for() -> None:
    entries = pages()["config.md"].split("\n#")
    bare = [one.splitlines()[0] for one in entries if one.count("\n\n") < 2 and "` {" in one]
    assert bare == ["### `kind` { #sources.kind }"], "comment the key in config.example.toml"
