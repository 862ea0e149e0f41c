"""The public pages: what they show, where they lead, and that looking changes nothing."""

from __future__ import annotations

import dataclasses
import gc
import re
from html import unescape
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from digest.rendering.environment import Templates, shipped_folder
from digest.rendering.language import speak
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web import search
from digest.web.app import create_app
from digest.web.languages import choose
from digest.web.links import slug
from digest.web.rooms import Rooms
from digest.web.sheets import CONTEXT
from digest.web.visit import Desk, Visit
from tests.fakes import FrozenClock
from tests.web.conftest import SITE, make_rooms
from tests.web.seeds import HOSTILE, TODAY

PAGES = (
    "/",
    "/?tab=new",
    "/?tab=sources",
    "/?tab=categories",
    "/?source=bioRxiv&tab=new",
    "/papers/2026-11-19",
    "/papers/2026-W47",
    "/papers/2026-11?tab=categories",
    "/papers/1999-01-01",
    "/search",
    "/search?q=retriev*",
    "/search?q=owls+AND+%28graph",
    "/search?q=zzzzzz",
    "/sources",
    "/robots.txt",
    "/healthz",
    "/readyz",
    "/nope",
)


def titles(html: str) -> list[str]:
    found = re.findall(r'class="title"[^>]*>(?:<a[^>]*>)?(.*?)</(?:a|h2)', html, re.DOTALL)
    return [re.sub(r"<.*?>", "", unescape(one)).strip() for one in found]


def links(html: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'href="([^"]*)"', html)]


@pytest.mark.parametrize("path", [*PAGES, "/feeds", "/subscribe", "/paper/1", "/api/v1/docs"])
def test_a_first_load_is_small(client: TestClient, path: str) -> None:
    """Under 60 kB over the wire, sheet and script included."""

    def weigh(path: str) -> int:
        with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
            return len(b"".join(answer.iter_raw()))

    page = client.get(path, follow_redirects=True)
    parts = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert weigh(page.url.path) + sum(map(weigh, parts)) < 60_000


def test_a_list_of_several_days_tells_each_paper_s(client: TestClient) -> None:
    for path in ("/papers/2026-W47", "/papers/2026-11", "/papers/2026-11?tab=categories"):
        assert 'class="whole-word">20 Nov 2026<' in client.get(path).text, path
    assert 'class="whole-word">20 Nov 2026<' not in client.get("/papers/2026-11-20").text


def test_the_front_page_is_the_newest_day_by_votes(client: TestClient) -> None:
    html = client.get("/").text
    assert "<h1>Friday, 20 November 2026</h1>" in html
    assert titles(html)[0].startswith("Small models, long memories")
    assert re.search(r"\d+ new papers from 7 sources", html)
    assert "all sources fine but cs.AI" in html
    assert "/papers/2026-11-19" in links(html)
    assert 'action="/subscribe" method="post"' in html
    assert 'name="email"' in html
    assert 'name="wants"' in html


