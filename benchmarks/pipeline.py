"""From due subscribers to accepted mail:  python -m benchmarks.pipeline [--subscribers N] [--large]

    due | match | compose | claim | load | join | send | settle     SQLite, every commit durable

The papers are in, with what ingest works out of each (vector and sentence) and what it measures of
interests, which is told apart.
As `digest run` does it, into Postfix's smtp-sink, beside smtp-source at the same message size in
the same run. 500 papers in the window, 3 interests each (half keywords, half plain words) out of a
pool of 2,000 different ones; `--distinct` gives everybody interests of their own. A paper is of two
topics out of 300 and speaks in the words of science at large, each as often as there; one in twenty
goes on from another of that day, so that one in ten has a near-copy, as among real papers. Costs a
further subscriber are CPU differences between a quarter of the subscribers and all of them, with a
sender that accepts at once. `--large` adds 100,000 subscribers. The best of some tries counts, of
smtp-source's as of ours: what else the machine does only ever slows. Of memory, the worst does.

    --profile compose|drain     where the time goes, by cProfile, and nothing else
"""

from __future__ import annotations

import argparse
import cProfile
import json
import math
import os
import pstats
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate, count
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `digest run` does, before numpy is loaded

from benchmarks.delivery import sink
from benchmarks.peers import SOURCE
from digest.clock import fixed_clock
from digest.config import Settings
from digest.day import Composing, Unwatched
from digest.delivery.base import Witness
from digest.edition import Composed as Edited
from digest.letters import Letters
from digest.matching.usual import usual
from digest.model import (
    Cadence,
    Channel,
    Delivery,
    DeliveryState,
    Interest,
    InterestId,
    Links,
    Listing,
    Message,
    Outcome,
    PaperIds,
    Result,
    Schedule,
    Subscriber,
    SubscriberId,
    Verdict,
)
from digest.outbox import Composed, Outbox, Route
from digest.store import subscribers as register
from digest.store.database import Database
from digest.store.outbox import OutboxStore
from digest.store.papers import Fetch, PaperStore, SourceMemory
from digest.store.queueing import Booker
from digest.store.schema import migrate
from digest.wiring import App, open_app

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
TRIES = 3  #: of everything timed, by turns
WINDOW, BEFORE = 500, 2_500  #: papers of the day, and of the weeks before
EACH, INTERESTS, POOL = 15, 3, 2_000
TOPICS, OF_TOPIC, TOPICAL = 300, 60, 0.4  #: how many, words of one, and their share in a text
GOES_ON, KEPT = 0.05, 7  #: papers that go on from another, and how many of its sentences they keep
SENTENCES = 9


# --- what there is before the run -----------------------------------------------------------------


