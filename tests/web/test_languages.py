"""Pages in every language: chosen by name, by the browser or by the reader; all of the frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from digest.model import PaperId, Subscriber
from digest.phrases import LANGUAGES
from digest.rendering.language import own_name, speak
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.app import create_app
from digest.web.languages import instead, named
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.conftest import SITE, make_rooms
from tests.web.reading import RHYTHM, Fields, Links, confirm_link, dump, reader, rows
from tools.catalogues import messages

OTHERS = [code for code in LANGUAGES if code != "en"]


@pytest.fixture
def rooms(web_database: Database, clock: FrozenClock) -> Rooms:
    return make_rooms(web_database, clock, languages=LANGUAGES)


@pytest.fixture
def client(rooms: Rooms) -> Iterator[TestClient]:
    with TestClient(create_app(rooms), SITE.base_url, follow_redirects=False) as client:
        yield client


def speaks(html: str) -> str:
    found = re.search(r'<html lang="([^"]+)"', html)
    assert found
    return found[1]


def set_language(rooms: Rooms, code: str) -> Subscriber:
    rooms.subscriptions.edit(reader(rooms).email, {"language": code})
    return reader(rooms)


class Texts(HTMLParser):
    """What a page says in its own words: not what papers, readers and the operator say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._theirs: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.found |= {given[key] for key in ("placeholder", "aria-label") if key in given}
        if tag in ("input", "meta", "link", "br", "option"):
            return
        is_theirs = (
            given.get("dir") == "auto"
            or tag in ("code", "pre", "datalist", "title")
            or given.get("class") in ("chip", "name", "languages")
        )
        self._theirs.append(is_theirs or (bool(self._theirs) and self._theirs[-1]))

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("input", "meta", "link", "br", "option") and self._theirs:
            self._theirs.pop()

    def handle_data(self, data: str) -> None:
        if not (self._theirs and self._theirs[-1]):
            self.found.add(" ".join(data.split()))


def everywhere(rooms: Rooms) -> list[str]:
    public = ("/", "/?tab=sources", "/papers/2026-W47", "/papers/2026-11", "/search", "/sources")
    more = ("/search?q=owls+AND+(graph", "/search?q=owls", "/paper/1", "/feeds", "/my", "/nope")
    links = Links.of(rooms)
    rest = (
        "",
        "/interest",
        "/interest/1",
        "/pause",
        "/feedback",
        "/address",
        "/delete",
        "/channels",
    )
    own = [f"{links.preferences}{one}" for one in rest] + [links.unsubscribe]
    said = [f"{links.feedback}/1/{word}" for word in ("up", "down", "mute")]
    digest = f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}"
    return [*public, *more, "/subscribe", digest, *own, *said]


def test_every_page_is_wholly_in_its_language(client: TestClient, rooms: Rooms) -> None:
    """What a page says in English and elsewhere alike is the data's, or the same word in both."""
    theirs, left = corpus(rooms), {}
    same_words = {code: kept_words(code) for code in OTHERS}
    for path in everywhere(rooms):
        english = Texts(read(client, path, "en")).found
        for code in OTHERS:
            html = read(client, path, code)
            assert speaks(html) == code, path
            for text in english & Texts(html).found:
                if not all(one in theirs or one in same_words[code] for one in pieces(text)):
                    left[code, text] = path
    assert left == {}


def pieces(text: str) -> list[str]:
    bare = re.sub(r"^[▲\d\s]+|\.$", "", text)
    return [one for one in re.split(r"[:,;] | · ", bare) if re.search("[A-Za-z]{3}", one)]


def read(client: TestClient, path: str, code: str) -> str:
    answer = client.get(f"{path}{'&' if '?' in path else '?'}lang={code}", follow_redirects=True)
    assert answer.headers["content-language"] == code
    return answer.text


def corpus(rooms: Rooms) -> str:
    """Everything that papers, their sources, the reader and the operator say."""
    papers = rooms.papers.papers([PaperId(number) for number in range(1, 500)]).values()
    texts = [SITE.name, SITE.identity, reader(rooms).email, "Europe/Lisbon arXiv medRxiv bioRxiv"]
    texts += ["PubMed Hugging Face Atom RSS JSON Feed https:// November 2026 a@example.org"]
    texts += [own_name(code) for code in LANGUAGES]
    texts += [f"arXiv:{one.ids.arxiv} doi:{one.ids.doi} PMID {one.ids.pmid}" for one in papers]
    texts += [f"{one.title} {one.abstract} {one.note} {one.organisation}" for one in papers]
    texts += [" ".join((*one.authors, *one.categories, *one.sources)) for one in papers]
    texts += [f"{one.name} {one.query} {one.statement}" for one in reader(rooms).interests]
    return " ".join(" ".join(texts).split())


