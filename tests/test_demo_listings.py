"""The demo's material: invented papers in real shapes, readers who parse, and the last page."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import httpx
import pytest

from digest.clock import zone
from digest.demo.arxiv_listings import COMPUTING, SCIENCES, announce_type
from digest.demo.gallery import build_gallery, read_letters
from digest.demo.listings import SUBSCRIBERS, write_listings
from digest.demo.preprint_listings import surname_first
from digest.demo.sample import SamplePaper, announced_by, load_papers
from digest.matching.query import parse
from digest.model import Cadence, Fetched, Listing, Window
from digest.sources.http import Fetcher
from digest.sources.kinds import KINDS
from digest.store.folding import Fold
from digest.text import clean, same_title, share_author

TODAY = date(2026, 11, 20)
PAPERS = load_papers()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listings")
    write_listings(folder, TODAY)
    return folder


def paper(**fields: Any) -> SamplePaper:
    usual = {"slot": 90001, "title": "A lamp", "abstract": "It shines.", "authors": ("Ada Byron",)}
    return SamplePaper(**{**usual, "categories": ("cs.CL",), "sources": ("arxiv",), **fields})


# --- the papers ---------------------------------------------------------------------------------


def test_there_are_a_few_hundred_papers_over_a_week() -> None:
    assert len(PAPERS) >= 260
    assert {one.day for one in PAPERS} == set(range(7))


@pytest.mark.parametrize("field", ["slot", "title", "abstract"])
def test_no_two_papers_share(field: str) -> None:
    counts = Counter(getattr(one, field) for one in PAPERS)
    assert [value for value, times in counts.items() if times > 1] == []


def test_abstracts_are_as_long_as_abstracts() -> None:
    lengths = {one.title: len(one.abstract.split()) for one in PAPERS}
    assert {title: n for title, n in lengths.items() if not 45 <= n <= 90} == {}


def test_papers_have_between_one_author_and_a_collaboration() -> None:
    sizes = [len(one.authors) for one in PAPERS]
    assert min(sizes) == 1
    assert max(sizes) > 50


def test_identifiers_cannot_be_anybodys() -> None:
    assert all(90_000 < one.slot < 100_000 for one in PAPERS)
    assert all(re.fullmatch(r"26\d\d\.9\d{4}", one.arxiv_id(TODAY)) for one in PAPERS)


def test_a_revision_keeps_the_id_of_its_first_month() -> None:
    revision = paper(kind="replace", version=3, age=60)
    assert revision.arxiv_id(TODAY).startswith("2609.")


def test_two_papers_are_nearly_the_same_and_stay_two() -> None:
    twins = [one for one in PAPERS if one.title.startswith("Retrieval with two witnesses")]
    assert len(twins) == 2
    assert not share_author(twins[0].authors, twins[1].authors)


@pytest.mark.parametrize(
    "pair",
    [
        ("arxiv", "huggingface"),
        ("arxiv", "medrxiv"),
        ("biorxiv", "pubmed"),
        ("biorxiv", "journal"),
        ("journal", "pubmed"),
        ("arxiv", "lab"),
    ],
    ids="+".join,
)
def test_papers_are_announced_in_two_places(pair: tuple[str, str]) -> None:
    assert any(set(pair) <= set(one.sources) for one in PAPERS)


# --- the listings -------------------------------------------------------------------------------


def entries(file: Path) -> list[Any]:
    parsed = feedparser.parse(file.read_bytes())
    assert not parsed.bozo
    return list(parsed.entries)


@pytest.mark.parametrize(
    ("file", "version"),
    [
        ("arxiv/arxiv-rss.xml", "rss20"),
        ("arxiv/arxiv-atom.xml", "atom10"),
        ("arxiv/arxiv-api.xml", "atom10"),
        ("biorxiv.rdf", "rss10"),
        ("medrxiv.rdf", "rss10"),
        ("journal.rss", "rss091u"),
        ("pubmed.rss", "rss20"),
    ],
)
def test_each_listing_is_in_its_real_format(folder: Path, file: str, version: str) -> None:
    assert feedparser.parse((folder / file).read_bytes()).version == version


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("biorxiv.rdf", "biorxiv"),
        ("medrxiv.rdf", "medrxiv"),
        ("journal.rss", "journal"),
        ("pubmed.rss", "pubmed"),
    ],
)
def test_a_listing_has_all_its_papers(folder: Path, file: str, source: str) -> None:
    assert len(entries(folder / file)) == len(announced_by(source, PAPERS))


def test_arxiv_announces_today_and_its_api_knows_the_days_before(folder: Path) -> None:
    today, earlier = set(), set()
    for name in ("arxiv-rss.xml", "arxiv-atom.xml"):
        today |= {entry.id.split(":")[-1] for entry in entries(folder / "arxiv" / name)}
    earlier = {entry.id.split("/")[-1] for entry in entries(folder / "arxiv" / "arxiv-api.xml")}
    papers = announced_by("arxiv", PAPERS)
    expected = {f"{one.arxiv_id(TODAY)}v{one.version}": one.day for one in papers}
    assert today == {id_ for id_, day in expected.items() if day == 0}
    assert earlier == {id_ for id_, day in expected.items() if day > 0}


@pytest.mark.parametrize(
    ("fields", "archives", "expected"),
    [
        pytest.param({}, COMPUTING, "new", id="own-archive"),
        pytest.param({}, SCIENCES, "cross", id="first-category-elsewhere"),
        pytest.param({"kind": "cross"}, COMPUTING, "cross", id="late-cross-list"),
        pytest.param({"kind": "replace"}, COMPUTING, "replace", id="revision"),
        pytest.param({"kind": "replace"}, SCIENCES, "replace-cross", id="revision-elsewhere"),
    ],
)
def test_announce_types(fields: dict[str, Any], archives: tuple[str, ...], expected: str) -> None:
    assert announce_type(paper(**fields), archives) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Renske Achterberg", "Achterberg, R."),
        ("Min-jun Baek", "Baek, M.-J."),
        ("Hannah van Dyck", "van Dyck, H."),
    ],
)
def test_names_as_preprint_servers_print_them(name: str, expected: str) -> None:
    assert surname_first(name) == expected


def test_hugging_face_names_arxiv_ids_votes_and_people(folder: Path) -> None:
    listed = json.loads((folder / "hf-daily-papers.json").read_text("utf-8"))
    first = next(one for one in listed if one["title"].startswith("When the chart disagrees"))
    assert first["paper"]["id"] == "2611.90007"
    assert (first["paper"]["upvotes"], first["numComments"]) == (84, 12)
    assert first["organization"]["fullname"] == "Tidewater Clinic Lab"


def test_the_lab_feed_is_json_feed_and_points_at_arxiv(folder: Path) -> None:
    feed = json.loads((folder / "lab-feed.json").read_text("utf-8"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert len(feed["items"]) == len(announced_by("lab", PAPERS))
    assert any("arxiv.org/abs/" in item.get("external_url", "") for item in feed["items"])


def test_journal_quirks_are_there(folder: Path) -> None:
    items = ET.parse(folder / "journal.rss").getroot().findall("channel/item")
    assert all(item.find("guid") is None for item in items)
    assert all((item.findtext("title") or "").startswith("\ufeff") for item in items)
    assert all("DOI: 10.5555/" in (item.findtext("description") or "") for item in items)


def test_the_same_day_gives_the_same_bytes_and_another_day_other_dates(tmp_path: Path) -> None:
    def written(name: str, day: date) -> dict[str, bytes]:
        target = tmp_path / name
        write_listings(target, day)
        files = (file for file in target.rglob("*") if file.is_file())
        return {file.relative_to(target).as_posix(): file.read_bytes() for file in files}

    first, again = written("a", TODAY), written("b", TODAY)
    assert first == again
    assert first != written("c", TODAY + timedelta(days=1))


def test_every_source_of_the_configuration_has_its_file(tmp_path: Path) -> None:
    sources = write_listings(tmp_path, TODAY)["sources"]
    assert all(Path(source["path"]).exists() for source in sources)
    assert {source["kind"] for source in sources} == {
        *("arxiv", "huggingface", "biorxiv", "medrxiv", "feed", "pubmed")
    }


def test_no_listing_is_dated_after_the_day(folder: Path) -> None:
    for file in [*folder.rglob("*.xml"), *folder.rglob("*.rss")]:
        for entry in entries(file):
            assert date(*entry.published_parsed[:3]) <= TODAY


# --- as the real sources read them --------------------------------------------------------------

WINDOW = Window(
    datetime(2026, 11, 13, 12, tzinfo=UTC),
    datetime(2026, 11, 20, 12, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fetched]:
    sources = write_listings(tmp_path_factory.mktemp("sources"), TODAY)["sources"]
    return {source["name"]: fetch(source) for source in sources}


def fetch(table: dict[str, Any]) -> Fetched:
    kind = KINDS[table["kind"]]
    given = {key: value for key, value in table.items() if key not in ("kind", "path")}
    options: Any = kind.Options(path=Path(table["path"]), **given)
    fetcher = Fetcher(transport=httpx.MockTransport(lambda _: httpx.Response(404)))
    try:
        return kind(options, fetcher).fetch(WINDOW, {})
    finally:
        fetcher.close()


NAMES = {
    "arXiv": "arxiv",
    "Hugging Face": "huggingface",
    "bioRxiv": "biorxiv",
    "medRxiv": "medrxiv",
    "Herbarium Letters": "journal",
    "PubMed": "pubmed",
    "Open Registers Lab": "lab",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_source_reads_its_listing_without_a_fault(fetched: dict[str, Fetched], name: str) -> None:
    answer = fetched[name]
    assert (answer.fault, answer.entry_faults, answer.complete) == (None, (), True)


@pytest.mark.parametrize("name", NAMES)
def test_every_announced_paper_arrives_whole(fetched: dict[str, Fetched], name: str) -> None:
    """All but revisions, which arXiv's policy leaves out; abstracts word for word."""
    abstracts = {clean(listing.abstract): listing for listing in fetched[name].listings}
    announced = [one for one in announced_by(NAMES[name], PAPERS) if one.kind != "replace"]
    for one in announced:
        listing = abstracts[clean(one.abstract)]
        assert listing.title == clean(one.title)
        assert share_author(listing.authors, one.authors)
        assert len(listing.authors) == len(one.authors)
    assert len(abstracts) == len(announced)


