"""How long readers wait at 100,000 papers and 100,000 subscribers:  python -m benchmarks.web

One server process on one core, asked 50 times a second for each kind of page, whether or not the
last answer is there yet (an open loop, so that a slow answer delays nobody's clock). Latency is
counted from the moment a request was due; beside it stands what an answer costs the server's
processor, which other programs of the machine disturb less.

The papers' words are few that are in most texts and very many that are in hardly any, as in any
language; vectors are random directions. Nobody asks twice. `search` asks what people ask: some
words of a title, a sentence, a phrase, a field, three in ten within a category; `search, broad`
asks for one of two words that nearly every paper has. The machine holds the database's file in
memory: what a disk takes is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import re
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `digest web` does

import httpx  # the number of threads is read when numpy loads
import numpy as np
import sqlalchemy as sa

from benchmarks.searching import SENTENCES, Words, abstract
from digest.clock import fixed_clock
from digest.config import Settings
from digest.matching.static import static_embedder
from digest.model import Paper, PaperId
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.schema import migrate
from digest.store.tables import (
    FetchRow,
    PaperRow,
    PaperVectorRow,
    SightingRow,
    SubscriberRow,
    table,
)
from digest.tokens import Purpose, Tokens
from digest.web.app import create_app
from digest.web.links import Links
from digest.web.opening import rooms_of
from digest.web.serving import listen, make_server
from digest.wiring import open_app

PAPERS = 100_000
SUBSCRIBERS = 100_000
DAYS = 80
RATE = 50  #: requests a second
SECONDS = 12
PATIENCE = 30  #: seconds until a reader gives up
NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
KEYS = ("a key for the benchmark, long enough",)
CATEGORIES = [f"cs.{a}{b}" for a in "ABCDEFGH" for b in "AILRV"] + ["stat.ML", "q-bio.BM"]
SOURCES = ("arXiv", "Hugging Face", "bioRxiv", "medRxiv", "PubMed")
Row = dict[str, Any]


def paper_rows(count: int) -> Iterator[Row]:
    """Papers of the usual size, oldest first, a few of them voted for."""
    chance = random.Random(7)
    lexicon = Words(chance)
    for number in range(count):
        day = NOW.date() - timedelta(days=DAYS - 1 - number * DAYS // count)
        identifier = f"{2501 + number // 90_000}.{number % 90_000:05}"
        title = " ".join(lexicon.some(9))
        yield {
            "key": f"arxiv:{identifier}",
            "title": title.capitalize(),
            "title_key": title[:24],
            "abstract": abstract(lexicon),
            "authors": [f"{chance.choice(lexicon.known).title()} Lind" for _ in range(5)],
            "categories": chance.sample(CATEGORIES, k=2),
            "arxiv": identifier,
            "abstract_url": f"https://arxiv.org/abs/{identifier}",
            "announced_on": day,
            "votes": chance.randint(1, 200) if number % 40 == 0 else None,
            "fetch_id": 1,
        }


def sighting_rows(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        for source in SOURCES[: 1 + (number % 5 == 0)]:
            yield {
                "paper_id": number,
                "fetch_id": 1,
                "source": source,
                "announcement": "new",
                "announced_at": NOW,
            }


def subscriber_rows(count: int) -> Iterator[Row]:
    for number in range(count):
        yield {
            "email": f"reader{number}@example.org",
            "state": "active",
            "cadence": "weekdays",
            "created_at": NOW,
        }


def vector_rows(count: int, model: str) -> Iterator[Row]:
    noise = np.random.default_rng(5)
    for number in range(1, count + 1):
        some = noise.standard_normal((SENTENCES + 2, 256)).astype(np.float32)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        data = some.astype(np.float16).tobytes()
        yield {"paper_id": number, "model": model, "rows": len(some), "data": data}


def fill(url: str, papers: int, subscribers: int) -> None:
    database = Database(url)
    migrate(database)
    fetch = {"source": "arXiv", "at": NOW, "verdict": "fresh", "seconds": 1.0, "detail": ""}
    counted = {"listings": 0, "new_papers": 0, "new_sightings": 0}
    with database.write() as connection:
        connection.execute(sa.insert(table(FetchRow)), fetch | counted)
        for row, rows in (
            (PaperRow, paper_rows(papers)),
            (SightingRow, sighting_rows(papers)),
            (PaperVectorRow, vector_rows(papers, static_embedder().id)),
            (SubscriberRow, subscriber_rows(subscribers)),
        ):
            while some := list(islice(rows, 2000)):
                connection.execute(sa.insert(table(row)), some)
        connection.execute(sa.text("ANALYZE"))
    database.dispose()


def settings_of(url: str) -> Settings:
    site = {
        "name": "Bench",
        "base_url": "http://127.0.0.1",
        "operator_email": "a@example.org",
        "secret_keys": KEYS,
    }
    return Settings.model_validate({"site": site, "database": {"url": url}})


def serve(url: str, listener: socket.socket) -> None:
    """One process on one core, as `digest web` sets it up."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with open_app(settings_of(url), clock=fixed_clock(NOW)) as app:
        app.searcher.refresh()
        threading.Thread(target=app.searcher.keep, args=(app.stop,), daemon=True).start()
        make_server(create_app(rooms_of(app))).run(sockets=[listener])