def kept_words(code: str) -> set[str]:
    """What is the same word in English and in this language."""
    language = speak(code)
    texts = [ids for _, ids in messages() if isinstance(ids, str)]
    forms = [ids for _, ids in messages() if not isinstance(ids, str)]
    same = [many for one, many in forms if language.catalogue.ngettext(one, many, 3) == many]
    many = {one.removeprefix("{n} ") for one in same}
    return {text for text in texts if language.text(text) == text} | many


def test_a_language_chosen_by_name_wins_over_the_browsers(client: TestClient) -> None:
    asked = {"Accept-Language": "fr"}
    assert speaks(client.get("/", headers=asked).text) == "fr"
    assert speaks(client.get("/?lang=ja", headers=asked).text) == "ja"
    assert speaks(client.get("/?lang=tlh", headers=asked).text) == "fr"
    assert speaks(client.get("/").text) == "en"


def test_a_readers_own_pages_are_in_their_language(client: TestClient, rooms: Rooms) -> None:
    set_language(rooms, "de")
    own = Links.of(rooms)
    for path in (own.preferences, own.unsubscribe, f"{own.feedback}/1/up"):
        assert speaks(client.get(path, headers={"Accept-Language": "fr"}).text) == "de"
        assert speaks(client.get(f"{path}?lang=es").text) == "es"


def test_who_chose_a_language_keeps_it_from_page_to_page(client: TestClient) -> None:
    html = client.get("/?lang=de").text
    pages = set(re.findall(r'href="(/[^"]*)"', html))
    pages = {one for one in pages if not one.startswith(("/static/", "/feeds/papers."))}
    lost = {one for one in pages if "lang=de" not in one}
    assert lost == set()
    assert '<input type="hidden" name="lang" value="de">' in html
    assert not re.findall(r'href="/[^"]*lang=', client.get("/").text)


def test_a_canonical_address_has_no_language(client: TestClient) -> None:
    html = client.get("/papers/2026-W47?lang=de").text
    assert f'<link rel="canonical" href="{SITE.base_url}/papers/2026-W47">' in html


def test_a_form_answers_in_the_language_it_was_shown_in(client: TestClient, rooms: Rooms) -> None:
    preferences = Links.of(rooms).preferences
    html = client.get(f"{preferences}?lang=fr").text
    [action] = re.findall(r'action="([^"]*/rhythm[^"]*)"', html)
    answer = client.post(action, data=RHYTHM)
    assert answer.status_code == 303
    after = client.get(answer.headers["location"]).text
    assert speaks(after) == "fr"
    assert speak("fr").text("Your rhythm is saved.") in after


def test_the_footer_offers_every_language_and_looking_changes_nothing(
    client: TestClient, rooms: Rooms, web_database: Database
) -> None:
    before = dump(web_database)
    html = client.get("/search?q=owls&order=date").text
    offered = re.findall(r'<a href="\?([^"]+)" lang="(\w+)" hreflang="\2" rel="nofollow"', html)
    assert [code for _, code in offered] == list(LANGUAGES)
    assert offered[1][0] == "q=owls&amp;order=date&amp;lang=de"
    own = Links.of(rooms)
    for code in LANGUAGES:
        answer = client.get(f"{own.preferences}?lang={code}")
        assert "set-cookie" not in answer.headers
    assert dump(web_database) == before


def test_one_language_is_no_choice(web_database: Database, clock: FrozenClock) -> None:
    rooms = make_rooms(web_database, clock, languages=("de",))
    with TestClient(create_app(rooms), SITE.base_url) as client:
        html = client.get("/", headers={"Accept-Language": "fr"}).text
    assert speaks(html) == "de"
    assert 'class="languages"' not in html


def test_what_was_typed_is_not_lost_by_a_choice(client: TestClient) -> None:
    answer = client.post("/subscribe", data={"wants": "owls", "do": "preview"})
    assert 'class="languages"' not in answer.text


def test_caches_know_what_a_page_depends_on(client: TestClient) -> None:
    assert "Accept-Language" in client.get("/").headers["vary"]
    assert "Accept-Language" not in client.get("/?lang=de").headers.get("vary", "")
    for _ in range(2):  # drawn, then kept
        assert speaks(client.get("/", headers={"Accept-Language": "ja"}).text) == "ja"
        assert speaks(client.get("/", headers={"Accept-Language": "de"}).text) == "de"
        assert speaks(client.get("/?lang=es", headers={"Accept-Language": "de"}).text) == "es"


