"""Guides followed to the letter: the first digest, and packages that bring a kind of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from digest.chat import installed
from digest.cli import main
from digest.clock import system_clock
from digest.delivery.hook import GONE
from digest.demo.listings import write_listings
from tests.docs.pages import Block, blocks, digest_arguments, lines
from tests.rendering.chat import posts
from tests.sources.server import Wire, answer, serving

FIRST = "docs/start/first-digest.md"
PLUGINS = "docs/how-to/plugins.md"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty directory, as a person there would give it."""
    for name in list(os.environ):
        if name.startswith("DIGEST_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = main(arguments)
        return Ended(code, capfd.readouterr().out)

    return called


# --- the first digest ---------------------------------------------------------------------------


def steps() -> list[list[str]]:
    """Every command of the guide, in order; `serve` does not end and is tried elsewhere."""
    found = [
        arguments
        for block in blocks("bash")
        if block.page == FIRST
        for line in lines(block)
        if (arguments := digest_arguments(line)) and arguments != ["serve"]
    ]
    assert [one[0] for one in found] == [
        "init", "check", "subscribers", "run", "preview", "backtest", "search", "run",
    ]  # fmt: skip
    return found


def a_weekday() -> date:
    """Today, or the last day on which arXiv announced anything."""
    today = system_clock().date()
    return today - timedelta(days=max(0, today.weekday() - 4))


def test_the_guide_to_the_first_digest_leads_to_one(tmp_path: Path, run: Run) -> None:
    """Only the sources are others: what the demo has, in files."""
    sources = json.dumps(write_listings(tmp_path / "listings", a_weekday())["sources"])
    told = {}
    for step in steps():
        ended = run(*step, DIGEST_SOURCES=sources)
        assert ended.code == 0, f"{step}: {ended.out}"
        told[step[0]] = ended.out
    assert "Nobody was due" in told["run"]
    page = (tmp_path / "digest.html").read_text("utf-8")
    assert "Clinical retrieval" in page
    assert "conflicting" in page
    assert "would have been sent" in told["backtest"]
    week = system_clock() + timedelta(days=4)
    assert run("run", "--now", week.isoformat()).code == 0
    (mail,) = (tmp_path / "mail").rglob("*.eml")
    assert message_from_bytes(mail.read_bytes())["To"] == "ada@lab.example.com"


# --- plug-ins -----------------------------------------------------------------------------------


def shown(title: str) -> Block:
    (found,) = [one for one in blocks("python") if one.page == PLUGINS and one.title == title]
    return found


def install(folder: Path, module: str, group: str, entry: str) -> Path:
    """The guide's module as pip would put it there."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(shown(f"{module}.py").text, "utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
    manifests = [one.text for one in blocks("toml") if one.page == PLUGINS and one.title]
    assert any(f'entry-points."{group}"' in one for one in manifests)
    return folder


def test_the_guide_s_source_reads_its_register(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = "register = paper_digest_register:RegisterSource"
    site = install(tmp_path / "site", "paper_digest_register", "paper_digest.sources", entry)
    monkeypatch.syspath_prepend(str(site))
    thesis = {"title": "Ropes &amp; knots", "author": "Bo Lind", "url": "https://t.example.org/1"}
    body = json.dumps([thesis]).encode()

    def register(wire: Wire) -> None:
        wire.send(answer(body, "Content-Type: application/json"))

    with serving(register) as server:
        source = {"kind": "register", "name": "Theses", "url": server.url("/theses.json")}
        assert run("init", "--email", "ada@lab.example.com").code == 0
        monkeypatch.setenv("DIGEST_WEB__ALLOW_PRIVATE_ADDRESSES", "true")
        ended = run("sources", "test", "Theses", "--json", DIGEST_SOURCES=json.dumps([source]))
        assert ended.code == 0, ended.out
        assert json.loads(ended.out)["Theses"]["titles"] == ["Ropes & knots"]
    nowhere = json.dumps([{**source, "url": "http://127.0.0.1:9/"}])
    ended = run("sources", "test", "--json", DIGEST_SOURCES=nowhere)
    assert ended.code == 3
    assert json.loads(ended.out)["Theses"]["unreachable"]


def test_the_guide_s_channel_is_a_kind_like_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = "board = paper_digest_board:Board"
    folder = install(tmp_path / "site", "paper_digest_board", "paper_digest.channels", entry)
    monkeypatch.syspath_prepend(str(folder))
    board = installed()["board"]
    assert board.hook is not None
    assert board.hook.hosts == ("board.example.org",)
    assert (board.hook.gone, board.hook.interval, board.hook.query) == (GONE, 1.0, "")
    bodies = board.draw(posts.post())
    assert bodies
    assert all(b"https://" in body for body in bodies)
