"""A summary wherever its paper is shown, marked for what it is, and text whatever it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from digest.model import PaperId
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.summaries import Made, SummaryStore
from digest.tokens import Purpose
from digest.web.app import create_app
from tests.fakes import FrozenClock
from tests.web import seeds
from tests.web.conftest import SITE, make_rooms

MAKER = "openai:lamp-1/en/1"
SAID = "Machines read these notes & find what is sought."


@pytest.fixture
def written(web_database: Database, clock: FrozenClock) -> Iterator[TestClient]:
    store = SummaryStore(web_database)
    found = PaperStore(web_database).papers([PaperId(n) for n in range(1, 500)])
    made = [
        Made(one, seeds.HOSTILE if seeds.HOSTILE in one.title else SAID) for one in found.values()
    ]
    store.keep(MAKER, made, clock(), is_written=True)
    rooms = make_rooms(web_database, clock, papers=PaperStore(web_database, makers=(MAKER,)))
    with TestClient(create_app(rooms), SITE.base_url) as client:
        client.headers["x-token"] = rooms.tokens.sign(Purpose.DIGEST, 1)
        yield client


def test_a_paper_s_page_says_it_and_whose_words_it_is(written: TestClient) -> None:
    page = written.get("/paper/1").text
    assert "<b>TL;DR, machine-written</b> Machines read these notes &amp; find" in page


def test_a_digest_s_page_says_it(written: TestClient) -> None:
    page = written.get(f"/d/{written.headers['x-token']}").text
    assert page.count("<b>TL;DR, machine-written</b>") >= 3


def test_a_feed_says_it(written: TestClient) -> None:
    entries = written.get("/feeds/papers.json").json()["items"]
    told = [one for one in entries if "<b>TL;DR, machine-written</b>" in one["content_html"]]
    assert len(told) == len(entries) > 10


def test_a_hostile_one_is_text(written: TestClient) -> None:
    for path in ("/feeds/papers.atom", "/feeds/papers.rss"):
        assert "<script>window.hurt" not in written.get(path).text
    found = written.get("/search", params={"q": "owls"}).text
    place = found.split('class="title" dir="auto"><a href="', 1)[1].split('"', 1)[0]
    page = written.get(place).text
    assert "machine-written" in page
    assert "<script>window" not in page
    assert "<img src=x" not in page


def test_what_another_maker_made_is_not_shown(
    written: TestClient, web_database: Database, clock: FrozenClock
) -> None:
    rooms = make_rooms(web_database, clock, papers=PaperStore(web_database, makers=("other",)))
    with TestClient(create_app(rooms), SITE.base_url) as client:
        assert "TL;DR" not in client.get("/paper/1").text