def test_who_subscribes_gets_the_language_of_the_page(client: TestClient, rooms: Rooms) -> None:
    form = {"email": "neu@example.org", "wants": "owls", "do": "join", **RHYTHM}
    answer = client.post("/subscribe?lang=de", data=form)
    assert speaks(answer.text) == "de"
    assert [row.language for row in rows_of(rooms)] == ["de"]
    welcome = client.post(confirm_link(rooms))
    assert speaks(welcome.text) == "de"
    [new] = [one for one in everybody(rooms) if one.email == "neu@example.org"]
    assert new.language == "de"


def rows_of(rooms: Rooms) -> list[Subscriber]:
    return rows(rooms.joining._database, "errand")


def everybody(rooms: Rooms) -> list[Subscriber]:
    return rooms.subscribers.profiles([reader(rooms).id, type(reader(rooms).id)(2)])


def test_a_reader_changes_their_language(client: TestClient, rooms: Rooms) -> None:
    preferences = Links.of(rooms).preferences
    look = {"style": "full", "limit": "12", "trending": "0", "language": "ja"}
    client.post(f"{preferences}/look", data=look)
    assert reader(rooms).language == "ja"
    assert speaks(client.get(preferences).text) == "ja"


def test_a_language_nobody_speaks_here_is_shown_as_english(
    client: TestClient, rooms: Rooms
) -> None:
    set_language(rooms, "tlh")
    html = client.get(Links.of(rooms).preferences).text
    assert speaks(html) == "en"
    assert '<option value="en" selected>English</option>' in html
    assert 'value="tlh"' not in html


@pytest.mark.parametrize(
    ("code", "column"),
    [
        ("de", "(Spalte 10)"),
        ("fr", "(colonne 10)"),
        ("zh", "（第 10 列）"),
        ("ja", "（10 文字目）"),
    ],
)
def test_a_query_s_mistake_is_told_in_the_readers_words(
    client: TestClient, code: str, column: str
) -> None:
    html = client.get("/search", params={"q": "owls AND (graph", "lang": code}).text
    assert column in html
    assert "never closed" not in html


@pytest.mark.parametrize("code", OTHERS)
def test_faults_beside_fields_are_told_in_the_readers_words(client: TestClient, code: str) -> None:
    form = {"email": "no address", "keywords": "titel:owls", **RHYTHM, "timezone": "Europe/Lisbn"}
    html = client.post(f"/subscribe?lang={code}", data={**form, "do": "join"}).text
    fields, english = Fields(html), ("There", "This", "Did you", "Unknown", "Write")
    for name in ("email", "keywords", "timezone"):
        assert fields.fault(name)
        assert not fields.fault(name).startswith(english), fields.fault(name)
    assert "Europe/Lisbon" in fields.fault("timezone")


@pytest.mark.parametrize("code", OTHERS)
def test_the_look_s_faults_are_told_in_the_readers_words(
    client: TestClient, rooms: Rooms, code: str
) -> None:
    look = {"style": "full", "limit": "500", "trending": "0", "language": "en"}
    html = client.post(f"{Links.of(rooms).preferences}/look?lang={code}", data=look).text
    fault = Fields(html).fault("limit")
    assert "200" in fault
    assert "must be" not in fault.lower()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lang=de", "de"),
        ("q=x&lang=PT", "pt"),
        ("lang=", ""),
        ("lang=xx", ""),
        ("", ""),
        ("lang=en&lang=de", "en"),
        ("lang[]=de", ""),
        ("lang=%00", ""),
        ("x=" + "y" * 9000 + "&lang=de", ""),
    ],
)
def test_the_language_a_query_names(query: str, code: str) -> None:
    assert named(query, LANGUAGES) == code


def test_the_same_page_in_another_language() -> None:
    assert instead("q=a+b&lang=de&x=", ["ja"]) == ["q=a+b&x=&lang=ja"]
    assert instead("", ["ja", "de"]) == ["lang=ja", "lang=de"]
    assert instead('q="><script>', ["ja"]) == ["q=%22%3E%3Cscript%3E&lang=ja"]


def test_a_public_feed_is_the_same_for_everybody(client: TestClient) -> None:
    german = client.get("/feeds/papers.json?lang=de", headers={"Accept-Language": "de"})
    assert german.json()["language"] == "en"
    assert german.content == client.get("/feeds/papers.json").content


def test_a_digest_s_page_is_the_readers_unless_they_choose(
    client: TestClient, rooms: Rooms
) -> None:
    set_language(rooms, "de")
    path = f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}"
    assert "für Sie" in client.get(path).text
    assert "pour vous" in client.get(f"{path}?lang=fr").text


def test_a_region_of_a_language(web_database: Database, clock: FrozenClock) -> None:
    rooms = replace(make_rooms(web_database, clock), languages=("en-GB", "de-CH"))
    with TestClient(create_app(rooms), SITE.base_url) as client:
        html = client.get("/?lang=de-CH").text
    assert speaks(html) == "de-CH"
    assert "Deutsch (Schweiz)" in html