def test_an_empty_archive_says_so(sqlite_database: Database, clock: FrozenClock) -> None:
    with TestClient(create_app(make_rooms(sqlite_database, clock))) as client:
        for path in ("/", "/search?q=word", "/sources", "/papers/2026-W47"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert 'class="empty"' in answer.text


def test_all_papers_of_a_day_can_be_walked(client: TestClient) -> None:
    seen: list[str] = []
    path: str | None = "/?tab=new"
    while path:
        html = client.get(path).text
        seen += titles(html)
        more = re.search(r'<p class="more"><a href="([^"]+)"', html)
        path = unescape(more[1]) if more else None
    count = re.search(r"(\d+) new papers", html)
    assert count
    assert len(seen) == len(set(seen)) == int(count[1])


def test_every_list_narrows(client: TestClient) -> None:
    html = client.get("/papers/2026-11-20?tab=categories").text
    (narrow,) = [one for one in links(html) if "category=cs.IR" in one]
    listed = client.get(narrow).text
    assert "Only cs.IR" in listed
    assert 0 < len(titles(listed)) < 30


@pytest.mark.parametrize("path", ["/", "/papers/2026-W47", "/papers/2026-11", "/search?q=retriev*"])
def test_no_link_of_ours_is_dead(client: TestClient, path: str) -> None:
    for link in set(links(client.get(path).text)):
        if link.startswith("/"):
            assert client.get(link).status_code in (200, 301), link


@pytest.mark.parametrize(
    ("when", "status"),
    [
        ("0001-01-01", 200),
        ("0001-W01", 200),
        ("0001-01", 200),
        ("9999-12-31", 200),
        ("9999-12", 404),
        ("9999-W52", 404),
        ("2026-W54", 404),
        ("2026-00", 404),
        ("2026-1-1", 404),
        ("٢٠٢٦-11", 404),
    ],
)
def test_the_ends_of_the_calendar(client: TestClient, when: str, status: int) -> None:
    assert client.get(f"/papers/{when}").status_code == status


def test_a_paper_has_one_address(client: TestClient) -> None:
    place = "/paper/1/when-the-chart-disagrees-grounding-answers-in-conflicting"
    for other in ("/paper/1", "/paper/1/anything", "/paper/1/" + "a" * 500):
        answer = client.get(other)
        assert (answer.status_code, answer.headers["location"]) == (301, place)
    html = client.get(place).text
    assert f'rel="canonical" href="{SITE.base_url}{place}"' in html
    assert "silently wrong medication lists" in html
    assert "medRxiv" in html
    assert "Papers like it" not in html


def test_a_paper_names_those_like_it(client: TestClient) -> None:
    found = client.get("/search", params={"q": 'title:"two witnesses requiring"'}).text
    (place,) = [one for one in links(found) if one.startswith("/paper/")]
    html = client.get(place).text
    assert "Papers like it" in html
    assert "Retrieval with two witnesses: independent sources" in html


def test_search_marks_and_tells_why(client: TestClient) -> None:
    html = client.get("/search?q=retriev*+OR+notes").text
    assert "<mark>notes</mark>" in html
    assert "<b>retriev*</b> in the abstract" in html
    assert 'value="retriev* OR notes"' in html


def test_search_narrows(client: TestClient) -> None:
    def found(**more: str) -> int:
        html = client.get("/search", params={"q": "retriev* OR notes", **more}).text
        return len(titles(html))

    everything = found()
    assert found(since="not a date") == everything
    assert 0 < found(since="2026-11-20") < everything
    assert 0 < found(until="2026-11-19") < everything
    assert 0 < found(source="medRxiv") < everything
    assert 0 < found(category="cs.IR") < everything
    assert found(source="nobody") == 0


def test_search_is_ordered_as_asked(client: TestClient) -> None:
    def first(order: str) -> str:
        params = {"q": "retriev* OR notes", "order": order}
        return titles(client.get("/search", params=params).text)[0]

    assert first("votes").startswith("Small models, long memories")
    assert first("relevance").startswith("When the chart disagrees")
    assert client.get("/search", params={"q": "owls", "order": "sideways"}).status_code == 400


def test_a_query_that_cannot_be_read_is_mended_beside_its_field(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "owls AND (graph", "since": "2026-11-01"})
    assert answer.status_code == 400
    assert "never closed (column 10)" in answer.text
    assert "Add a )" in answer.text
    assert 'aria-describedby="q-fault"' in answer.text
    assert 'value="owls AND (graph"' in answer.text
    assert 'value="2026-11-01"' in answer.text


def test_the_digest_says_what_its_mail_says(client: TestClient, rooms: Rooms) -> None:
    html = client.get(f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}").text
    assert "Five papers for you today" in html
    assert "<span>Retrieval and its readers</span>" in html
    assert "4 more matched" in html
    assert f"{SITE.base_url}/u/" in html
    for purpose in (Purpose.PREFERENCES, Purpose.FEED):
        assert client.get(f"/d/{rooms.tokens.sign(purpose, 1)}").status_code == 404
    assert client.get(f"/d/{rooms.tokens.sign(Purpose.DIGEST, 99)}").status_code == 404


def test_a_source_says_how_it_is(client: TestClient) -> None:
    html = client.get("/sources").text
    assert "<mark>nothing but earlier papers</mark>" in html
    assert "asked on 20 Nov 2026, 06:00 UTC" in html


def dump(database: Database) -> list[str]:
    with database.read() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        return list(raw.iterdump())


def test_looking_changes_nothing(client: TestClient, rooms: Rooms, web_database: Database) -> None:
    before = dump(web_database)
    token = rooms.tokens.sign(Purpose.DIGEST, 1)
    for path in (*PAGES, f"/d/{token}", "/paper/1", "/subscribe", f"/u/{token}"):
        for _ in range(2):
            client.get(path)
            client.head(path)
    assert dump(web_database) == before


@pytest.mark.parametrize("path", ["/?tab=new", "/?tab=categories", "/search?q=owls"])
def test_hostile_text_is_only_text(client: TestClient, path: str) -> None:
    html = client.get(path).text
    assert "&lt;script&gt;window.hurt=1" in html
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html


def test_a_hostile_paper_is_only_text(client: TestClient) -> None:
    found = next(
        one for one in links(client.get("/search?q=owls").text) if one.startswith("/paper/")
    )
    html = client.get(found).text
    assert "&lt;script&gt;" in html
    assert "{{ 7*7 }}" in unescape(html)
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "https://example.org/a%20pdf?%3Cx%3E" in html


