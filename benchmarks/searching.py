"""How fast an archive is searched, and what its index costs.

    python -m benchmarks.searching [papers] [seconds]

Fills a fresh SQLite file with papers of the usual size (200 words of a Zipf vocabulary, five
authors, a vector a sentence), then on one core: builds the index, saves and loads its snapshot,
asks different questions of every kind 50 times a second as if from outside (a question that has to
wait counts its waiting), asks for similar papers, and tries an interest on the last 30 days.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # the number of threads is read when it loads
import sqlalchemy as sa

from digest.backtest import Backtester
from digest.matching.static import StaticEmbedder, static_embedder
from digest.model import Interest, InterestId, PaperId
from digest.searching import Searcher
from digest.searching.staging import Setting
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.schema import migrate
from digest.store.searchable import SearchableStore
from digest.store.tables import (
    FetchRow,
    PaperRow,
    PaperVectorRow,
    SightingRow,
    table,
)
from digest.store.vectors import StoredVectors

RATE = 50  #: questions a second
VOCABULARY = 60_000
SENTENCES = 8
TODAY = date(2026, 11, 20)
A_DAY = 300
_ROOTS = """
    graph neural network protein model train retriev languag imag robot polic reward sparse attent
    kernel diffus clinic patient tumour gene express sampl estimat theorem convex quantum nois code
    decod privac feder benchmark dataset vision speech translat parse cluster segment detect
