"""What matching and arranging cost a subscriber, when interests are shared and when none is.

    python -m benchmarks.everybody [subscribers] [share of statements]

Subscribers with three interests each meet 500 synthetic papers, against a background of 1,500:
first drawing from a pool of 2,000 different interests, then all different. An interest is a query
of five phrases, or (a third of them, unless said otherwise) a statement of twelve words. Prints
microseconds of processor time a subscriber, apart for matching and for arranging.
"""

from __future__ import annotations

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import random
import resource
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time

from benchmarks.keywords import Language, make_papers
from digest.matching.background import Background
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.ranking import arrange
from digest.matching.static import static_embedder
from digest.matching.vectors import MemoryVectors
from digest.model import Interest, InterestId, Paper, PaperId, Schedule, Subscriber, SubscriberId

POOL = 2_000
EACH = 3
BATCH = 500


def make_interest(language: Language, rng: random.Random, stated: float) -> Interest:
    if rng.random() < stated:
        return Interest(InterestId(0), "mine", statement=" ".join(language.text(12)))
    phrases = [" ".join(language.text(rng.choice((1, 2, 2, 3)))) for _ in range(5)]
    return Interest(InterestId(0), "mine", query=" OR ".join(f'"{one}"' for one in phrases))


def make_subscribers(interests: Sequence[Interest]) -> list[Subscriber]:
    """Three interests each, as they come out of a database: no object is shared."""
    made = datetime(2026, 1, 5, tzinfo=UTC)
    return [
        Subscriber(
            SubscriberId(number),
            f"reader{number}@example.org",
            Schedule(),
            made,
            interests=tuple(
                one._replace(id=InterestId(EACH * number + at), query=f" {one.query}"[1:])
                for at, one in enumerate(interests[EACH * number : EACH * (number + 1)])
            ),
        )
        for number in range(len(interests) // EACH)
    ]


def measure(
    name: str, matcher: Matcher, papers: Sequence[Paper], readers: list[Subscriber]
) -> None:
    start = process_time()
    prepared = matcher.prepare(papers)
    copies = prepared.copies
    ready = process_time() - start
    matching = arranging = 0.0
    listed = 0
    for at in range(0, len(readers), BATCH):
        some = readers[at : at + BATCH]
        start = process_time()
        found = prepared.search(some)
        between = process_time()
        arranged = [arrange(one, its, copies=copies) for one, its in zip(some, found, strict=True)]
        arranging += process_time() - between
        matching += between - start
        listed += sum(len(section.items) for one in arranged for section in one.sections)
    each = 1e6 / len(readers)
    print(
        f"{name}: matched {matching * each:.0f} us, arranged {arranging * each:.0f} us a subscriber"
        f" ({listed / len(readers):.1f} papers each; the batch was ready in {ready:.2f} s)"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    stated = float(sys.argv[2]) if len(sys.argv) > 2 else 1 / 3
    rng = random.Random(1)
    language = Language(rng)
    papers = make_papers(language)
    recent = [
        replace(one, id=PaperId(at + 1_000)) for at, one in enumerate(make_papers(language) * 3)
    ]
    embedder = static_embedder()
    scorer = HybridScorer(embedder, Background.of(recent, embedder, store=MemoryVectors()))
    matcher = Matcher(scorer, papers_a_day=len(papers))
    pool = [make_interest(language, rng, stated) for _ in range(POOL)]
    shared = make_subscribers(rng.choices(pool, k=EACH * count))
    print(f"{count:,} subscribers, {EACH} interests each, {len(papers)} papers")
    measure(f"from a pool of {POOL:,}", matcher, papers, shared)
    own = make_subscribers([make_interest(language, rng, stated) for _ in range(EACH * count)])
    measure("all different", matcher, papers, own)
    measure("all different, the next day", matcher, papers, own)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