def papers_of(url: str) -> list[Paper]:
    """A few thousand papers from all over the archive."""
    database = Database(url)
    found = PaperStore(database).papers(PaperId(n) for n in range(1, PAPERS, 37))
    database.dispose()
    return list(found.values())


def pages(url: str) -> dict[str, Iterator[str]]:
    """Endless different addresses of each kind of page."""
    links, stored = Links.below(""), papers_of(url)
    chance, common = random.Random(5), Words(random.Random(7)).known[:60]
    first = NOW.date() - timedelta(days=DAYS - 1)

    def day() -> date:
        return first + timedelta(days=chance.randrange(DAYS))

    def token(subscriber: int) -> str:
        return Tokens(KEYS).sign(Purpose.PREFERENCES, subscriber)

    def endless(make: Any) -> Iterator[str]:
        while True:
            yield make()

    return {
        "home": endless(lambda: chance.choice(("/", "/?tab=new", "/?tab=categories"))),
        "day": endless(lambda: f"/papers/{day()}?category={chance.choice(CATEGORIES)}"),
        "week": endless(lambda: "/papers/{}-W{:02}".format(*day().isocalendar()[:2])),
        "month": endless(lambda: f"/papers/{day():%Y-%m}"),
        "paper": endless(lambda: links.paper(chance.choice(stored))),
        "preferences": endless(lambda: f"/p/{token(chance.randint(1, SUBSCRIBERS))}"),
        "search": endless(lambda: question(chance.choice(stored), chance)),
        "search, broad": endless(
            lambda: links.to(
                "/search", q=" OR ".join(chance.sample(common, k=2)), page=str(chance.randint(1, 9))
            )
        ),
    }


def question(paper: Paper, chance: random.Random) -> str:
    """What somebody asks who has this paper in mind."""
    said = paper.title.lower().split()
    kind = chance.random()
    if kind < 0.7:
        text = " ".join(chance.sample(said, k=chance.randint(2, 4)))
    elif kind < 0.85:
        text = f"how does {' '.join(said[:3])} change the {' '.join(said[3:6])}?"
    elif kind < 0.95:
        text = f'"{said[0]} {said[1]}" {said[4]}'
    else:
        text = f"author:{paper.authors[0].split()[0]} {said[2]}"
    category = paper.categories[0] if chance.random() < 0.3 else None
    return Links.below("").to("/search", q=text, category=category)


async def ask(base: str, paths: Iterator[str], *, rate: int, seconds: float) -> list[float]:
    """Seconds each answer took, from when its request was due."""
    waited: list[float] = []

    async def one(client: httpx.AsyncClient, path: str, due: float) -> None:
        try:
            answer = await client.get(path, follow_redirects=True)
            assert answer.status_code == 200, (path, answer.status_code)
        except httpx.TimeoutException:
            pass  # it counts with all the time it was given
        waited.append(perf_counter() - due)

    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=PATIENCE) as client:
        began = perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - perf_counter()))
                group.create_task(one(client, next(paths), due))
    return waited


