"""bioRxiv and medRxiv: the cursor walked to its end, versions told apart, the RDF feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest.model import Announcement
from digest.sources.biorxiv import (
    BiorxivSource,
    MedrxivSource,
    PreprintOptions,
    parse_preprints,
)
from digest.sources.http import Fetcher, HttpOptions
from tests.sources.documents import BIORXIV_RDF, WEEK, preprint, preprints


def test_an_entry_of_the_api() -> None:
    (one,) = parse_preprints(preprints(preprint(published="10.1038/x1")), source="b").listings
    assert one.title == "Moths at lanterns"
    assert one.abstract == "Moths come."
    assert one.ids.keys() == ("doi:10.1101/2025.11.18.000001",)
    assert one.authors == ("A. Mirza", "B. C. van der Lind")
    assert one.categories == ("cell biology",)
    assert one.organisation == "Institute of Fog"
    assert one.note == "Published as 10.1038/x1"
    assert one.announced_at == datetime(2025, 11, 18, tzinfo=UTC)
    assert one.links.pdf == ("https://www.biorxiv.org/content/10.1101/2025.11.18.000001v1.full.pdf")


def test_an_item_of_the_feed() -> None:
    reading = parse_preprints(BIORXIV_RDF, source="b")
    (one,) = reading.listings
    assert one.title == "Moths of two lanterns"
    assert one.authors == ("A. Mirza", "B.-C. Lind", "D. E. Ng")
    assert one.ids.keys() == ("doi:10.1101/2025.11.18.000002",)
    assert one.abstract == "We watched moths."
    assert one.categories == ("Genomics",)
    assert one.announced_at == datetime(2025, 11, 18, tzinfo=UTC)
    assert one.links.abstract == "https://www.biorxiv.org/content/10.1101/2025.11.18.000002v1"


def test_versions() -> None:
    page = preprints(preprint(), preprint("10.1101/2025.01.01.000009", version="3"))
    plain = parse_preprints(page, source="b")
    assert [one.version for one in plain.listings] == [1]
    assert plain.left_out == 1
    both = parse_preprints(page, source="b", replacements=True).listings
    assert [one.announcement for one in both] == [Announcement.NEW, Announcement.REPLACEMENT]
    assert both[1].links.abstract == "https://www.biorxiv.org/content/10.1101/2025.01.01.000009v3"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b'{"messages":[', "broken off"),
        (b'{"hello": 1}', "is not the API's JSON"),
        (preprints(status="error: no such server"), "no such server"),
        (b"<!doctype html>", "HTML page"),
    ],
)
def test_documents_that_are_faults(body: bytes, words: str) -> None:
    assert words in str(parse_preprints(body, source="b").fault)


def test_no_posts_found_is_an_answer() -> None:
    reading = parse_preprints(preprints(status="no posts found"), source="b")
    assert (reading.fault, reading.listings) == (None, ())


def test_bad_entries_are_named() -> None:
    page = preprints(preprint(title=None), preprint("no doi"), preprint())
    reading = parse_preprints(page, source="b")
    assert len(reading.listings) == 1
    assert "000001) has no title" in reading.entry_faults[0]
    assert "neither an identifier nor" in reading.entry_faults[1]


class World:
    def __init__(self, entries: list[dict[str, Any]], size: int = 3, stop: int = 9999) -> None:
        self.entries, self.size, self.stop = entries, size, stop
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if request.url.path.endswith(".php"):
            return httpx.Response(200, content=BIORXIV_RDF)
        cursor = int(request.url.path.split("/")[-2])
        page = [] if cursor >= self.stop else self.entries[cursor : cursor + self.size]
        return httpx.Response(200, content=preprints(*page, total=str(len(self.entries))))


def source(world: World, **options: Any) -> BiorxivSource:
    fetcher = Fetcher(HttpOptions(intervals={}), transport=httpx.MockTransport(world))
    return BiorxivSource(PreprintOptions(name="bioRxiv", **options), fetcher)


def many(count: int) -> list[dict[str, Any]]:
    return [preprint(f"10.1101/2025.11.18.{n:06}") for n in range(count)]


def test_the_cursor_is_walked_to_the_end() -> None:
    world = World(many(7))
    fetched = source(world).fetch(WEEK, {})
    assert len(fetched.listings) == 7
    assert fetched.expected == 7
    assert fetched.complete
    base = "https://api.biorxiv.org/details/biorxiv/2025-11-13/2025-11-20"
    assert world.asked == [f"{base}/{cursor}/json" for cursor in (0, 3, 6)]


def test_a_cursor_that_stops_early_shows_in_the_count() -> None:
    fetched = source(World(many(7), stop=3)).fetch(WEEK, {})
    assert (len(fetched.listings), fetched.expected) == (3, 7)


def test_what_policy_leaves_out_is_not_expected() -> None:
    entries = [*many(3), preprint("10.1101/2025.11.18.000099", category="Zoology")]
    fetched = source(World(entries), categories=["Cell-Biology"]).fetch(WEEK, {})
    assert (len(fetched.listings), fetched.expected) == (3, 3)


def test_medrxiv_is_the_same_house() -> None:
    world = World(many(1))
    fetcher = Fetcher(HttpOptions(intervals={}), transport=httpx.MockTransport(world))
    medrxiv = MedrxivSource(PreprintOptions(name="medRxiv"), fetcher)
    (one,) = medrxiv.fetch(WEEK, {}).listings
    assert "/details/medrxiv/" in world.asked[0]
    assert str(one.links.abstract).startswith("https://www.medrxiv.org/content/")
    assert (medrxiv.kind, source(world).kind) == ("medrxiv", "biorxiv")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, ["https://connect.biorxiv.org/biorxiv_xml.php?subject=all"]),
        (
            {"categories": ["Genomics", "cell biology"]},
            [
                "https://connect.biorxiv.org/biorxiv_xml.php?subject=cell_biology",
                "https://connect.biorxiv.org/biorxiv_xml.php?subject=genomics",
            ],
        ),
        ({"url": "http://mirror.example/x.php"}, ["http://mirror.example/x.php"]),
    ],
)
def test_via_the_feed(options: dict[str, Any], asked: list[str]) -> None:
    world = World([])
    fetched = source(world, via="feed", **options).fetch(WEEK, {})
    assert world.asked == asked
    assert fetched.listings


def test_backfill_and_local_files(tmp_path: Path) -> None:
    world = World(many(4))
    assert len(source(world).backfill(WEEK).listings) == 4
    (tmp_path / "a.json").write_bytes(preprints(*many(2), total=1000))
    (tmp_path / "b.rdf").write_bytes(BIORXIV_RDF)
    fetched = source(world, path=tmp_path).fetch(WEEK, {})
    assert (len(fetched.listings), fetched.expected) == (3, None)


def test_wrong_types_everywhere_are_survived() -> None:
    wires: list[object] = [None, 5, "x", [], {"doi": 5, "title": ["x"], "version": "v"}, preprint()]
    body = json.dumps({"messages": "x", "collection": wires}).encode()
    assert len(parse_preprints(body, source="b").listings) == 1
