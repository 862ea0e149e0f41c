"""Random letters, reproducible by seed, as unkind as the world: the judge's supply."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

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
    SourceNote,
    Subscriber,
    SubscriberId,
    Summary,
    Variant,
    Verdict,
)
from digest.rendering.message import Letter
from tests.rendering.samples import TOKENS

_NOW: Final = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
_PIECES: Final = [
    *re.findall(r"\S+", "tide gauge harbour retrieval of the and a clinical model . , ; : - ? !"),
    *re.findall(r"\S+", "é ß 日本語 עברית العربية 😀 𝔘 ﬁ Ω √2 “quoted” … —"),
    *re.findall(r"\S+", "= =3D =?utf-8?q?x?= . .. .dot -- --=_paper-digest_part From >From"),
    *re.findall(
        r"\S+", "<b> </td> <script>alert(1)</script> & &amp; ' \" ]]> {{frame}} {%x%} {#y#}"
    ),
    "\r\nBcc: x@example.org",
    "\x00",
    "\x1b[31m",
    "\u202egnp",
    "\u2028",
    "\ufdd01\ufdd1",
    "\ufeff",
    "a" * 90,
    "." * 80,
    "=" * 40,
    "é" * 50,
]
_URLS: Final = (
    "https://arxiv.org/abs/2611.00001",
    "https://example.org/a b?c=d&e='f'<g>",
    "http://[broken",
    "javascript:alert(1)",
    "https://example.org/" + "long/" * 60,
    "https://exämple.org/ü#=.",
    "data:text/html,x",
    None,
)


def text(dice: random.Random, most: int) -> str:
    return " ".join(dice.choices(_PIECES, k=dice.randint(0, most)))


def paper(number: int, dice: random.Random) -> Paper:
    return Paper(
        id=PaperId(number),
        key=f"url:{number}",
        title=text(dice, 14),
        abstract=text(dice, dice.choice((0, 8, 120))),
        authors=tuple(text(dice, 3) for _ in range(dice.choice((0, 1, 2, 3, 4, 5, 30)))),
        categories=tuple(text(dice, 2) for _ in range(dice.randint(0, 2))),
        ids=PaperIds(doi=dice.choice((None, "10.1000/x y"))),
        links=Links(*(dice.choice(_URLS) for _ in range(3))),
        announced_on=_NOW.date(),
        votes=dice.choice((None, 0, 3, 12345)),
        comments=dice.choice((None, 0, 1, 7)),
        organisation=dice.choice((None, text(dice, 3))),
        summary=dice.choice((None, Summary(text(dice, 20), is_written=dice.random() < 0.5))),
        sightings=tuple(
            Sighting(source, Announcement.NEW, _NOW)
            for source in dice.sample(
                ("arxiv", "medrxiv", text(dice, 3), "pubmed"), dice.randint(0, 3)
            )
        ),
    )


def hit(paper: Paper, dice: random.Random) -> Hit:
    field = dice.choice(tuple(Field))
    start = dice.randint(-3, 150)
    return Hit(field, start, start + dice.randint(-1, 30), text(dice, 3), dice.randint(0, 5))


def reasons(paper: Paper, dice: random.Random) -> Reasons:
    return Reasons(
        hits=tuple(hit(paper, dice) for _ in range(dice.choice((0, 0, 1, 2, 6)))),
        percentile=dice.choice((None, 0.0, 0.004, 0.03, 0.7)),
        resembles=dice.choice((None, text(dice, 12))),
        followed=dice.choice(((), paper.authors[:1], (text(dice, 2),))),
        votes=dice.choice((None, 0, 1, 84)),
    )


Lists = Sequence[tuple[Item, ...]]


def lists(papers: Mapping[PaperId, Paper], dice: random.Random) -> Lists:
    """Lists that many readers have, each one value for all of them."""
    return [items(papers, dice, most) for most in (1, 3, 5)]


def variant(like: tuple[Item, ...], dice: random.Random) -> tuple[Item, ...]:
    """The list, or one in which some items name other interests, or a list of this reader alone."""
    if dice.random() < 0.5:
        return like
    apart = [at for at in range(len(like)) if dice.random() < 0.4]
    told = list(like)
    for at in apart:
        told[at] = like[at]._replace(also=(text(dice, 2),))
    return Variant.of(like, told, apart=apart) if dice.random() < 0.9 else tuple(told)


def section(papers: Mapping[PaperId, Paper], dice: random.Random, shared: Lists) -> Section:
    if dice.random() < 0.6:
        listed = variant(dice.choice(shared), dice)
    else:
        listed = items(papers, dice, dice.choice((0, 1, 1, 2, 4)))
    return Section(dice.choice((None, InterestId(1))), text(dice, 4), listed)


def items(papers: Mapping[PaperId, Paper], dice: random.Random, most: int) -> tuple[Item, ...]:
    chosen = dice.sample(sorted(papers), most)
    return tuple(
        Item(
            number,
            dice.random(),
            reasons(papers[number], dice),
            also=tuple(text(dice, 2) for _ in range(dice.choice((0, 0, 1, 2)))),
            revision=dice.random() < 0.2,
        )
        for number in chosen
    )


def subscriber(dice: random.Random) -> Subscriber:
    return Subscriber(
        id=SubscriberId(dice.randint(1, 2**40)),
        email=dice.choice(("a@example.org", "dot.ted+tag@exämple.org", "jürgen@example.org")),
        name=text(dice, 3),
        schedule=Schedule(
            timezone=dice.choice(("UTC", "Pacific/Auckland", "America/New_York")),
            cadence=dice.choice(tuple(Cadence)),
            weekday=dice.randrange(7),
            monthday=dice.randint(1, 31),
        ),
        created_at=_NOW - timedelta(days=dice.randint(0, 900)),
        language=dice.choice(("en", "en", "de", "pt-BR", "nonsense")),
        style=dice.choice(("full", "full", "compact", "titles")),
        interests=tuple(Interest(InterestId(n), text(dice, 2)) for n in range(dice.randint(0, 3))),
    )


def letter(papers: Mapping[PaperId, Paper], dice: random.Random, shared: Lists) -> Letter:
    """A digest of some of these papers, one of which may have gone from the store."""
    reader = subscriber(dice)
    digest = Digest(
        id=DigestId(dice.randint(1, 2**40)),
        subscriber_id=reader.id,
        local_date=date(2026, 11, dice.randint(1, 28)),
        composed_at=_NOW,
        since=_NOW - timedelta(days=dice.choice((1, 3, 12))),
        until=_NOW,
        sections=tuple(section(papers, dice, shared) for _ in range(dice.randint(0, 3))),
        considered=dice.choice((0, 1, 1284)),
        left_out=dice.choice((0, 0, 1, 40)),
        away=dice.random() < 0.2,
        notes=tuple(
            SourceNote(text(dice, 2), dice.choice(tuple(Verdict)))
            for _ in range(dice.randint(0, 2))
        ),
    )
    left = {n: p for n, p in papers.items() if dice.random() > 0.02}
    return Letter(
        delivery_id=DeliveryId(dice.randint(1, 2**40)),
        address=reader.email,
        digest=digest,
        subscriber=reader.addressee,
        papers=left,
        tokens=TOKENS.for_mail(reader.id, digest.id),
    )


def letters(count: int, seed: int) -> list[Letter]:
    """Letters over thirty papers, some of which change half-way; many have lists in common."""
    dice = random.Random(seed)
    papers = {PaperId(n): paper(n, dice) for n in range(1, 31)}
    changed = papers | {
        n: replace(papers[n], votes=99, title=text(dice, 9)) for n in dice.sample(sorted(papers), 5)
    }
    shared = lists(papers, dice)
    return [letter(papers if n < count // 2 else changed, dice, shared) for n in range(count)]