def told(waited: Sequence[float]) -> dict[str, float]:
    ordered = sorted(waited)

    def at(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99)}


def processor(pid: int) -> float:
    """Seconds of the processor that a process has had (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def first_load(base: str) -> dict[str, int]:
    """Bytes on the wire of a first visit: the page, its stylesheet and its icon."""
    sizes = {}
    with httpx.Client(base_url=base) as client:
        for name, path in (
            ("home", "/"),
            ("categories", "/?tab=categories"),
            ("search", "/search?q=graph+model+training"),
            ("paper", "/paper/1"),
            ("subscribe", "/subscribe"),
            ("preferences", f"/p/{Tokens(KEYS).sign(Purpose.PREFERENCES, 1)}"),
        ):
            page = client.get(path, follow_redirects=True)
            files = re.findall(r'(?:href|src)="([^"]+)"', page.text)
            own = [one for one in files if one.startswith("/static/")]
            sizes[name] = sum(
                _wire(client, one) for one in (page.request.url.raw_path.decode(), *own)
            )
    return sizes


def previews(base: str) -> dict[str, float]:
    """Milliseconds that trying an interest takes: the first one a process tries, and later ones."""
    lexicon, waited = Words(random.Random(9)), list[float]()
    with httpx.Client(base_url=base, timeout=PATIENCE) as client:
        for _ in range(15):
            wants, began = " ".join(lexicon.some(8)), perf_counter()
            answer = client.post("/subscribe", data={"wants": wants, "do": "preview"})
            assert answer.status_code == 200
            waited.append(round(1000 * (perf_counter() - began), 1))
    return {"first_ms": waited[0], "median_ms": sorted(waited[1:])[7], "max_ms": max(waited[1:])}


def _wire(client: httpx.Client, path: str) -> int:
    with client.stream("GET", path) as answer:
        return sum(map(len, answer.iter_raw()))


def read_through(url: str) -> None:
    """Have the machine hold the database's file in memory, as it does where people ask all day."""
    with Path(url.removeprefix("sqlite:///")).open("rb") as file:
        while file.read(1 << 24):
            pass


def measure(url: str, only: Sequence[str] = ()) -> dict[str, Any]:
    """Figures of the pages called `only`, or of all."""
    listener = listen("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(url, listener))
    server.start()
    try:
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {min(os.sched_getaffinity(0))} or {0})
        began = perf_counter()
        httpx.get(f"{base}/readyz", timeout=1800)
        print(f"ready in {perf_counter() - began:.0f} s", file=sys.stderr)
        found: dict[str, Any] = {} if only else {"preview": previews(base)}
        for name, paths in pages(url).items():
            if only and name not in only:
                continue
            read_through(url)
            asyncio.run(ask(base, paths, rate=10, seconds=3))  # caches as they are in the morning
            before = processor(server.pid or 0)
            waited = asyncio.run(ask(base, paths, rate=RATE, seconds=SECONDS))
            spent = 1000 * (processor(server.pid or 0) - before) / len(waited)
            found[name] = told(waited) | {"cpu_ms": round(spent, 1)}
            print(name, found[name], file=sys.stderr)
        return {"latency": found, "first_load_bytes": first_load(base)}
    finally:
        server.terminate()
        server.join()
        listener.close()


def main() -> None:
    """Fill a database, or take the one kept from before, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web")
    parser.add_argument("papers", nargs="?", type=int, default=PAPERS)
    parser.add_argument("subscribers", nargs="?", type=int, default=SUBSCRIBERS)
    parser.add_argument("--only", action="append", default=[], help="a kind of page; repeatable")
    parser.add_argument("--keep", type=Path, help="a folder to keep the filled database in")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        place = (asked.keep or Path(folder)) / "digest.db"
        url = f"sqlite:///{place.resolve()}"
        if not place.exists():
            began = perf_counter()
            fill(url, asked.papers, asked.subscribers)
            print(f"filled in {perf_counter() - began:.0f} s", file=sys.stderr)
        print(json.dumps(measure(url, asked.only), indent=2))


if __name__ == "__main__":
    main()
