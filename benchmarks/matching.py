"""100,000 interests against a day of 500 papers: keywords, similarity, and two other ways.

    python -m benchmarks.matching [interests] [papers]

The measure of all is the bare float32 matrix product of the interests' and the papers' vectors, on
one BLAS thread. Beside it: the exact 15 nearest papers of every interest; five phrases of every
interest looked for in every paper; the loop one writes first; and arxiv-sanity-lite's way, a linear
SVM for every reader over all papers (when scikit-learn is installed). The last two are timed on a
few interests and scaled up. Each figure is the best of three rounds; papers and interests are made
of random words with the frequencies of a language.
"""

from __future__ import annotations

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import random
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from digest.matching.base import Vectors
from digest.matching.keywords import Compiled, Scan
from digest.matching.nearest import nearest
from digest.matching.query import parse
from digest.matching.static import unit
from digest.model import Links, Paper, PaperId, PaperIds

WORDS = 30_000
TOP = 15
SLICE = 4_096
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "on")]


def words(rng: random.Random) -> list[str]:
    return ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(WORDS)]


def draw(rng: random.Random, known: Sequence[str], count: int) -> list[str]:
    """Words by a power law: a few are everywhere, most are rare."""
    return [known[min(int(len(known) ** rng.random()), len(known) - 1)] for _ in range(count)]


def make_papers(rng: random.Random, known: Sequence[str], count: int) -> list[Paper]:
    return [
        Paper(
            id=PaperId(number),
            key=str(number),
            title=" ".join(draw(rng, known, 10)),
            abstract=" ".join(draw(rng, known, 180)),
            authors=(),
            categories=(),
            ids=PaperIds(),
            links=Links(),
            announced_on=date(2026, 1, 5),
        )
        for number in range(count)
    ]


def make_query(rng: random.Random, known: Sequence[str]) -> str:
    """Five phrases of two words, any of which will do."""
    phrases = (" ".join(rng.choices(known, k=2)) for _ in range(5))
    return " OR ".join(f'"{phrase}"' for phrase in phrases)


def best_of(rounds: int, work: Callable[[], Any]) -> float:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def product(points: Vectors, papers: Vectors) -> None:
    """The bare product, slice by slice as any program with bounded memory must."""
    out = np.empty((SLICE, len(papers)), np.float32)
    across = np.ascontiguousarray(papers.T)
    for start in range(0, len(points), SLICE):
        some = points[start : start + SLICE]
        np.matmul(some, across, out=out[: len(some)])


def similar(points: Vectors, papers: Vectors) -> None:
    for _, rows, values in nearest(points, papers, TOP):
        assert rows.shape == values.shape


def scan(compiled: Compiled, papers: Sequence[Paper], interests: int) -> int:
    found = 0
    evaluation = Scan(papers).evaluate(compiled)
    for start in range(0, interests, SLICE):
        rows = np.arange(start, min(start + SLICE, interests))
        found += int(np.count_nonzero(evaluation.truth(rows)))
    return found


def loop(queries: Sequence[str], points: Vectors, papers: Sequence[Paper], right: Vectors) -> None:
    """What one writes first: for every interest, for every paper."""
    for query, point in zip(queries, points, strict=True):
        phrases = [phrase.strip('"') for phrase in query.split(" OR ")]
        scored = []
        for paper, vector in zip(papers, right, strict=True):
            text = f"{paper.title} {paper.abstract}".lower()
            hit = any(phrase in text for phrase in phrases)
            scored.append((hit, float(point @ vector)))
        scored.sort(reverse=True)


def svm(papers: Sequence[Paper], readers: int) -> float | None:
    """Seconds a reader of a linear SVM over all papers, as arxiv-sanity-lite trains one."""
    if find_spec("sklearn") is None:
        return None
    from importlib import import_module

    texts = [f"{paper.title} {paper.abstract}" for paper in papers]
    vectorizer = import_module("sklearn.feature_extraction.text").TfidfVectorizer
    features = vectorizer(max_features=20_000, ngram_range=(1, 2), sublinear_tf=True)
    rows = features.fit_transform(texts)
    machine = import_module("sklearn.svm").LinearSVC
    start = perf_counter()
    for reader in range(readers):
        labels = np.zeros(len(papers), int)
        labels[reader : reader + 20] = 1
        trained = machine(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
        np.argsort(-trained.fit(rows, labels).decision_function(rows))
    return (perf_counter() - start) / readers


def main() -> None:
    interests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    rng = random.Random(1)
    known = words(rng)
    papers = make_papers(rng, known, count)
    chance = np.random.default_rng(1)
    points = unit(chance.standard_normal((interests, 256), np.float32))
    right = unit(chance.standard_normal((count, 256), np.float32))
    queries = [make_query(rng, known) for _ in range(interests)]
    start = perf_counter()
    compiled = Compiled(parse(query) for query in queries)
    compiling = perf_counter() - start
    print(f"{interests:,} interests x {count} papers; queries compiled in {compiling:.1f} s")
    bare = best_of(3, lambda: product(points, right))
    figures = {
        "bare float32 product": bare,
        f"exact top {TOP} by similarity": best_of(3, lambda: similar(points, right)),
        "keywords": best_of(3, lambda: scan(compiled, papers, interests)),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    some = min(20, interests)
    slow = best_of(1, lambda: loop(queries[:some], points[:some], papers, right))
    figures["the naive loop (scaled)"] = slow / some * interests
    each = svm(papers, 5)
    if each is not None:
        figures["an SVM for every reader (scaled)"] = each * interests
    for name, seconds in figures.items():
        print(f"{name:34} {seconds:10.2f} s {seconds / bare:10.2f} x the product")
    print(f"peak of memory before the other ways: {peak:.0f} MB")
    if each is None:
        print("an SVM for every reader: scikit-learn is not installed")


if __name__ == "__main__":
    main()