@pytest.mark.parametrize("name", ["q", "source", "category", "since", "tab", "after"])
def test_hostile_queries_are_only_text(client: TestClient, name: str) -> None:
    for path in ("/", "/search", "/papers/2026-11-20"):
        answer = client.get(path, params={"q": "owls", name: HOSTILE})
        assert answer.status_code in (200, 400)
        assert "<script" not in answer.text
        assert "<img" not in answer.text


def test_a_first_visit_is_light(client: TestClient) -> None:
    plain = {"Accept-Encoding": "gzip"}
    for path in ("/", "/papers/2026-11?tab=categories", "/search?q=retriev*", "/paper/1"):
        with client.stream("GET", path, headers=plain, follow_redirects=True) as answer:
            page = sum(map(len, answer.iter_raw()))
        assert page < 30_000


# --- where the site lies, and how it speaks -------------------------------------------------------


def test_a_site_below_a_path_links_below_it(rooms: Rooms) -> None:
    site = dataclasses.replace(SITE, base_url="https://example.org/papers-of-ours")
    with TestClient(create_app(dataclasses.replace(rooms, site=site))) as client:
        html = client.get("/paper/1", follow_redirects=False)
        assert html.headers["location"].startswith("/papers-of-ours/paper/1/")
        html = client.get("/")
    ours = [one for one in links(html.text) if not one.startswith(("#", "mailto:"))]
    assert all(one.startswith(("/papers-of-ours/", site.base_url)) for one in ours)
    assert 'rel="canonical" href="https://example.org/papers-of-ours/papers/2026' in html.text


def test_the_host_header_is_believed_by_nobody(client: TestClient) -> None:
    html = client.get("/", headers={"Host": "evil.example"}).text
    assert "evil.example" not in html


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr;q=0.3, de;q=0.8", "de"),
        ("pt", "pt-BR"),
        ("pt-PT, en", "pt-BR"),
        ("de;q=0, ja", "en"),
        ("*;q=0.5, x;;;, de;q=nonsense", "en"),
        ("de;q=1,"[:7] * 3000, "de"),
    ],
)
def test_the_language_asked_for(accept: str, code: str) -> None:
    assert choose(accept, ("en", "de", "pt-BR")) == code


@pytest.mark.parametrize("wish", ["en", "de", "ja"])
def test_a_page_says_which_language_it_speaks(rooms: Rooms, wish: str) -> None:
    language = speak(wish)
    app = create_app(dataclasses.replace(rooms, languages=("en", "de", "ja")))
    with TestClient(app) as client:
        answer = client.get("/", headers={"Accept-Language": wish})
    assert f"<h1>{language.long_date(TODAY)}</h1>" in answer.text
    assert f'<html lang="{language.code}" dir="ltr">' in answer.text
    assert answer.headers["content-language"] == language.code


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("When the chart disagrees", "when-the-chart-disagrees"),
        ("Über Öfen & <b>", "uber-ofen-b"),
        ("日本語", ""),
        ("a" * 90, "a" * 60),
        ("word " * 40, "-".join(["word"] * 12)),
    ],
)
def test_slugs(title: str, expected: str) -> None:
    assert slug(title) == expected


# --- the operator's own -----------------------------------------------------------------------


def test_every_template_asks_for_what_it_gets() -> None:
    folder = shipped_folder()
    shipped = {path.relative_to(folder).as_posix() for path in (folder / "web").rglob("*.j2")}
    assert shipped == set(CONTEXT)
    for name, known in CONTEXT.items():
        Templates().check(name, known)


def test_a_list_of_papers_leaves_nothing_to_collect(app: FastAPI) -> None:
    desk: Desk = app.state.desk
    scope = {"type": "http", "method": "GET", "path": "/search", "query_string": b"", "headers": []}
    for _ in range(2):  # the first makes what is kept
        gc.collect()
        gc.disable()
        try:
            assert "papers" in str(search.show(Visit(Request(scope), desk), "lamps").body)
            left = gc.collect()
        finally:
            gc.enable()
    assert left == 0


def test_the_operators_own_files_win(rooms: Rooms, tmp_path: Path) -> None:
    (tmp_path / "web" / "static").mkdir(parents=True)
    (tmp_path / "web" / "static" / "digest.css").write_text("body { color: teal }")
    (tmp_path / "web" / "fault.html.j2").write_text("<p>{{ site.name }} is out</p>")
    own = dataclasses.replace(rooms, templates=Templates(tmp_path), overrides=tmp_path)
    with TestClient(create_app(own)) as client:
        assert client.get("/nope").text == "<p>Lab Reading Group is out</p>"
        sheet = re.search(r'href="(/static/digest\.[0-9a-f]+\.css)"', client.get("/").text)
        assert sheet
        assert client.get(sheet[1]).text == "body { color: teal }"
