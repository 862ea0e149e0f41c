"""The ingest story on real databases: sources at the edge are scripted, nothing else is."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from digest.errors import StoreBusy
from digest.ingest import LONGEST, LOOKBACK, IngestReport, ingest, next_memory, window_for
from digest.model import Fetched, FetchId, Listing, PaperIds, Verdict, Window
from digest.store.database import Database
from digest.store.papers import Fetch, PaperStore, SourceMemory
from tests.builders import arxiv_id, listing
from tests.fakes import START, FrozenClock, ScriptedSource

Read = Callable[..., IngestReport]


@pytest.fixture
def store(database: Database) -> PaperStore:
    return PaperStore(database)


@pytest.fixture
def read(store: PaperStore, clock: FrozenClock) -> Read:
    def run(*sources: ScriptedSource, **options: Any) -> IngestReport:
        return ingest(sources, store, clock=clock, **{"deadline": 20.0, **options})

    return run


def source(name: str = "arxiv", *answers: Any) -> ScriptedSource:
    return ScriptedSource(name=name, kind=name, answers=list(answers))


def listings(numbers: Iterable[int], **fields: Any) -> list[Listing]:
    return [listing(n, **fields) for n in numbers]


def verdicts(report: IngestReport) -> dict[str, Verdict]:
    return {one.source: one.verdict for one in report.sources}


def titles(store: PaperStore) -> set[str]:
    return {paper.title for paper in store.window(FetchId(0), store.latest_fetch()).papers}


def test_what_the_sources_announce_is_stored(read: Read, store: PaperStore) -> None:
    hf = [listing(2, source="hf", votes=7, version=None), listing(3, source="hf", version=None)]
    report = read(source("arxiv", listings([1, 2])), source("hf", hf))
    assert verdicts(report) == {"arxiv": Verdict.FRESH, "hf": Verdict.FRESH}
    assert report.new_papers == 3
    assert [one.listings for one in report.sources] == [2, 2]
    assert not report.has_failures
    assert store.find(arxiv_id(2)).votes == 7
    assert sorted(store.find(arxiv_id(2)).sources) == ["arxiv", "hf"]
    assert [note.source for note in store.latest_verdicts()] == ["arxiv", "hf"]


def test_reading_twice_stores_nothing_twice(
    read: Read, store: PaperStore, clock: FrozenClock
) -> None:
    arxiv = source("arxiv", listings([1, 2]))
    read(arxiv)
    before = store.window(FetchId(0), store.latest_fetch())
    clock.tick(hours=1)
    report = read(arxiv)
    assert (report.new_papers, verdicts(report)) == (0, {"arxiv": Verdict.QUIET})
    assert store.window(FetchId(0), store.latest_fetch()) == before
    assert store.window(FetchId(1), FetchId(2)).papers == ()


FAULTS = [
    pytest.param(RuntimeError("a bug"), Verdict.BROKEN, id="a bug in the source"),
    pytest.param(Fetched(fault="HTML, not a feed."), Verdict.BROKEN, id="an unreadable answer"),
    pytest.param(
        Fetched(fault="Timed out.", unreachable=True), Verdict.UNREACHABLE, id="no answer"
    ),
]


@pytest.mark.parametrize(("answer", "verdict"), FAULTS)
def test_a_broken_source_stops_nobody(
    read: Read, store: PaperStore, clock: FrozenClock, answer: Any, verdict: Verdict
) -> None:
    bad = source("bad", answer)
    report = read(source("arxiv", listings([1])), bad, source("hf", listings([2], source="hf")))
    assert verdicts(report) == {"arxiv": Verdict.FRESH, "bad": verdict, "hf": Verdict.FRESH}
    assert report.has_failures
    assert len(titles(store)) == 2
    assert store.source_memory("bad") == SourceMemory(failures=1)
    clock.tick(hours=1)
    read(bad)
    assert store.source_memory("bad").failures == 2


def test_a_slow_source_delays_nobody_past_the_deadline(read: Read, store: PaperStore) -> None:
    hold = threading.Event()

    def hang() -> Fetched:
        hold.wait(30)
        return Fetched()

    slow = source("slow", hang)
    began = time.monotonic()
    report = read(slow, source("arxiv", listings([1])), deadline=0.5)
    took = time.monotonic() - began
    hold.set()
    assert took < 10
    assert verdicts(report) == {"slow": Verdict.UNREACHABLE, "arxiv": Verdict.FRESH}
    assert titles(store) == {listing(1).title}


def test_sources_are_asked_side_by_side(read: Read) -> None:
    meeting = threading.Barrier(3)

    def meet() -> Fetched:
        meeting.wait(15)
        return Fetched()

    report = read(*(source(f"s{n}", meet) for n in range(3)))
    assert [one.source for one in report.sources] == ["s0", "s1", "s2"]
    assert not report.has_failures


def test_a_paper_that_cannot_be_stored_stops_nobody(read: Read, store: PaperStore) -> None:
    bad = [
        listing(2, title=" "),
        listing(3, abstract="half a \ud800 pair"),
        listing(4, authors=("nul \0",)),
        listing(5, votes=10**12),
        listing(6, version=-1),
        listing(7, announced_at=datetime(2026, 11, 20)),  # noqa: DTZ001 - naive on purpose
        listing(8, ids=PaperIds(url="https://a.example/\0")),
    ]
    report = read(source("arxiv", [listing(1), *bad, listing(9)]))
    (one,) = report.sources
    assert (one.listings, one.new_papers, len(one.entry_faults)) == (2, 2, 7)
    assert "An entry: it has no title." in one.entry_faults
    assert titles(store) == {listing(1).title, listing(9).title}


def test_a_source_that_cannot_be_stored_stops_nobody(read: Read, store: PaperStore) -> None:
    """A fault of ours: what a source wants remembered is nothing that a database takes."""
    bad = Fetched(listings=(listing(2),), state={"etag": "half a \ud800 pair"})
    report = read(source("bad", bad), source("arxiv", listings([1])))
    assert [one.verdict for one in report.sources] == [Verdict.BROKEN, Verdict.FRESH]
    assert report.sources[0].line.startswith("Not stored: ")
    assert titles(store) == {listing(1).title}


# --- what is remembered of a source -------------------------------------------------------------

SINCE = START - timedelta(days=3)
OLD = SourceMemory({"etag": "old"}, SINCE, 2)
SPAN = Window(START - LOOKBACK, START)
NEXT = SourceMemory({"etag": "new"}, START, 0)
MEMORIES = [
    pytest.param(Verdict.FRESH, {}, NEXT, id="fresh"),
    pytest.param(Verdict.QUIET, {}, NEXT, id="quiet"),
    pytest.param(Verdict.HOLIDAY, {}, NEXT, id="holiday"),
    pytest.param(Verdict.STALE, {}, replace(OLD, failures=0), id="stale"),
    pytest.param(Verdict.PARTIAL, {}, replace(OLD, failures=0), id="partial"),
    pytest.param(Verdict.UNREACHABLE, {}, replace(OLD, failures=3), id="unreachable"),
    pytest.param(Verdict.BROKEN, {}, replace(OLD, failures=3), id="broken"),
    pytest.param(
        Verdict.QUIET,
        {"not_modified": True, "state": {}},
        SourceMemory({"etag": "old"}, START),
        id="not modified keeps the state",
    ),
]


@pytest.mark.parametrize(("verdict", "fields", "expected"), MEMORIES)
def test_state_and_watermark_move_only_on_success(
    verdict: Verdict, fields: dict[str, Any], expected: SourceMemory
) -> None:
    fetched = Fetched(**{"state": {"etag": "new"}, **fields})
    assert next_memory(OLD, fetched, verdict, SPAN) == expected


WINDOWS = [
    pytest.param(None, START - LOOKBACK, id="the first time"),
    pytest.param(START - timedelta(hours=2), START - LOOKBACK, id="always seven days back"),
    pytest.param(START - timedelta(days=12), START - timedelta(days=12), id="after a fault"),
    pytest.param(START - timedelta(days=900), START - LONGEST, id="never for ever"),
    pytest.param(START + timedelta(days=2), START - LOOKBACK, id="a clock that was set back"),
]


@pytest.mark.parametrize(("watermark", "since"), WINDOWS)
def test_windows_look_back(watermark: datetime | None, since: datetime) -> None:
    window = window_for(SourceMemory(watermark=watermark), START, LOOKBACK)
    assert window == Window(since, START)


def test_a_source_is_handed_its_state_and_window(
    read: Read, store: PaperStore, clock: FrozenClock
) -> None:
    arxiv = source(
        "arxiv",
        Fetched(listings=(listing(1),), state={"etag": "a"}),
        Fetched(fault="Timed out.", unreachable=True, state={"etag": "b"}),
        Fetched(not_modified=True),
    )
    read(arxiv)
    clock.tick(days=9)
    read(arxiv)
    clock.tick(hours=1)
    read(arxiv)
    windows, states = zip(*arxiv.asked, strict=True)
    assert list(states) == [{}, {"etag": "a"}, {"etag": "a"}]
    assert windows[1] == Window(START, START + timedelta(days=9))
    assert windows[2].since == START
    assert store.source_memory("arxiv").failures == 0


# --- one ingest at a time -----------------------------------------------------------------------


def test_two_at_once_store_nothing_twice(database_url: str, clock: FrozenClock) -> None:
    numbers = range(40)
    reports: list[IngestReport] = []

    def run(name: str) -> None:
        database = Database(database_url)
        both = (source("arxiv", listings(numbers)), source("hf", listings(numbers, source="hf")))
        reports.append(ingest(both, PaperStore(database), clock=clock, deadline=30))
        database.dispose()

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    database = Database(database_url)
    store = PaperStore(database)
    papers = store.window(FetchId(0), store.latest_fetch()).papers
    database.dispose()
    assert len(reports) == 2
    assert all(len(report.sources) == 2 and not report.note for report in reports)
    assert len(papers) == len(numbers)
    assert all(len(paper.sightings) == 2 for paper in papers)


def test_what_another_process_has_just_read_is_not_asked_for_again(
    read: Read, store: PaperStore
) -> None:
    other = store.lease("another process")
    assert other.acquire()
    first = source("arxiv", listings([1]))
    reports: list[IngestReport] = []
    waiting = threading.Thread(target=lambda: reports.append(read(first)))
    waiting.start()
    time.sleep(0.3)
    second = source("arxiv", listings([1]))
    remember_as(store, second, other)
    other.release()
    waiting.join(30)
    assert first.asked == []
    assert [one.line for one in reports[0].sources] == ["Read by another process just now."]


def remember_as(store: PaperStore, source: ScriptedSource, lease: Any) -> None:
    fetched = source.fetch(SPAN, {})
    fetch = Fetch(source.name, source.kind, START, Verdict.FRESH, SourceMemory())
    store.remember(fetch, fetched.listings, lease)


def test_who_waits_past_the_deadline_says_so(read: Read, store: PaperStore) -> None:
    assert store.lease("another process").acquire()
    report = read(source("arxiv", listings([1])), deadline=0.1)
    assert report.sources == ()
    assert report.has_failures
    assert "Another process" in report.note


def test_a_holder_frozen_past_its_lease_commits_nothing(
    read: Read, store: PaperStore, database: Database
) -> None:
    def freeze() -> Fetched:
        with database.write() as connection:
            connection.execute(sa.text("UPDATE lease SET holder = 'the one that took over'"))
        return Fetched(listings=(listing(1),))

    report = read(source("arxiv", freeze))
    assert "taken over" in report.note
    assert titles(store) == set()
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT holder FROM lease")) == "the one that took over"


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from digest.ingest import ingest
from digest.model import Fetched
from digest.store.database import Database
from digest.store.papers import PaperStore
from tests.builders import listing
from tests.fakes import START, ScriptedSource

def die():
    os.kill(os.getpid(), signal.SIGKILL)

first = ScriptedSource("first", "feed", [[listing(1)]])
last = ScriptedSource("last", "feed", [die])
store = PaperStore(Database(sys.argv[1]))
ingest([first], store, clock=lambda: START)
ingest([last], store, clock=lambda: START)
"""


def test_a_killed_ingest_is_taken_over_at_once(
    read: Read, store: PaperStore, database_url: str
) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED, database_url], check=False)
    assert run.returncode == -9
    assert titles(store) == {listing(1).title}
    began = time.monotonic()
    assert verdicts(read(source("last", listings([2])))) == {"last": Verdict.FRESH}
    assert time.monotonic() - began < 10


def test_a_locked_database_is_an_error_that_says_so(sqlite_url: str, clock: FrozenClock) -> None:
    patient, impatient = Database(sqlite_url), Database(sqlite_url, busy=0.1)
    with patient.write(), pytest.raises(StoreBusy, match="locked"):
        ingest([source()], PaperStore(impatient), clock=clock, deadline=1)
    patient.dispose()
    impatient.dispose()
