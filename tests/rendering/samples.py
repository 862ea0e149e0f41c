"""One digest written by hand, as a reader would get it; every text in it is our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from digest.model import (
    Announcement,
    Cadence,
    DeliveryId,
    Digest,
    DigestId,
    Field,
    Hit,
    Interest,
    InterestId,
    Item,
    Links,
    Paper,
    PaperId,
    PaperIds,
    Reasons,
    Schedule,
    Section,
    Sighting,
    Site,
    SourceNote,
    Subscriber,
    SubscriberId,
    Summary,
    Verdict,
)
from digest.rendering.message import Letter
from digest.tokens import Tokens

COMPOSED = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
TOKENS = Tokens(["a key for tests, thirty-two characters long"])

SITE = Site(
    name="Harbour Reading Group",
    base_url="https://digest.example.org",
    identity="Harbour Reading Group, 4 Quay Lane, Aveiro",
    operator_email="keeper@example.org",
    from_address="digest@example.org",
    from_name="Harbour Reading Group",
)

SUBSCRIBER = Subscriber(
    id=SubscriberId(7),
    email="ines@example.net",
    name="Inês Faria",
    schedule=Schedule(timezone="Europe/Lisbon", cadence=Cadence.WEEKDAYS, hour=7, minute=30),
    created_at=datetime(2026, 5, 3, 10, 0, tzinfo=UTC),
    interests=tuple(
        Interest(InterestId(n), name)
        for n, name in enumerate(("Tides and harbours", "Learned forecasts", "People I read"), 1)
    ),
)


def paper(
    number: int,
    title: str,
    abstract: str = "",
    *,
    authors: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    sources: tuple[str, ...] = ("arxiv",),
    **rest: Any,
) -> Paper:
    arxiv = f"2611.{number:05}"
    sightings = tuple(Sighting(source, Announcement.NEW, COMPOSED) for source in sources)
    known = Paper(
        id=PaperId(number),
        key=f"arxiv:{arxiv}",
        title=title,
        abstract=abstract,
        authors=authors,
        categories=categories,
        ids=PaperIds(arxiv=arxiv),
        links=Links(f"https://arxiv.org/abs/{arxiv}", f"https://arxiv.org/pdf/{arxiv}"),
        announced_on=date(2026, 11, 20),
        sightings=sightings,
    )
    return replace(known, **rest)


def hit(paper: Paper, term: str, field: Field = Field.ABSTRACT) -> Hit:
    text = paper.abstract if field is Field.ABSTRACT else paper.title
    start = text.lower().index(term.lower())
    return Hit(field, start, start + len(term), term)


TIDES = paper(
    101,
    "When two gauges disagree: mending tide records from a shallow harbour",
    "Gauges on both sides of a harbour rarely tell the same story. We keep both readings, mark "
    "the hours at which they part, and let a small model of the basin decide which one the water "
    "would believe. On eleven years of records the mended series has fewer gaps, its error at "
    "high water falls by a third, and every correction can be traced to the reading that caused "
    "it. The code runs on a laptop.",
    authors=("Ada Okonkwo", "Lars Lindgren", "Jun Morita", "P. Vale", "S. Reis", "T. Nunes"),
    categories=("physics.ao-ph", "cs.LG"),
    sources=("arxiv", "huggingface"),
    votes=84,
    comments=12,
    organisation="Port of Aveiro",
    summary=Summary(
        "We keep both readings, mark the hours at which they part, and let a small model of the "
        "basin decide which one the water would believe."
    ),
    links=Links(
        "https://arxiv.org/abs/2611.00101",
        "https://arxiv.org/pdf/2611.00101",
        "https://huggingface.co/papers/2611.00101",
    ),
)
ENCODER = paper(
    102,
    "A small forecaster that knows when not to answer",
    "Storm surge forecasts fail most often on the days that matter. Training on what a season "
    "rules out, a model of two million weights says “I do not know” in time, and is right more "
    "often than ensembles forty times its size when it does answer a harbour forecast.",
    authors=("Miguel Duarte", "Hanne Eriksen"),
    categories=("cs.LG",),
    summary=Summary(
        "A small surge forecaster that declines to answer when the season rules it out beats far "
        "larger ensembles on the answers it gives.",
        is_written=True,
    ),
)
LOCKS = paper(
    103,
    "Lock gates & <b>other</b> bottlenecks: n² queues in O(n log n)",
    "We schedule vessels through a chain of locks.",
    authors=("Chen Wei-Lin",),
    categories=("math.OC",),
)
PROTEIN = paper(
    104,
    "Shell proteins that explain their own contacts",
    "For each designed shell we read out which residues carry the contact and which merely fill "
    "space, and check the account at the bench. Three in four accounts held.",
    authors=("Rosa Achter", "Shun Nakata", "Tobias Weiss"),
    categories=("biophysics",),
    sources=("biorxiv",),
    ids=PaperIds(doi="10.1101/2026.11.18.000104"),
    links=Links("https://www.biorxiv.org/content/10.1101/2026.11.18.000104v1"),
    key="doi:10.1101/2026.11.18.000104",
)
SALT = paper(
    105,
    "Salt marshes remember: Ελληνικά, 日本語 and café names in one gazetteer",
    "Names of marshes differ between maps. We align four centuries of them.",
    authors=("Zoë Brontë", "山田太郎"),
    sources=("Journal of Coastal Names",),
    ids=PaperIds(url="https://names.example/salt"),
    links=Links("https://names.example/salt"),
    key="url:https://names.example/salt",
)

PAPERS: Mapping[PaperId, Paper] = {p.id: p for p in (TIDES, ENCODER, LOCKS, PROTEIN, SALT)}

DIGEST = Digest(
    id=DigestId(42),
    subscriber_id=SUBSCRIBER.id,
    local_date=date(2026, 11, 20),
    composed_at=COMPOSED,
    since=datetime(2026, 11, 19, 7, 30, tzinfo=UTC),
    until=COMPOSED,
    sections=(
        Section(
            InterestId(1),
            "Tides and harbours",
            (
                Item(
                    TIDES.id,
                    3.2,
                    Reasons(
                        hits=(hit(TIDES, "harbour"), hit(TIDES, "high water")),
                        percentile=0.004,
                        resembles="Asking two gauges at once",
                    ),
                    also=("Learned forecasts",),
                ),
                Item(
                    ENCODER.id,
                    2.1,
                    Reasons(hits=(hit(ENCODER, "harbour forecast"),), percentile=0.0171),
                    revision=True,
                ),
                Item(
                    LOCKS.id,
                    1.0,
                    Reasons(hits=(hit(LOCKS, "Lock", Field.TITLE),)),
                ),
            ),
        ),
        Section(
            InterestId(3),
            "People I read",
            (Item(PROTEIN.id, 1.0, Reasons(followed=("Rosa Achter",))),),
        ),
        Section(
            None,
            "Trending today",
            (Item(SALT.id, 0.5, Reasons(votes=31)),),
        ),
    ),
    considered=1284,
    left_out=2,
    notes=(SourceNote("arxiv", Verdict.FRESH), SourceNote("arXiv cs.AI", Verdict.STALE)),
)


def letter(
    digest: Digest = DIGEST,
    subscriber: Subscriber = SUBSCRIBER,
    papers: Mapping[PaperId, Paper] = PAPERS,
) -> Letter:
    return Letter(
        delivery_id=DeliveryId(1001),
        address=subscriber.email,
        digest=digest,
        subscriber=subscriber.addressee,
        papers=papers,
        tokens=TOKENS.for_mail(subscriber.id, digest.id),
    )
