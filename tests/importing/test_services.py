"""Zotero, ORCID and arXiv as they answer, and as they do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from digest.errors import UsageError
from digest.importing.services import Services
from digest.importing.works import Work
from digest.sources.http import Fetcher, HttpOptions

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def ask() -> Iterator[Callable[[Answer], Services]]:
    """Services over a world that answers as told."""
    opened: list[Fetcher] = []

    def ask(answer: Answer) -> Services:
        options = HttpOptions(retries=0, intervals={})
        fetcher = Fetcher(options, transport=httpx.MockTransport(answer))
        opened.append(fetcher)
        return Services(fetcher)

    yield ask
    for one in opened:
        one.close()


Ask = Callable[[Answer], Services]


def items(first: int, count: int) -> list[dict[str, Any]]:
    return [
        {"data": {"itemType": "journalArticle", "title": f"Lamp {n}", "date": str(2000 + n % 20)}}
        for n in range(first, first + count)
    ]


@pytest.mark.parametrize(
    ("library", "path"),
    [
        pytest.param("475425", "/users/475425/items/top", id="user"),
        pytest.param("groups/12", "/groups/12/items/top", id="group"),
        pytest.param(
            "users/7/collections/ABCD2345",
            "/users/7/collections/ABCD2345/items/top",
            id="collection",
        ),
    ],
)
def test_zotero_is_read_page_by_page(ask: Ask, library: str, path: str) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        start = int(request.url.params["start"])
        body = items(start, min(100, 230 - start))
        return httpx.Response(200, json=body, headers={"Total-Results": "230"})

    found = ask(answer).zotero(library, key="secret")
    assert len(found.works) == 230
    assert [url.params["start"] for url in asked] == ["0", "100", "200"]
    assert {url.path for url in asked} == {path}
    assert {url.params["key"] for url in asked} == {"secret"}


def test_orcid_gives_titles_and_ids_newest_first(ask: Ask) -> None:
    def group(title: str, year: str, **ids: str) -> dict[str, Any]:
        external = [
            {"external-id-type": kind, "external-id-value": value} for kind, value in ids.items()
        ]
        summary = {
            "title": {"title": {"value": title}},
            "publication-date": {"year": {"value": year}},
        }
        return {"external-ids": {"external-id": external}, "work-summary": [summary]}

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v3.0/0000-0002-1825-0097/works"
        assert request.headers["accept"] == "application/json"
        groups = [
            group("Old lamps", "1999", doi="10.1000/OLD"),
            group("New lamps", "2024", arxiv="2411.00002", pmid="123"),
            {"work-summary": []},
        ]
        return httpx.Response(200, json={"group": groups})

    found = ask(answer).orcid("https://orcid.org/0000-0002-1825-0097")
    assert found.works == (
        Work("New lamps", arxiv="2411.00002", pmid="123", year=2024),
        Work("Old lamps", doi="10.1000/old", year=1999),
    )


ATOM = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">
<title>Lamps on arXiv</title><entry><id>http://arxiv.org/abs/2511.00001v2</id>
<updated>2025-11-02T00:00:00Z</updated><published>2025-11-01T00:00:00Z</published>
<title>Lanterns in sea fog</title><summary>How far a lantern shines.</summary>
<author><name>Ada Mirza</name></author></entry></feed>"""


@pytest.mark.parametrize("identifier", ["mirza_a_1", "https://arxiv.org/a/mirza_a_1"])
def test_an_arxiv_author_s_papers_come_with_abstracts(ask: Ask, identifier: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://arxiv.org/a/mirza_a_1.atom2"
        return httpx.Response(200, text=ATOM, headers={"content-type": "application/atom+xml"})

    (work,) = ask(answer).arxiv_author(identifier).works
    assert (work.title, work.arxiv, work.year) == ("Lanterns in sea fog", "2511.00001", 2025)
    assert work.abstract == "How far a lantern shines."


@pytest.mark.parametrize(
    ("call", "told"),
    [
        pytest.param(lambda it: it.zotero("ada"), "no Zotero library", id="zotero"),
        pytest.param(lambda it: it.zotero("../users/1"), "no Zotero library", id="zotero-path"),
        pytest.param(lambda it: it.orcid("0000-0002-1825-0098"), "is no ORCID", id="orcid-check"),
        pytest.param(lambda it: it.orcid("Ada"), "is no ORCID", id="orcid"),
        pytest.param(lambda it: it.arxiv_author("Ada"), "no arXiv author id", id="arxiv"),
    ],
)
def test_an_id_that_cannot_be_is_refused_before_anybody_is_asked(
    ask: Ask, call: Callable[[Services], object], told: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    with pytest.raises(UsageError, match=told) as caught:
        call(ask(answer))
    assert caught.value.mend


@pytest.mark.parametrize(
    ("response", "told"),
    [
        pytest.param(httpx.Response(403), "403", id="forbidden"),
        pytest.param(httpx.Response(404), "404", id="unknown"),
        pytest.param(httpx.Response(200, text="<html>"), "did not answer in JSON", id="html"),
        pytest.param(httpx.Response(200, text=json.dumps("x")), "no list of works", id="text"),
    ],
)
def test_an_answer_that_is_none_names_the_service(
    ask: Ask, response: httpx.Response, told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        ask(lambda request: response).zotero("475425", key="secret")
    assert "Zotero" in caught.value.message
    assert told in caught.value.message
    assert "secret" not in str(caught.value)