def populate(folder: Path, subscribers: int, *, distinct: bool) -> dict[str, float]:
    """A database as ingest leaves it, with `subscribers` who are all due.

    Returns the CPU seconds that ingest's groundwork takes a paper, and once a week an interest.
    """
    database = Database(_url(folder))
    migrate(database)
    dice = random.Random(11)
    writer = Writer(dice)
    papers = PaperStore(database)
    for number in range(10):
        some = [writer.listing() for _ in range(BEFORE // 10)]
        seen = remember(papers, some, NOW - timedelta(days=21 - 2 * number))
    writer.begin_a_day()
    today = [writer.listing() for _ in range(WINDOW)]
    remember(papers, today, NOW - timedelta(hours=2))
    for_papers = groundwork(folder)
    wanted = interests(dice, today, writer.topics)
    pool = [next(wanted) for _ in range(POOL)]
    with database.write() as connection:
        for start in range(0, subscribers, 5_000):
            few = range(start + 1, min(start + 5_000, subscribers) + 1)
            register.insert(
                connection,
                [
                    subscriber(n, [next(wanted) for _ in range(INTERESTS)])
                    if distinct
                    else subscriber(n, dice.sample(pool, INTERESTS))
                    for n in few
                ],
            )
        connection.exec_driver_sql("UPDATE subscriber SET seen_upto = ?", (seen,))
    database.dispose()
    of_words = POOL if not distinct else subscribers * INTERESTS
    return {
        "paper": for_papers / (WINDOW + BEFORE),
        "interest": groundwork(folder) / (of_words / 2),
    }


def groundwork(folder: Path) -> float:
    """CPU seconds of whatever there is to lay."""
    with open_app(settings(folder, 1)) as app:
        began = time.process_time()
        app.groundwork.lay(fixed_clock(NOW))
        return time.process_time() - began


def remember(papers: PaperStore, listings: Sequence[Listing], at: datetime) -> int:
    lease = papers.lease("bench")
    assert lease.acquire()
    fetch = Fetch("arxiv", "arxiv", at, Verdict.FRESH, SourceMemory(watermark=at))
    stored = papers.remember(fetch, listings, lease)
    lease.release()
    return stored.id


_numbers = count(1)


class Writer:
    """Writes papers in the frequent words of science at large, about topics."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        counts = usual().words
        self._words = sorted(counts, key=lambda word: (-counts[word], word))
        self._bounds = list(accumulate(counts[word] for word in self._words))
        self.topics = [dice.sample(self._words, OF_TOPIC) for _ in range(TOPICS)]
        self._before: list[list[str]] = []

    def begin_a_day(self) -> None:
        self._before.clear()

    def listing(self) -> Listing:
        dice, number = self._dice, next(_numbers)
        topics = dice.sample(self.topics, 2)
        said = [self._text(topics, 20) for _ in range(SENTENCES)]
        if self._before and dice.random() < GOES_ON:
            said[:KEPT] = dice.choice(self._before)[:KEPT]
        self._before.append(said)
        link = f"https://arxiv.org/{{}}/2611.{number:05}"
        return Listing(
            source="arxiv",
            ids=PaperIds(arxiv=f"2611.{number:05}"),
            title=self._text(topics, 10),
            abstract=". ".join(said) + ".",
            authors=tuple(f"Author Number{dice.randrange(999)}" for _ in range(dice.randint(1, 9))),
            categories=("cs.LG",),
            version=1,
            announced_at=NOW - timedelta(hours=3),
            links=Links(link.format("abs"), link.format("pdf")),
        )

    def _text(self, topics: Sequence[Sequence[str]], length: int) -> str:
        """Words by their frequency, a few of them everywhere; of a topic's, the first most."""
        dice = self._dice
        words = dice.choices(self._words, cum_weights=self._bounds, k=length)
        for at in range(length):
            if dice.random() < TOPICAL:
                words[at] = dice.choice(topics)[int(OF_TOPIC ** dice.random()) - 1]
        return " ".join(words).capitalize()


def interests(
    dice: random.Random, papers: Sequence[Listing], topics: Sequence[Sequence[str]]
) -> Iterator[Interest]:
    """Ever new interests that find some papers each: by words in three to twenty, or by a topic."""
    counts = Counter(word for one in papers for word in set(one.abstract.lower().split()))
    known = sorted(word.strip(".") for word, papers in counts.items() if 3 <= papers <= 20)
    for number in count(1):
        name = f"Interest {number}"
        if number % 2:
            yield Interest(InterestId(0), name, query=" OR ".join(dice.sample(known, 4)))
        else:
            said = " ".join(dice.sample(dice.choice(topics), 9))
            yield Interest(InterestId(0), name, statement=said, daily_volume=8)


def subscriber(number: int, wanted: Sequence[Interest]) -> Subscriber:
    return Subscriber(
        id=SubscriberId(0),
        email=f"reader{number}@example.org",
        schedule=Schedule("Europe/Lisbon", Cadence.DAILY, hour=number % 6),
        created_at=NOW - timedelta(days=number % 300),
        limit=EACH,
        interests=tuple(wanted),
        next_due_at=NOW - timedelta(minutes=number % 50),
    )


def settings(folder: Path, port: int) -> Settings:
    return Settings.model_validate(
        {
            "site": {"operator_email": "op@example.org", "secret_keys": ["long enough " * 3]},
            "database": {"url": _url(folder)},
            "delivery": {
                "channel": "smtp",
                "spool": folder / "spool",
                "smtp": {"host": "127.0.0.1", "port": port, "security": "none", "sessions": 8},
            },
        }
    )


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'digest.db'}"


# --- measured in processes of their own -----------------------------------------------------------


def run(folder: Path, port: int) -> dict[str, float]:
    """The whole run into a server."""
    with open_app(settings(folder, port)) as app:
        began, cpu = time.perf_counter(), _cpu()
        report = app.run(NOW)
        seconds, cpu = time.perf_counter() - began, _cpu() - cpu
        sent = report.deliveries.states[DeliveryState.DELIVERED]
        with app.database.read() as connection:
            row = connection.exec_driver_sql("SELECT sum(papers) FROM digest").one()
    return {
        "seconds": seconds,
        "cpu": cpu,
        "sent": sent,
        "peak": _peak(),
        "papers": row[0],
    }


def _cpu() -> float:
    """Seconds of this process and of those it started that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak(who: int = resource.RUSAGE_SELF) -> float:
    """In megabytes."""
    return resource.getrusage(who).ru_maxrss / 1024


def beside(folder: Path) -> dict[str, float]:
    """CPU seconds of each stage with a sender that accepts at once, and the mean size of a mail."""
    clock = Stages()
    with open_app(settings(folder, 1)) as app:

        def begin(booker: Booker) -> Callable[[], bool]:
            with clock("start"):
                composer = app.composer(NOW, keep=app.readers.keep, booker=booker)
            composing = Composing(composer.steps(NOW), Unwatched(), threading.Event())

            def more() -> bool:
                with clock("compose"):
                    return composing.more()

            return more

        _drain(app, clock, begin)
    return clock.spent | {"peak": _peak()}


def _nothing(_booker: Booker) -> Callable[[], bool]:
    return lambda: False


def _drain(
    app: App, clock: Stages, begin: Callable[[Booker], Callable[[], bool]] = _nothing
) -> None:
    sizes: list[int] = []
    letters = Letters(
        readers=app.readers,
        papers=app.papers,
        tokens=app.tokens,
        drawing=lambda channel: _as_it_is,
    )

    def compose(deliveries: Sequence[Delivery]) -> Iterable[Composed]:
        with clock("load"):
            loaded: list[Any] = list(letters.compose(deliveries))
        join = clock("join")
        for letter in loaded:
            with join:
                message = app.joiner.join(letter, channel=Channel.SMTP)
            sizes.append(len(message.payload))
            yield message

    with clock("queue"):
        store = OutboxStore(app.database)
        routes = [Route(Channel.SMTP, Anything)]
        spool = app.settings.delivery.spool
        with Outbox(store, compose, routes, spool=spool, clock=lambda: NOW) as outbox:
            outbox.drain(begin(outbox))
    clock.spent["bytes"] = sum(sizes) / max(1, len(sizes))


def _as_it_is(letter: Any) -> Any:
    """Draws nothing: loading is measured apart."""
    return letter


class Anything:
    """A Sender that accepts everything at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        for message in messages:
            witness.handing(message.delivery_id)
            outcome = Outcome(message.delivery_id, Result.ACCEPTED, 250, "2.0.0 Ok: queued")
            witness.answered(outcome)
            yield outcome


class Stages:
    """CPU seconds by stage; an inner stage's time is not the outer one's.

    A look at the clock takes more than a microsecond, which is nobody's.
    """

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._stack: list[str] = []
        self._since = 0.0
        self._entered: dict[str, _Stage] = {}
        self._look = 0.0
        self._look = min(self._idle() for _ in range(100))

    def _idle(self) -> float:
        with self("idle"):
            pass
        return self.spent.pop("idle")

    def __call__(self, stage: str) -> _Stage:
        self.spent.setdefault(stage, 0.0)
        return self._entered.setdefault(stage, _Stage(self, stage))

    def turn(self) -> None:
        now = time.process_time()
        if self._stack:
            self.spent[self._stack[-1]] += now - self._since - self._look
        self._since = now

    def enter(self, stage: str) -> None:
        self.turn()
        self._stack.append(stage)

    def leave(self) -> None:
        self.turn()
        self._stack.pop()


class _Stage:
    """A `with` of its own: a generator's would cost more than what it measures."""

    def __init__(self, stages: Stages, name: str) -> None:
        self._stages, self._name = stages, name

    def __enter__(self) -> None:
        self._stages.enter(self._name)

    def __exit__(self, *_raised: object) -> None:
        self._stages.leave()


def profile(folder: Path, stage: str) -> None:
    profiler = cProfile.Profile()
    with open_app(settings(folder, 1)) as app:
        composer = app.composer(NOW)
        _watched(profiler, stage == "compose", lambda: composer.compose(NOW))
        _watched(profiler, stage == "drain", lambda: _drain(app, Stages()))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


def _watched(profiler: cProfile.Profile, wanted: bool, work: Callable[[], Edited | None]) -> None:
    if wanted:
        profiler.enable()
    work()
    profiler.disable()


# --- the story ------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=20_000)
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--profile", choices=("compose", "drain"))
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        say(*given.child)
    elif given.profile:
        with installation(given.subscribers, distinct=given.distinct) as folder:
            profile(folder, given.profile)
    else:
        measure(given.subscribers, distinct=given.distinct, large=given.large)


def say(verb: str, folder: str, *rest: str) -> None:
    """What a child process prints: its figures as JSON."""
    verbs: dict[str, Callable[..., Any]] = {
        "run": lambda: run(Path(folder), int(rest[0])),
        "beside": lambda: beside(Path(folder)),
        "populate": lambda: populate(Path(folder), int(rest[0]), distinct=rest[1] == "True"),
    }
    print(json.dumps(verbs[verb]()))


def measure(subscribers: int, *, distinct: bool, large: bool) -> None:
    pace = min(_pace() for _ in range(5))
    print(f"Python {sys.version.split()[0]}, {pace:.0f} ms a plain loop; the best of {TRIES} tries")
    size = costs(subscribers, distinct=distinct)
    print(f"\nEnd to end into smtp-sink, {size / 1000:.1f} kB a mail, durable commits on SQLite")
    counts = [1_000, subscribers, *([100_000] if large else [])]
    theirs, ours = 0.0, {number: {"seconds": math.inf} for number in counts}
    for _ in range(TRIES):  # by turns: the machine's mood is shared
        theirs = max(theirs, by_smtp_source(subscribers, size))
        for number in counts:
            tried = end_to_end(number, distinct=distinct)
            peak = max(tried["peak"], ours[number].get("peak", 0.0))
            ours[number] = min(ours[number], tried, key=itemgetter("seconds")) | {"peak": peak}
    print(f"  {'smtp-source -d -s 10':<26}{theirs:>9,.0f} messages/s    1.00")
    for number, figures in ours.items():
        rate = number / figures["seconds"]
        print(
            f"  {f'ours, {number:,} subscribers':<26}{rate:>9,.0f} messages/s{rate / theirs:>8.2f}"
            f"{figures['cpu'] / number * 1e6:>9.0f} µs CPU each"
            f"{figures['papers'] / number:>6.1f} papers each"
            f"{figures['peak']:>7.0f} MB peak"
        )


def _pace() -> float:
    """Milliseconds of a plain loop: what this interpreter on this machine is worth just now."""
    began, total = time.process_time(), 0
    for number in range(300_000):
        total += number * number % 7
    return (time.process_time() - began) * 1000


def end_to_end(subscribers: int, *, distinct: bool) -> dict[str, float]:
    """One run's figures, counted at the server."""
    with installation(subscribers, distinct=distinct) as folder, sink() as target:
        figures = _child("run", folder, target.port)
        time.sleep(0.2)
        assert target.count() == figures["sent"] == subscribers, (target.count(), figures)
    return figures


def costs(subscribers: int, *, distinct: bool) -> float:
    """Print what a further subscriber costs, beside the wire; returns the mean size of a mail."""
    few = subscribers // 4
    small: dict[str, float] = {}
    large: dict[str, float] = {}
    for _ in range(TRIES):
        for number, best in ((few, small), (subscribers, large)):
            with installation(number, distinct=distinct) as folder:
                figures = _child("beside", folder)
            peak = max(figures["peak"], best.get("peak", 0.0))
            best |= {name: min(spent, best.get(name, spent)) for name, spent in figures.items()}
            best["peak"] = peak
    each = {
        stage: (large[stage] - small[stage]) / (subscribers - few) * 1e6
        for stage in ("compose", "load", "join", "queue")
    }
    print(f"CPU a further subscriber beside the wire, {few:,} against {subscribers:,}")
    for stage, spent in each.items():
        print(f"  {stage:<26}{spent:>9.1f} µs")
    print(f"  {'in all':<26}{sum(each.values()):>9.1f} µs    ({large['peak']:.0f} MB peak)")
    first = sum(small[stage] - few * spent / 1e6 for stage, spent in each.items())
    print(
        f"  once a run: {large['start']:.1f} s to get ready, {first:.1f} s with the first batches"
    )
    return large["bytes"]


def by_smtp_source(messages: int, size: float) -> float:
    what = ["-d", "-s", "10", "-m", str(messages), "-l", str(round(size))]
    whom = ["-f", "a@example.org", "-t", "b@example.org"]
    with sink() as target:
        began = time.perf_counter()
        subprocess.run([SOURCE, *what, *whom, f"127.0.0.1:{target.port}"], check=True)
        return messages / (time.perf_counter() - began)


@contextmanager
def installation(subscribers: int, *, distinct: bool) -> Iterator[Path]:
    """A populated database in a folder of its own; kept for the next of the same kind."""
    with tempfile.TemporaryDirectory(prefix="digest-pipeline-") as name:
        folder, kept = Path(name), _kept / f"{subscribers}-{distinct}.db"
        if not kept.exists():
            figures = _child("populate", folder, subscribers, distinct)
            print(
                f"  at ingest: {figures['paper'] * 1000:.1f} ms of CPU once a paper,"
                f" {figures['interest'] * 1000:.1f} ms once a week an interest in plain words",
                flush=True,
            )
            shutil.copy(folder / "digest.db", kept)
        else:
            shutil.copy(kept, folder / "digest.db")
        yield folder


def _child(*words: object) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.pipeline", "--child", *map(str, words)]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    figures: dict[str, float] = json.loads(said)
    return figures


_shelf = tempfile.TemporaryDirectory(prefix="digest-pipeline-kept-")
_kept = Path(_shelf.name)

if __name__ == "__main__":
    main()
