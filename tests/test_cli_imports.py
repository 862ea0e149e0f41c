"""`digest interests import` and `digest sources import` as a person meets them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.test_cli import ADA, NOW, Digest, digest, initialised, ready

__all__ = ["digest", "initialised", "ready"]  # fixtures

LIBRARY = """@article{a, title = {Lanterns in sea fog}, year = 2026}
@article{b, title = {Lamps of old}, abstract = {Oil and wicks.}, year = 1890}
"""
OPML = """<opml version="2.0"><body>
<outline text="Lamps" xmlUrl="https://lamps.example.org/rss"/>
<outline text="Ropes" xmlUrl="https://ropes.example.org/rss"/>
{more}</body></opml>"""


@pytest.fixture
def filled(ready: Digest, tmp_path: Path) -> Digest:
    assert ready("run", "--now", NOW).code == 0
    assert ready("subscribers", "add", ADA).code == 0
    (tmp_path / "mine.bib").write_text(LIBRARY)
    (tmp_path / "feeds.opml").write_text(OPML.format(more=""))
    return ready


def test_a_library_becomes_an_interest(filled: Digest) -> None:
    said = filled("interests", "import", ADA, "--bibtex", "mine.bib", "--name", "Lamps")
    assert said.code == 0
    assert "Lamps learns from 2 examples of 2 works" in said.out
    assert "1 of them are stored here, 2 have an abstract" in said.out
    (interest,) = filled("interests", "list", ADA, "--json").json
    assert [one["title"] for one in interest["examples"]] == ["Lanterns in sea fog", "Lamps of old"]
    assert interest["examples"][0]["abstract"].startswith("We measure how far a lantern")
    assert "2 examples" in filled("interests", "list", ADA).out


def test_json_and_a_dry_run(filled: Digest) -> None:
    arguments = ("--zotero", "mine.bib", "--limit", "1", "--dry-run", "--json")
    said = filled("interests", "import", ADA, *arguments)
    assert said.json["examples"] == 1
    assert said.json["titles"] == ["Lanterns in sea fog"]
    assert filled("interests", "list", ADA, "--json").json == []


def test_entries_that_cannot_be_read_are_named(filled: Digest, tmp_path: Path) -> None:
    with (tmp_path / "mine.bib").open("a") as stream:
        stream.write("@article{c, title = {Never closed\n")
    said = filled("interests", "import", ADA, "--file", "mine.bib")
    assert said.code == 3
    assert "Left out: line 3: a { of this entry is never closed" in said.err
    assert "My library learns from 2 examples" in said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "Which library?", id="none"),
        pytest.param(["--bibtex", "mine.bib", "--orcid", "x"], "Which library?", id="two"),
        pytest.param(["--bibtex", "nowhere.bib"], "cannot be read", id="missing"),
        pytest.param(["--zotero", "nowhere.rdf"], "no Zotero library and no file", id="zotero"),
        pytest.param(["--orcid", "0000"], "is no ORCID", id="orcid"),
        pytest.param(["--arxiv-author", "Ada"], "no arXiv author id", id="arxiv"),
    ],
)
def test_wrong_usage_is_told(filled: Digest, arguments: list[str], told: str) -> None:
    said = filled("interests", "import", ADA, *arguments)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_feeds_are_printed_as_sources(filled: Digest, tmp_path: Path) -> None:
    before = (tmp_path / "config.toml").read_text()
    said = filled("sources", "import", "feeds.opml")
    assert said.code == 0
    names = [one["name"] for one in tomllib.loads(said.out)["sources"]]
    assert names == ["Lamps 2", "Ropes"]  # Lamps is taken
    assert "2 new feeds" in said.err
    assert (tmp_path / "config.toml").read_text() == before


def test_feeds_are_added_when_asked(filled: Digest, tmp_path: Path) -> None:
    before = (tmp_path / "config.toml").read_text()
    assert filled("sources", "import", "feeds.opml", "--append").code == 0
    after = (tmp_path / "config.toml").read_text()
    assert after.startswith(before)
    listed = [one["name"] for one in filled("sources", "list", "--json").json]
    assert listed == ["Lamps", "Lamps 2", "Ropes"]
    again = filled("sources", "import", "feeds.opml", "--append", "--json")
    assert again.json["feeds"] == []
    assert len(again.json["known"]) == 2
    assert (tmp_path / "config.toml").read_text() == after


def test_what_is_no_feed_is_named(filled: Digest, tmp_path: Path) -> None:
    bad = '<outline text="Bad" xmlUrl="file:///etc/passwd"/>'
    (tmp_path / "feeds.opml").write_text(OPML.format(more=bad))
    said = filled("sources", "import", "feeds.opml", "--json")
    assert said.code == 3
    assert "Bad" in said.json["faults"][0]
    (tmp_path / "feeds.opml").write_text("<opml><body>")
    said = filled("sources", "import", "feeds.opml")
    assert said.code == 2
    assert "feeds.opml, line 1" in said.err