def test_papers_of_several_sources_share_a_key_or_title_and_author(
    fetched: dict[str, Fetched],
) -> None:
    by_title: dict[str, list[Listing]] = {}
    for listing in chain.from_iterable(answer.listings for answer in fetched.values()):
        by_title.setdefault(listing.title, []).append(listing)
    for listings in by_title.values():
        first = listings[0]
        assert all(share_author(first.authors, other.authors) for other in listings[1:])


@pytest.mark.parametrize("turned", [False, True], ids=["in-order", "in-reverse"])
def test_all_sightings_fold_into_one_paper_each(
    fetched: dict[str, Fetched], *, turned: bool
) -> None:
    """277 papers in seven sources, some in three: neither doubled nor merged with a neighbour."""
    names = sorted(fetched, reverse=turned)
    fold = Fold(WINDOW.until)
    for listing in chain.from_iterable(fetched[name].listings for name in names):
        fold.add(listing)
    expected = Counter(clean(one.title) for one in PAPERS if one.kind != "replace")
    assert Counter(content.title for content in fold.papers.values()) == expected


def test_community_facts_arrive(fetched: dict[str, Fetched]) -> None:
    ids = {listing.ids.arxiv: listing for listing in fetched["Hugging Face"].listings}
    listing = ids["2611.90007"]
    assert (listing.votes, listing.comments) == (84, 12)
    assert (listing.organisation, listing.submitter) == ("Tidewater Clinic Lab", "Kavitha Iyer")


