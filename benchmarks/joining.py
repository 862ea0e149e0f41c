"""How fast a mail is composed by joining, beside Jinja with EmailMessage, and beside a memcpy.

    python -m benchmarks.joining [messages]

Three kinds of subscribers: those who share interests with others, so that their cards are in
stock; those with words of their own, drawn from what everybody uses; and, for the worst case,
those whose every excerpt and why-line is like no other. CPU times and their ratios from one run.
"""

from __future__ import annotations

import gc
import random
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from time import process_time
from typing import TypeVar

from digest.model import (
    Announcement,
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
    Subscriber,
    SubscriberId,
)
from digest.rendering.environment import Templates
from digest.rendering.message import Letter, compose_mail
from digest.rendering.trial import difference
from digest.rendering.wire import Joiner
from digest.tokens import Tokens

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
PAPERS, PAPERS_EACH, ABSTRACT_WORDS = 300, 15, 170
SITE = Site(
    "Harbour Group", "https://digest.example.org", "Quay 4", "op@example.org", "d@example.org"
)
WORDS = re.findall(
    r"\S+",
    "tide gauge harbour model drift series record noise signal basin storm surge wave sensor "
    "method estimate learned sparse graph kernel bound error sample network attention retrieval "
    "clinical trial cohort protein contact binding energy lattice spin field naïve measure",
)


def main(messages: int = 2000) -> None:
    letters, own, unlike = (crowd(messages, kind) for kind in ("shared", "own", "unlike"))
    gc.freeze()  # what a worker does once it has started
    templates = Templates()
    joiner = Joiner(SITE, templates)
    if joiner.plain_because:
        raise SystemExit(joiner.plain_because)
    first = compose_mail(letters[0], SITE, templates=templates).payload
    if differing := difference(first, joiner.join(letters[0]).payload):
        raise SystemExit(f"{differing} differs")
    _subject, fragments = joiner.set(letters[0]) or ("", [])
    size = len(b"".join(fragments))
    report(
        size,
        plain=each(lambda x: compose_mail(x, SITE, templates=templates), letters[:60], rounds=3),
        stocked=each(joiner.join, letters),
        own=each(joiner.join, own, rounds=1),
        unlike=each(joiner.join, unlike, rounds=1),
        join=each(b"".join, [fragments] * 2000),
        memcpy=each(bytes, [memoryview(bytearray(size))] * 2000),
    )
    print(f"  {len(fragments)} fragments a message; bytes decode to the plain renderer's")


def report(
    size: int,
    *,
    plain: float,
    stocked: float,
    own: float,
    unlike: float,
    join: float,
    memcpy: float,
) -> None:
    """One line a way, in microseconds, and the ratios that matter."""
    print(f"{PAPERS_EACH} papers a message, {size / 1000:.1f} kB")
    print(f"  Jinja + EmailMessage        {plain * 1e6:9.1f} µs")
    print(
        f"  joined, cards in stock      {stocked * 1e6:9.1f} µs   {plain / stocked:6.0f} x faster"
    )
    print(f"  joined, words of their own  {own * 1e6:9.1f} µs   {plain / own:6.0f} x faster")
    print(f"  joined, all unlike          {unlike * 1e6:9.1f} µs   {plain / unlike:6.0f} x faster")
    print(f"  the join proper             {join * 1e6:9.2f} µs   {join / memcpy:6.2f} x memcpy")
    print(f"  memcpy of the same size     {memcpy * 1e6:9.2f} µs")


def each(run: Callable[[T], object], things: Sequence[T], *, rounds: int = 5) -> float:
    """CPU seconds a thing, best round; nothing is kept, as a worker keeps nothing."""
    best = float("inf")
    for _ in range(rounds):
        start = process_time()
        for thing in things:
            run(thing)
        best = min(best, process_time() - start)
    return best / len(things)


def crowd(count: int, kind: str) -> list[Letter]:
    """Letters of one kind of subscribers, over the same papers."""
    dice = random.Random(7)
    papers = {paper.id: paper for paper in (a_paper(n, dice) for n in range(1, PAPERS + 1))}
    pools = [choice(papers, dice, dice.sample(WORDS, 3)) for _ in range(40)]
    tokens = Tokens(["a secret for measuring, long enough to be one"])
    letters = []
    for n in range(1, count + 1):
        terms = None if kind == "unlike" else dice.sample(WORDS, 2)
        items = dice.choice(pools) if kind == "shared" else choice(papers, dice, terms)
        letters.append(a_letter(n, items, papers, tokens))
    return letters


def a_letter(
    number: int, items: Sequence[Item], papers: dict[PaperId, Paper], tokens: Tokens
) -> Letter:
    subscriber = Subscriber(
        id=SubscriberId(number),
        email=f"reader{number}@example.org",
        schedule=Schedule(timezone="Europe/Lisbon"),
        created_at=NOW - timedelta(days=number % 300),
        interests=(Interest(InterestId(1), "One"), Interest(InterestId(2), "Two")),
    )
    digest = Digest(
        id=DigestId(number),
        subscriber_id=subscriber.id,
        local_date=date(2026, 11, 20),
        composed_at=NOW,
        since=NOW - timedelta(days=1),
        until=NOW,
        sections=(
            Section(InterestId(1), "Harbours and tides", tuple(items[:9])),
            Section(InterestId(2), "Learned models", tuple(items[9:])),
        ),
        considered=1284,
    )
    signed = tokens.for_mail(subscriber.id, digest.id)
    to, reader = subscriber.email, subscriber.addressee
    return Letter(DeliveryId(number), to, digest, reader, papers, signed)


def a_paper(number: int, dice: random.Random) -> Paper:
    identifier = f"2611.{number:05}"
    return Paper(
        id=PaperId(number),
        key=f"arxiv:{identifier}",
        title=" ".join(dice.choices(WORDS, k=11)).capitalize(),
        abstract=" ".join(dice.choices(WORDS, k=ABSTRACT_WORDS)).capitalize() + ".",
        authors=tuple(f"Author Number{dice.randrange(999)}" for _ in range(dice.randint(1, 9))),
        categories=("cs.LG",),
        ids=PaperIds(arxiv=identifier),
        links=Links(f"https://arxiv.org/abs/{identifier}", f"https://arxiv.org/pdf/{identifier}"),
        announced_on=NOW.date(),
        votes=dice.randrange(90) or None,
        sightings=(Sighting("arxiv", Announcement.NEW, NOW),),
    )


def choice(
    papers: dict[PaperId, Paper], dice: random.Random, terms: Sequence[str] | None
) -> list[Item]:
    """One subscriber's papers; without `terms`, other words for every paper."""
    picked = dice.sample(sorted(papers), PAPERS_EACH)
    return [
        Item(
            number,
            dice.random(),
            Reasons(hits(papers[number], terms or dice.sample(WORDS, 3)), dice.random() / 10),
        )
        for number in picked
    ]


def hits(paper: Paper, terms: Sequence[str]) -> tuple[Hit, ...]:
    found = [(paper.abstract.find(term), term) for term in terms]
    return tuple(
        Hit(Field.ABSTRACT, start, start + len(term), term) for start, term in found if start >= 0
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
