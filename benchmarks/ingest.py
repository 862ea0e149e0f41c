"""How fast listings become stored papers:  python -m benchmarks.ingest [URL …]

Without a URL: a fresh SQLite file in a temporary folder, with durable commits. With PostgreSQL URLs
the databases must be empty; the benchmark migrates them and leaves its papers there.
"""

from __future__ import annotations

import json
import random
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from time import perf_counter

from digest.model import Links, Listing, PaperIds, Verdict
from digest.store.database import Database
from digest.store.papers import Fetch, PaperStore, SourceMemory
from digest.store.schema import migrate

PAPERS = 5_000
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
WORDS = [
    *("fog", "lantern", "harbour", "signal", "ferry", "current", "timber", "lattice", "glass"),
    *("orchard", "kernel", "gradient", "prior", "river", "archive", "compass", "thread", "vessel"),
    *("margin", "cipher", "meadow", "quartz", "relay", "beacon", "tide"),
]


def listings(numbers: range, source: str, seed: int = 7) -> list[Listing]:
    """Papers of the usual size: a title of ten words, an abstract of 1,300 characters."""
    chance = random.Random(seed)
    made = []
    for number in numbers:
        identifier = f"{2501 + number // 90_000}.{number % 90_000:05}"
        made.append(
            Listing(
                source=source,
                ids=PaperIds(arxiv=identifier),
                title=" ".join(chance.choices(WORDS, k=10)) + f" {number}",
                abstract=" ".join(chance.choices(WORDS, k=200)) + ".",
                authors=tuple(f"{chance.choice(WORDS).title()} Lind{n}" for n in range(5)),
                categories=("cs.CL", "cs.LG"),
                version=1,
                announced_at=NOW - timedelta(minutes=number % 1000),
                links=Links(f"https://arxiv.org/abs/{identifier}"),
                votes=number % 40 if source == "votes" else None,
            )
        )
    return made


@contextmanager
def timed(name: str, count: int, results: dict[str, int]) -> Iterator[None]:
    began = perf_counter()
    yield
    results[name] = round(count / (perf_counter() - began))


def measure(url: str) -> dict[str, int]:
    """Papers a second for each kind of fetch."""
    database, results = Database(url), dict[str, int]()
    migrate(database)
    store = PaperStore(database)
    lease = store.lease("benchmark")
    assert lease.acquire()

    def remember(source: str, some: Sequence[Listing]) -> None:
        fetch = Fetch(source, "feed", NOW, Verdict.FRESH, SourceMemory())
        store.remember(fetch, some, lease)

    everything = range(PAPERS)
    for name, source, numbers in (
        ("new papers", "arxiv", everything),
        ("the same papers again", "arxiv", everything),
        ("papers known from another source", "votes", everything),
        ("new papers among 5,000", "arxiv", range(PAPERS, 2 * PAPERS)),
    ):
        some = listings(numbers, source)
        with timed(name, PAPERS, results):
            remember(source, some)
    with timed("papers read back", 2 * PAPERS, results):
        found = store.window(after=store.fetch_before(NOW), upto=store.latest_fetch())
    assert len(found.papers) == 2 * PAPERS
    lease.release()
    database.dispose()
    return results


def main(urls: Sequence[str]) -> None:
    with TemporaryDirectory() as folder:
        found = {
            url.split(":")[0]: measure(url) for url in urls or (f"sqlite:///{folder}/digest.db",)
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"papers_per_second": found, "peak_memory_mib": peak}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