def test_announcements_fall_inside_the_week(fetched: dict[str, Fetched]) -> None:
    for listing in chain.from_iterable(answer.listings for answer in fetched.values()):
        assert listing.announced_at is None or WINDOW.since <= listing.announced_at < WINDOW.until


# --- the readers --------------------------------------------------------------------------------

READERS = [json.loads(line) for line in SUBSCRIBERS.read_text("utf-8").splitlines()]


def test_there_are_half_a_dozen_readers_of_different_habits() -> None:
    assert len({reader["email"] for reader in READERS}) >= 6
    assert len({reader["timezone"] for reader in READERS}) >= 6
    assert len({reader["cadence"] for reader in READERS}) >= 3
    assert any(not reader["interests"] for reader in READERS)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader["email"])
def test_a_reader_is_well_formed(reader: dict[str, Any]) -> None:
    assert reader["email"].endswith("example.org")
    assert zone(reader["timezone"])
    assert Cadence(reader["cadence"])
    for interest in reader["interests"]:
        assert interest.keys() & {"query", "statement", "examples", "authors"}
        assert not interest.get("query") or parse(interest["query"])


def test_no_example_is_a_paper_of_the_demo() -> None:
    """An interest should find papers like its example, not the example."""
    titles = [
        example["title"]
        for reader in READERS
        for interest in reader["interests"]
        for example in interest.get("examples", ())
    ]
    assert titles
    assert not any(same_title(title, one.title) for title in titles for one in PAPERS)


