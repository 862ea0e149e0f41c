"""What the pages' tests look at: the demo's papers, a hostile one, a reader and a digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from digest.demo.sample import SamplePaper, load_papers
from digest.model import (
    Announcement,
    Digest,
    DigestId,
    FetchId,
    Field,
    Hit,
    InterestId,
    Item,
    Links,
    Listing,
    Paper,
    PaperIds,
    Reasons,
    Section,
    SourceNote,
    Subscriber,
    Verdict,
)
from digest.store.archive import ArchiveStore, Span, Wanted
from digest.store.database import Database
from digest.store.editions import Due, EditionStore, Issue
from digest.store.papers import Fetch, PaperStore, SourceMemory
from digest.subscriptions import Subscriptions
from tests.fakes import START

TODAY: Final = START.date()
KEYS: Final = ("a key for the tests, as long as it has to be",)
READER: Final = "reader@example.org"
HOSTILE: Final = '<script>window.hurt=1</script><img src=x onerror="window.hurt=1">'
NAMES: Final = {
    "arxiv": "arXiv",
    "huggingface": "Hugging Face",
    "biorxiv": "bioRxiv",
    "medrxiv": "medRxiv",
    "pubmed": "PubMed",
}


def hostile(day: date = TODAY) -> Listing:
    """A listing that tries everything a page could fall for."""
    return Listing(
        source="arXiv",
        ids=PaperIds(arxiv="2611.66666"),
        title=f"Owls at dusk {HOSTILE} {{{{ 7*7 }}}}",
        abstract=f"Owls see {HOSTILE} at night.",
        authors=(f"O’Wl {HOSTILE}", "Ada ‮Mirza"),
        categories=("cs.CL", f"x{HOSTILE}"),
        announcement=Announcement.NEW,
        version=1,
        announced_at=_noon(day),
        links=Links(abstract="javascript:window.hurt=1", pdf="https://example.org/a pdf?<x>"),
        votes=7,
        comments=1,
        submitter=HOSTILE,
        organisation=HOSTILE,
        note=HOSTILE,
    )


def listings(today: date = TODAY) -> list[Listing]:
    """The demo's papers as their sources list them."""
    return [_listing(paper, source, today) for paper in load_papers() for source in paper.sources]


def _listing(paper: SamplePaper, source: str, today: date) -> Listing:
    name = NAMES.get(source, source)
    is_arxiv = "arxiv" in paper.sources
    identifier = paper.arxiv_id(today) if is_arxiv else None
    page = f"https://arxiv.org/abs/{identifier}" if identifier else None
    return Listing(
        source=name,
        ids=PaperIds(arxiv=identifier, doi=None if is_arxiv else paper.doi(today)),
        title=paper.title,
        abstract=paper.abstract,
        authors=paper.authors,
        categories=paper.categories,
        version=1 if source == "arxiv" else None,
        announced_at=_noon(paper.announced(today)),
        published_at=_noon(paper.first_seen(today)),
        links=Links(abstract=page, pdf=page.replace("/abs/", "/pdf/") if page else None),
        votes=paper.votes or None,
        comments=paper.comments or None,
        organisation=paper.organisation or None,
        note=paper.note,
    )


def remember(database: Database, given: Sequence[Listing], *, at: datetime = START) -> None:
    """Store listings, one fetch a source, and one source that was stale."""
    papers = PaperStore(database)
    by_source: dict[str, list[Listing]] = defaultdict(list)
    for one in given:
        by_source[one.source].append(one)
    lease = papers.lease("seeds")
    assert lease.acquire()
    for source, some in by_source.items():
        papers.remember(_fetch(source, Verdict.FRESH, at), some, lease)
    stale = "Nothing but papers of earlier days; what is announced late will follow."
    papers.remember(_fetch("cs.AI", Verdict.STALE, at, stale), [], lease)
    lease.release()


def _fetch(source: str, verdict: Verdict, at: datetime, line: str = "Read.") -> Fetch:
    return Fetch(source, "arxiv", at, verdict, SourceMemory(), line)


def subscribe(database: Database) -> Subscriber:
    subscriptions = Subscriptions(database, keys=KEYS, clock=lambda: START - timedelta(days=30))
    interests = [{"name": "Retrieval and its readers", "query": "retriev* OR notes"}]
    return subscriptions.add({"email": READER, "name": "Rea Der", "interests": interests})


def issue(database: Database, reader: Subscriber) -> DigestId:
    """Compose and queue one digest of the first papers of the day."""
    ids = ArchiveStore(database).listed(Wanted(Span.of(TODAY)), limit=5).ids
    found = PaperStore(database).papers(ids)
    new = Issue(
        digest=_digest(reader, [found[id] for id in ids]),
        fetch_after=FetchId(0),
        fetch_upto=PaperStore(database).latest_fetch(),
        papers=ids,
        versions=dict.fromkeys(ids, 1),
        addressee=reader.addressee,
        routes=(),
        next_due_at=START + timedelta(days=3),
    )
    with EditionStore(database).claim([Due(reader.id, reader.next_due_at or START)]) as claim:
        claim.queue([new], run_id=None)
    return DigestId(1)


def _digest(reader: Subscriber, papers: Sequence[Paper]) -> Digest:
    items = tuple(Item(paper.id, 1.0, _reasons(paper)) for paper in papers)
    return Digest(
        id=DigestId(0),
        subscriber_id=reader.id,
        local_date=TODAY,
        composed_at=START,
        since=START - timedelta(days=1),
        until=START,
        sections=(
            Section(InterestId(1), "Retrieval and its readers", items[:3]),
            Section(None, "Trending today", items[3:]),
        ),
        considered=120,
        left_out=4,
        notes=(SourceNote("cs.AI", Verdict.STALE),),
    )


def _reasons(paper: Paper) -> Reasons:
    word = paper.title.split()[0]
    return Reasons(hits=(Hit(Field.TITLE, 0, len(word), word),), percentile=0.01)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC) if day < TODAY else START
