"""Hugging Face Daily Papers: votes and people kept, days asked one by one, surprises survived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest.model import Window
from digest.sources.http import Fetcher, HttpOptions
from digest.sources.huggingface import HuggingFaceSource, parse_daily_papers
from digest.sources.visits import PlaceOptions
from tests.sources.documents import UNTIL, WEEK, daily_paper, daily_papers


def test_a_paper() -> None:
    (one,) = parse_daily_papers(daily_papers(daily_paper()), source="hf").listings
    assert one.ids.keys() == ("arxiv:2511.00001",)
    assert one.abstract == "We measure how far a lantern shines."
    assert one.authors == ("Ada Mirza", "Bo Lind")
    assert (one.votes, one.comments) == (12, 3)
    assert (one.submitter, one.organisation) == ("Cleo Vane", "Institute of Fog")
    assert one.announced_at == datetime(2025, 11, 19, 3, tzinfo=UTC)
    assert one.published_at == datetime(2025, 11, 18, 12, tzinfo=UTC)
    assert one.links.abstract == "https://arxiv.org/abs/2511.00001"
    assert one.links.discussion == "https://huggingface.co/papers/2511.00001"


@pytest.mark.parametrize(
    ("fields", "votes", "authors"),
    [
        ({"upvotes": None}, None, 2),
        ({"upvotes": -1}, None, 2),
        ({"upvotes": True}, None, 2),
        ({"upvotes": "7"}, 7, 2),
        ({"authors": None}, 12, 0),
        ({"authors": ["Ada Mirza"]}, 12, 1),
        ({"authors": [{"name": "A B"}, {"name": 5}, None, {"name": "C D", "hidden": True}]}, 12, 1),
        ({"organization": "text", "publishedAt": "soon"}, 12, 2),
    ],
)
def test_odd_values_read_as_nothing(
    fields: dict[str, Any], votes: int | None, authors: int
) -> None:
    (one,) = parse_daily_papers(daily_papers(daily_paper(**fields)), source="hf").listings
    assert one.votes == votes
    assert len(one.authors) == authors


def test_a_paper_that_is_not_on_arxiv_has_its_page_as_key() -> None:
    (one,) = parse_daily_papers(daily_papers(daily_paper("a b")), source="hf").listings
    assert one.ids.keys() == ("url:https://huggingface.co/papers/a%20b",)
    assert one.links.pdf is None


def test_half_a_surrogate_pair_is_a_sign_like_any_other() -> None:
    body = daily_papers(daily_paper("\ud800", title="Lanterns \udfff in fog"), daily_paper())
    odd, plain = parse_daily_papers(body, source="hf").listings
    assert odd.ids.keys() == ("url:https://huggingface.co/papers/%EF%BF%BD",)
    assert odd.title == "Lanterns \ufffd in fog"
    assert plain.ids.keys() == ("arxiv:2511.00001",)


def test_bad_entries_are_named() -> None:
    papers = [{}, daily_paper("2511.00002", title=""), daily_paper()]
    papers[1]["title"] = None
    reading = parse_daily_papers(daily_papers(*papers), source="hf")
    assert len(reading.listings) == 1
    assert reading.entry_faults == ("entry 1 has no title", "entry 2 (2511.00002) has no title")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b'[{"paper": ', "not well-formed JSON"),
        (b'{"error": "Too early"}', "answered with an error: Too early"),
        (b'{"a": 1}', "no list of daily papers"),
        (b"[" * 100_000, "not well-formed JSON"),
        (b"<html>", "HTML page"),
        (b"<rss></rss>", "not well-formed JSON"),
    ],
)
def test_documents_that_are_faults(body: bytes, words: str) -> None:
    assert words in str(parse_daily_papers(body, source="hf").fault)


def test_an_empty_day_is_no_fault() -> None:
    assert parse_daily_papers(b"[]", source="hf").fault is None


class World:
    def __init__(self, bad_days: tuple[str, ...] = ()) -> None:
        self.bad = bad_days
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        day = request.url.params["date"]
        self.asked.append(day)
        if day in self.bad:
            return httpx.Response(503)
        if request.headers.get("if-none-match") == f'"{day}"':
            return httpx.Response(304)
        body = daily_papers(daily_paper(f"2511.000{day[-2:]}"))
        return httpx.Response(200, content=body, headers={"ETag": f'"{day}"'})


def source(world: World, **options: Any) -> HuggingFaceSource:
    fetcher = Fetcher(HttpOptions(retries=0), transport=httpx.MockTransport(world))
    return HuggingFaceSource(PlaceOptions(name="HF", **options), fetcher)


def test_every_day_of_the_window_is_asked_newest_first() -> None:
    world = World()
    fetched = source(world).fetch(WEEK, {})
    assert world.asked == [f"2025-11-{day}" for day in range(20, 12, -1)]
    assert len(fetched.listings) == 8
    again = source(world).fetch(WEEK, fetched.state)
    assert again.not_modified
    assert again.state == fetched.state


def test_a_window_without_end_is_bounded() -> None:
    world = World()
    source(world).fetch(Window(UNTIL - timedelta(days=4000), UNTIL), {})
    assert len(world.asked) == 31


def test_when_it_goes_away_the_days_so_far_are_kept() -> None:
    world = World(bad_days=("2025-11-18",))
    fetched = source(world).fetch(WEEK, {})
    assert len(fetched.listings) == 2
    assert not fetched.complete
    assert fetched.unreachable
    assert len(world.asked) == 3


def test_a_local_file(tmp_path: Path) -> None:
    (tmp_path / "day.json").write_bytes(daily_papers(daily_paper()))
    assert len(source(World(), path=tmp_path).fetch(WEEK, {}).listings) == 1