# --- the page -----------------------------------------------------------------------------------


def letter(mailbox: Path, name: str, *, html: str | None = None, **headers: str) -> None:
    message = EmailMessage(policy=SMTP)
    usual = {
        "To": "ada@example.org",
        "Subject": "Two lamps",
        "Date": "Fri, 20 Nov 2026 07:30 +0000",
    }
    for key, value in {**usual, **headers}.items():
        message[key] = value
    message.set_content("Two lamps & <one> fog")
    if html is not None:
        message.add_alternative(html, subtype="html")
    mailbox.mkdir(parents=True, exist_ok=True)
    (mailbox / name).write_bytes(message.as_bytes())


def page(tmp_path: Path) -> str:
    return build_gallery(tmp_path / "mail", tmp_path / "demo" / "index.html").read_text("utf-8")


def test_a_message_is_shown_as_html_and_as_text(tmp_path: Path) -> None:
    letter(tmp_path / "mail", "a.eml", html='<html><head></head><body>"Fog"</body></html>')
    shown = page(tmp_path)
    assert "&lt;body&gt;&#34;Fog&#34;&lt;/body&gt;" in shown
    assert "Two lamps &amp; &lt;one&gt; fog" in shown
    assert "Friday, 20 November 2026, 07:30 UTC" in shown


def test_a_message_cannot_leave_its_frame(tmp_path: Path) -> None:
    letter(
        tmp_path / "mail",
        "a.eml",
        html='"></iframe><script>alert(1)</script>',
        Subject="</title><script>alert(2)</script>",
    )
    shown = page(tmp_path)
    assert "<script>alert" not in shown
    assert 'sandbox="allow-same-origin allow-popups"' in shown


def test_a_message_without_html_or_date_says_so(tmp_path: Path) -> None:
    letter(tmp_path / "mail", "a.eml", Date="one of these days")
    shown = page(tmp_path)
    assert "This message has no HTML part." in shown
    assert "no date" in shown


def test_an_empty_mailbox_gives_a_page_that_says_so(tmp_path: Path) -> None:
    assert "No digest is here yet" in page(tmp_path)


def test_letters_come_newest_day_first_then_by_address(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    letter(folder, "1.eml", To="zoe@example.org")
    letter(folder, "2.eml", To="ada@example.org")
    letter(folder / "deeper", "3.eml", To="mia@example.org", Date="Sat, 21 Nov 2026 07:30 +0000")
    assert [one.to.partition("@")[0] for one in read_letters(folder)] == ["mia", "ada", "zoe"]
    assert len({one.anchor for one in read_letters(folder)}) == 3
