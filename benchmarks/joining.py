"""How fast a mail is composed by joining, beside Jinja with EmailMessage, and beside a memcpy.

    python -m benchmarks.joining [messages]

Three kinds of subscribers: those whose cards are in stock (they share interests with others),
those whose reasons are all their own (every why-line and marked excerpt is new), and one alone.
Ratios of one run on one machine; times are the best of several rounds.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

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
    letters, fresh = crowd(messages, shared=True), crowd(messages, shared=False)
    templates = Templates()
    joiner = Joiner(SITE, templates)
    if joiner.plain_because:
        raise SystemExit(joiner.plain_because)
    first = compose_mail(letters[0], SITE, templates=templates).payload
    if differing := difference(first, joiner.join(letters[0]).payload):
        raise SystemExit(f"{differing} differs")
    fragments = joiner.fragments(letters[0]) or []
    size = len(b"".join(fragments))
    report(
        size,
        plain=each(lambda: [compose_mail(x, SITE, templates=templates) for x in letters[:40]], 40),
        stocked=each(lambda: [joiner.join(letter) for letter in letters], messages),
        own=each(lambda: [joiner.join(letter) for letter in fresh], messages, rounds=1),
        join=each(lambda: [b"".join(fragments) for _ in range(2000)], 2000),
        memcpy=each(memcpy(size), 2000),
    )
    print(f"  {len(fragments)} fragments a message; bytes decode to the plain renderer's")


def report(
    size: int, *, plain: float, stocked: float, own: float, join: float, memcpy: float
) -> None:
    """One line a way, in microseconds, and the ratios that matter."""
    print(f"{PAPERS_EACH} papers a message, {size / 1000:.1f} kB")
    print(f"  Jinja + EmailMessage        {plain * 1e6:9.1f} µs")
    print(
        f"  joined, cards in stock      {stocked * 1e6:9.1f} µs   {plain / stocked:6.0f} x faster"
    )
    print(f"  joined, reasons all new     {own * 1e6:9.1f} µs   {plain / own:6.0f} x faster")
    print(f"  the join proper             {join * 1e6:9.2f} µs   {join / memcpy:6.2f} x memcpy")
    print(f"  memcpy of the same size     {memcpy * 1e6:9.2f} µs")


def each(run: Callable[[], object], count: int, *, rounds: int = 5) -> float:
    """Seconds an item, best round."""
    best = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        run()
        best = min(best, perf_counter() - start)
    return best / count


def memcpy(size: int) -> Callable[[], object]:
    source = memoryview(bytearray(size))
    return lambda: [bytes(source) for _ in range(2000)]


def crowd(count: int, *, shared: bool) -> list[Letter]:
    """Letters whose subscribers share forty interests, or who have reasons of their own each."""
    dice = random.Random(7)
    papers = {paper.id: paper for paper in (a_paper(n, dice) for n in range(1, PAPERS + 1))}
    pools = [choice(papers, dice, 0.01) for _ in range(40)]
    tokens = Tokens(["a secret for measuring, long enough to be one"])
    letters = []
    for n in range(1, count + 1):
        items = dice.choice(pools) if shared else choice(papers, dice, dice.random() / 5)
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
    return Letter(DeliveryId(number), subscriber.email, digest, subscriber, papers, signed)


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


def choice(papers: dict[PaperId, Paper], dice: random.Random, percentile: float) -> list[Item]:
    picked = dice.sample(sorted(papers), PAPERS_EACH)
    return [
        Item(number, dice.random(), Reasons(a_few_hits(papers[number], dice), percentile))
        for number in picked
    ]


def a_few_hits(paper: Paper, dice: random.Random) -> tuple[Hit, ...]:
    hits = []
    for term in dice.sample(WORDS, 3):
        start = paper.abstract.find(term)
        if start >= 0:
            hits.append(Hit(Field.ABSTRACT, start, start + len(term), term))
    return tuple(hits)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
