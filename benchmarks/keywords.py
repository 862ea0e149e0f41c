"""What everybody's keywords cost, against a matrix product and against a loop.

    python -m benchmarks.keywords [profiles]

Profiles of five phrases (one to three words each, OR between them) meet 500 synthetic papers of 180
words, word frequencies falling as in prose. Prints seconds for reading and compiling the queries
(once, when they change) and for scanning and evaluating (once a batch), the ratio to the bare
float32 product of profiles x 256 by 256 x 500, the time a loop over profiles and papers would take
(measured on a sample), the growth from half as many profiles, and the peak of resident memory.
"""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import date
from time import perf_counter

import numpy as np

from digest.matching.keywords import Compiled, Scan
from digest.matching.query import parse
from digest.model import Links, Paper, PaperId, PaperIds

PAPERS = 500
SAMPLE = 200  #: profiles for which the loop is really run
ROUNDS = 3
_SOUNDS = """ba ce di fo gu ha ki lo mu ne pa qui ro su ta ve wi xo ya zu"""
SYLLABLES = _SOUNDS.split()


class Language:
    """Made-up words, the common ones far more often than the rare ones."""

    def __init__(self, rng: random.Random, size: int = 30_000) -> None:
        self._rng = rng
        self._words = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 5))) for _ in range(size)]
        self._weights = list(np.cumsum(1 / (np.arange(size) + 10)))

    def text(self, words: int) -> list[str]:
        return self._rng.choices(self._words, cum_weights=self._weights, k=words)


def make_papers(language: Language) -> list[Paper]:
    return [
        Paper(
            id=PaperId(number),
            key=f"paper:{number}",
            title=" ".join(language.text(10)),
            abstract=" ".join(language.text(170)),
            authors=(),
            categories=(),
            ids=PaperIds(),
            links=Links(),
            announced_on=date(2026, 11, 20),
        )
        for number in range(PAPERS)
    ]


def make_profiles(language: Language, rng: random.Random, count: int) -> list[list[str]]:
    """Five phrases each, cut from running text so that some of them occur again."""
    return [
        [" ".join(language.text(rng.choice((1, 2, 2, 3)))) for _ in range(5)] for _ in range(count)
    ]


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def loop(profiles: Sequence[Sequence[str]], papers: Sequence[Paper]) -> int:
    """What one writes first: every profile looks into every paper."""
    texts = [f" {paper.title} {paper.abstract} ".lower() for paper in papers]
    return sum(
        any(f" {phrase} " in text for phrase in phrases) for phrases in profiles for text in texts
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = random.Random(1)
    language = Language(rng)
    papers, profiles = make_papers(language), make_profiles(language, rng, count)
    start = perf_counter()
    queries = [parse(" OR ".join(f'"{one}"' for one in phrases)) for phrases in profiles]
    reading = perf_counter() - start
    start = perf_counter()
    compiled = Compiled(queries)
    compiling = perf_counter() - start
    scanning = best(lambda: Scan(papers))
    scan = Scan(papers)
    whole = best(lambda: scan.evaluate(compiled).truth(np.arange(count)))
    pairs = int(scan.evaluate(compiled).truth(np.arange(count)).sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    half = Compiled(queries[: count // 2])
    halved = best(lambda: scan.evaluate(half).truth(np.arange(count // 2)))
    looping = best(lambda: loop(profiles[:SAMPLE], papers)) * count / SAMPLE
    interests = np.random.default_rng(1).random((count, 256), np.float32)
    vectors = np.random.default_rng(2).random((256, PAPERS), np.float32)
    product = best(lambda: interests @ vectors)
    print(f"{count:,} profiles of five phrases, {PAPERS} papers, {pairs:,} pairs found")
    print(f"once a profile: read {reading:.2f} s, compiled {compiling:.2f} s")
    print(f"once a batch: scanned {scanning:.3f} s, evaluated {whole:.3f} s")
    print(f"evaluated / matrix product ({product:.3f} s): {whole / product:.2f}, wanted <= 0.5")
    print(f"evaluated / half as many ({halved:.3f} s): {whole / halved:.2f}, linear is 2")
    print(f"a loop would take {looping:,.0f} s, {looping / whole:,.0f} times as long")
    print(f"peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