"""
_ENDINGS = ("", "s", "al", "ing", "ed", "ion", "ity", "ic", "er", "ous", "ness", "ism")


Asked = Iterator[tuple[str, dict[str, str]]]


class Words:
    """A vocabulary in which few words make up most of every text."""

    def __init__(self, chance: random.Random) -> None:
        roots = _ROOTS.split()
        letters = "bcdfglmnprstv"
        known = [root + ending for root in roots for ending in _ENDINGS]
        while len(known) < VOCABULARY:
            syllables = (chance.choice(letters) + chance.choice("aeiou") for _ in range(3))
            known.append("".join(syllables) + chance.choice(_ENDINGS))
        self.known = known
        weights = 1 / (np.arange(len(known)) + 8.0)
        self._sums = np.cumsum(weights / weights.sum())
        self._random = np.random.default_rng(chance.randrange(1 << 30))

    def some(self, count: int) -> list[str]:
        places = np.searchsorted(self._sums, self._random.random(count))
        return [self.known[min(int(at), len(self.known) - 1)] for at in places]


def abstract(words: Words) -> str:
    return " ".join(f"{' '.join(words.some(24)).capitalize()}." for _ in range(SENTENCES))


def fill(database: Database, papers: int, embedder: StaticEmbedder, words: Words) -> None:
    """Write the archive's rows; vectors are random directions, for only their number counts."""
    noise = np.random.default_rng(5)
    with database.write() as connection:
        fetch = {"id": 1, "source": "arxiv", "at": datetime(2026, 11, 20, tzinfo=UTC)}
        counts = {"seconds": 1.0, "listings": 1, "new_papers": 1, "new_sightings": 1, "detail": ""}
        connection.execute(sa.insert(table(FetchRow)), {**fetch, **counts, "verdict": "fresh"})
    for start in range(1, papers + 1, 2_000):
        numbers = range(start, min(start + 2_000, papers + 1))
        vectors = noise.standard_normal((len(numbers), SENTENCES + 2, 256)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        with database.write() as connection:
            connection.execute(sa.insert(table(PaperRow)), [row(n, words) for n in numbers])
            connection.execute(sa.insert(table(SightingRow)), [seen(n) for n in numbers])
            rows = [
                {
                    "paper_id": number,
                    "model": embedder.id,
                    "rows": len(one),
                    "data": one.astype(np.float16).tobytes(),
                }
                for number, one in zip(numbers, vectors, strict=True)
            ]
            connection.execute(sa.insert(table(PaperVectorRow)), rows)


def row(number: int, words: Words) -> dict[str, object]:
    return {
        "id": number,
        "key": f"arxiv:{number}",
        "title": " ".join(words.some(9)).capitalize(),
        "title_key": str(number),
        "abstract": abstract(words),
        "authors": [f"{words.known[number % 997].title()} {one.title()}" for one in words.some(5)],
        "categories": [f"cs.{'ABCDEFGHIJ'[number % 10]}L"],
        "announced_on": TODAY - timedelta(days=number // A_DAY),
        "votes": number % 50 or None,
        "note": "",
        "fetch_id": 1,
    }


def seen(number: int) -> dict[str, object]:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    source = "arxiv" if number % 5 else "journal"
    return {"paper_id": number, "fetch_id": 1, "source": source, "announcement": "new",
            "version": 1, "announced_at": at}  # fmt: skip


def questions(words: Words, chance: random.Random) -> Asked:
    """Sentences, keywords, phrases, fields and wildcards, some of them narrowed."""
    kinds: list[Callable[[], str]] = [
        lambda: " ".join(words.some(chance.randint(2, 4))),
        lambda: f"how does {' '.join(words.some(3))} change the {' '.join(words.some(3))}?",
        lambda: f'"{words.some(1)[0]} {words.some(1)[0]}" OR {words.some(1)[0]}',
        lambda: f"title:{words.some(1)[0]} AND {words.some(1)[0]}",
        lambda: f"{words.some(1)[0][:5]}* -{words.some(1)[0]}",
        lambda: f"author:{chance.choice(words.known[:997])} {words.some(1)[0]}",
    ]
    while True:
        narrowed = {"category": "cs.CL"} if chance.random() < 0.3 else {}
        yield chance.choice(kinds)(), narrowed


def under_load(searcher: Searcher, asked: Asked, seconds: int) -> None:
    """Ask at a steady rate, whatever the answers take."""
    taken: list[float] = []
    began, cpu = perf_counter(), process_time()
    began = perf_counter()
    for number in range(RATE * seconds):
        due = began + number / RATE
        sleep(max(0.0, due - perf_counter()))
        text, narrowed = next(asked)
        searcher.search(text, **narrowed)  # type: ignore[arg-type]  # a category, or nothing
        taken.append(perf_counter() - due)
    p50, p95, p99 = np.percentile(np.array(taken) * 1000, [50, 95, 99])
    print(f"{RATE} questions a second: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")
    cpu = process_time() - cpu
    print(f"  {cpu / len(taken) * 1000:.1f} ms of CPU each: {cpu / seconds:.0%} of the core")


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20


def timed(what: str, do: Callable[[], object]) -> None:
    began = perf_counter()
    do()
    print(f"{what}: {perf_counter() - began:.2f} s")


def main() -> None:
    papers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.set_threshold(20_000, 50, 100)  # as `open_app` does
    chance, embedder = random.Random(1), static_embedder()
    words = Words(chance)
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/digest.db")
        migrate(database)
        print(f"{papers:,} papers")
        timed("filled", lambda: fill(database, papers, embedder, words))
        store, kept = SearchableStore(database), Path(folder) / "search.npz"

        def searcher() -> Searcher:
            vectors = StoredVectors(database)
            return Searcher(
                store, PaperStore(database), embedder=embedder, vectors=vectors, snapshot=kept
            )

        timed("index built and saved", searcher().refresh)
        print(f"  {kept.stat().st_size >> 20} MB snapshot, peak {peak()} MB")
        before, fresh = resident(), searcher()
        timed("snapshot loaded", fresh.refresh)
        asked = questions(words, chance)
        for _ in range(30):
            fresh.search(next(asked)[0])
        print(f"  {max(0, resident() - before)} MB more resident")
        under_load(fresh, asked, seconds)
        paper = PaperStore(database).papers([PaperId(7)])[PaperId(7)]
        fresh.similar(paper)
        timed("ten times similar", lambda: [fresh.similar(paper) for _ in range(10)])
        setting = Setting(
            store, PaperStore(database), embedder=embedder, background_days=30, daily_volume=5.0
        )
        trial = Backtester(fresh, setting)
        interest = Interest(InterestId(1), "x", statement=" ".join(words.some(6)))
        timed("back-test of 30 days, first", lambda: trial.run(interest, until=TODAY))
        timed("back-test of 30 days, again", lambda: trial.run(interest, until=TODAY))
        database.dispose()


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main()
