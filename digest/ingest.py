"""The ingest story: what the sources announced becomes stored papers.

    sources | ask, side by side | judge | remember        one transaction a source

One ingest at a time, by a lease; a holder that was frozen past its lease cannot commit. A source
that is broken or slow neither stops the others nor delays them past the deadline (guarantee 3).
Every fetch, failed ones too, is stored with its verdict, so that silence can be explained; what a
source wants to be told next time, and its watermark, move only on success (guarantee 5). Ingest
does not match and does not send.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Final

from digest.clock import Clock
from digest.errors import StoreBusy, StoreError
from digest.model import Fetched, Listing, Verdict, Window
from digest.sources.base import Source
from digest.sources.health import judge
from digest.store.leases import Lease, LeaseLost, new_holder
from digest.store.merging import keys_of, unstorable
from digest.store.papers import Fetch, PaperStore, Remembered, SourceMemory

log = logging.getLogger(__name__)

LOOKBACK: Final = timedelta(days=7)  #: what was announced late is still found
LONGEST: Final = timedelta(days=31)  #: a window never begins earlier, however long we were away
DEADLINE: Final = 600.0  #: seconds
_MEMORY: Final = timedelta(days=31)  #: of a source's history, from which its health is judged
_THREADS: Final = 16
_HEARTBEAT: Final = 5.0  #: seconds between renewals of the lease
_POLL: Final = 0.25  #: seconds between looks at a lease that another process holds
_NOT_YET: Final = Fetched()


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one source gave, in one line for people and in numbers for machines."""

    source: str
    verdict: Verdict
    listings: int
    new_papers: int
    line: str
    entry_faults: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Every source asked, in the order they were configured; `note` says why some were not."""

    sources: tuple[SourceReport, ...] = ()
    note: str = ""

    @property
    def new_papers(self) -> int:
        return sum(report.new_papers for report in self.sources)

    @property
    def brought(self) -> list[str]:
        """The sources that had new papers."""
        return [report.source for report in self.sources if report.new_papers]

    @property
    def has_failures(self) -> bool:
        return bool(self.note) or any(report.verdict.is_failure for report in self.sources)


Progress = Callable[[SourceReport], None]


def ingest(
    sources: Sequence[Source],
    store: PaperStore,
    *,
    clock: Clock,
    deadline: float = DEADLINE,
    lookback: timedelta = LOOKBACK,
    run_id: int | None = None,
    progress: Progress = lambda report: None,
) -> IngestReport:
    """Ask every source for what is new and store it; waits for another ingest to end first.

    `deadline` (seconds) bounds the waiting and the asking together.
    """
    began, end = clock(), monotonic() + deadline
    lease = store.lease(new_holder())
    waited = _wait_for(lease, end)
    if waited is None:
        return IngestReport(note="Another process is still reading the sources.")
    done = _read_meanwhile(store, sources, began) if waited else {}
    left = [source for source in sources if source.name not in done]
    note = ""
    try:
        pass_ = _Pass(store, lease, clock, lookback, run_id)
        for report in pass_.read(left, end, deadline):
            done[report.source] = report
            progress(report)
    except LeaseLost as error:
        note = str(error)
    finally:
        with suppress(StoreError):  # it runs out by itself
            lease.release()
    return IngestReport(tuple(done[s.name] for s in sources if s.name in done), note)


def window_for(memory: SourceMemory, now: datetime, lookback: timedelta) -> Window:
    """From the watermark or the look-back, whichever is earlier, until now."""
    since = min(memory.watermark or now, now - lookback)
    return Window(max(since, now - max(LONGEST, lookback)), now)


def next_memory(
    memory: SourceMemory, fetched: Fetched, verdict: Verdict, window: Window
) -> SourceMemory:
    """What is remembered of the source after this fetch."""
    if verdict.moves_watermark:
        state = memory.state if fetched.not_modified and not fetched.state else fetched.state
        return SourceMemory(state, window.until)
    failures = memory.failures + 1 if verdict.is_failure else 0
    return replace(memory, failures=failures)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One source, what it was asked, and what it said."""

    source: Source
    memory: SourceMemory
    window: Window
    fetched: Fetched = _NOT_YET
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over the sources, under the lease."""

    store: PaperStore
    lease: Lease
    clock: Clock
    lookback: timedelta
    run_id: int | None

    def read(
        self, sources: Sequence[Source], end: float, deadline: float
    ) -> Iterator[SourceReport]:
        asked = [self._question(source) for source in sources]
        for answer in _answers(asked, end, deadline, partial(_renew, self.lease)):
            yield self._settle(answer)

    def _question(self, source: Source) -> _Asked:
        memory = self.store.source_memory(source.name)
        return _Asked(source, memory, window_for(memory, self.clock(), self.lookback))

    def _settle(self, answer: _Asked) -> SourceReport:
        """Judge and store one source's answer; a fault in doing so is that source's own."""
        name = answer.source.name
        try:
            return self._remember(replace(answer, fetched=_storable(answer.fetched)))
        except LeaseLost:
            raise
        except Exception as error:  # the per-source edge: the other sources must go on
            told = {"action": "ingest.not_stored", "source": name}
            log.exception("A source's papers could not be stored", extra=told)
            why = str(error) if isinstance(error, StoreError) else _unexpected(error)
            return SourceReport(name, Verdict.BROKEN, 0, 0, f"Not stored: {why}")

    def _remember(self, answer: _Asked) -> SourceReport:
        fetched, source = answer.fetched, answer.source
        verdict, line = judge(
            fetched,
            new_keys=self._count_new(fetched.listings),
            history=self.store.history(source.name, since=answer.window.until - _MEMORY),
            now=answer.window.until,
            name=source.name,
        )
        fetch = Fetch(
            source=source.name,
            kind=source.kind,
            at=answer.window.until,
            verdict=verdict,
            memory=next_memory(answer.memory, fetched, verdict, answer.window),
            line=line,
            seconds=answer.seconds,
            run_id=self.run_id,
        )
        remembered = self.store.remember(fetch, fetched.listings, self.lease)
        return _report(fetch, fetched, remembered)

    def _count_new(self, listings: Sequence[Listing]) -> int:
        """How many of the listings are known by none of their keys."""
        keys = {keys_of(listing.ids, listing.title) for listing in listings}
        known = self.store.known_keys({key for some in keys for key in some})
        return sum(known.isdisjoint(some) for some in keys)


def _report(fetch: Fetch, fetched: Fetched, remembered: Remembered) -> SourceReport:
    return SourceReport(
        source=fetch.source,
        verdict=fetch.verdict,
        listings=len(fetched.listings),
        new_papers=remembered.new_papers,
        line=fetch.line,
        entry_faults=fetched.entry_faults,
        seconds=fetch.seconds,
    )


def _storable(fetched: Fetched) -> Fetched:
    """Without the listings no database takes; each is named among the entry faults."""
    faults = {listing: why for listing in fetched.listings if (why := unstorable(listing))}
    if not faults:
        return fetched
    named = (f"{one.title[:60].strip() or 'An entry'}: {why}." for one, why in faults.items())
    return replace(
        fetched,
        listings=tuple(one for one in fetched.listings if one not in faults),
        entry_faults=(*fetched.entry_faults, *named),
    )


def _answers(
    asked: Sequence[_Asked], end: float, deadline: float, beat: Callable[[], None]
) -> Iterator[_Asked]:
    """Every source's answer as it comes; at the deadline, a fault for those that gave none.

    The threads are daemons: one that hangs in a source keeps nobody from going on or leaving.
    """
    todo: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, _Asked]] = SimpleQueue()
    for number in range(len(asked)):
        todo.put(number)
    for _ in range(min(_THREADS, len(asked))):
        Thread(target=_ask_all, args=(asked, todo, done), daemon=True, name="source").start()
    pending = dict(enumerate(asked))
    while pending:
        left = end - monotonic()
        try:
            number, answer = done.get(timeout=min(max(left, 0), _HEARTBEAT))
        except Empty:
            if left <= 0:
                break
            beat()
            continue
        del pending[number]
        yield answer
    late = Fetched(fault=f"No answer within {deadline:.0f} s.", unreachable=True, complete=False)
    for one in pending.values():
        yield replace(one, fetched=late, seconds=deadline)


def _ask_all(
    asked: Sequence[_Asked], todo: SimpleQueue[int], done: SimpleQueue[tuple[int, _Asked]]
) -> None:
    with suppress(Empty):
        while True:
            number = todo.get_nowait()
            done.put((number, _ask(asked[number])))


def _ask(asked: _Asked) -> _Asked:
    began = monotonic()
    try:
        fetched = asked.source.fetch(asked.window, asked.memory.state)
    except Exception as error:  # the per-source edge: the other sources must go on
        told = {"action": "ingest.source_failed", "source": asked.source.name}
        log.exception("A source failed unexpectedly", extra=told)
        fetched = Fetched(fault=_unexpected(error), complete=False)
    return replace(asked, fetched=fetched, seconds=monotonic() - began)


def _unexpected(error: Exception) -> str:
    return f"This program failed on what the source gave ({type(error).__name__}); see the log."


def _wait_for(lease: Lease, end: float) -> bool | None:
    """Acquire the lease: False at once, True after waiting, None not before `end`."""
    waited = False
    while not _acquire(lease, end):
        if monotonic() > end:
            return None
        waited = True
        sleep(_POLL)
    return waited


def _acquire(lease: Lease, end: float) -> bool:
    """Try once; a store that is busy with the holder's own writing counts as taken, until `end`."""
    try:
        return lease.acquire()
    except StoreBusy:
        if monotonic() > end:
            raise
        return False


def _renew(lease: Lease) -> None:
    """Keep the lease; raises LeaseLost. A busy store is no reason to give up what was asked."""
    try:
        lease.renew()
    except LeaseLost:
        raise
    except StoreBusy as error:
        log.warning("The ingest lease could not be renewed yet: %s", error)


def _read_meanwhile(
    store: PaperStore, sources: Sequence[Source], began: datetime
) -> dict[str, SourceReport]:
    """The sources that another process asked since `began`; asking again would be impolite."""
    line = "Read by another process just now."
    return {
        source.name: SourceReport(source.name, past.verdict, past.listings, past.new_papers, line)
        for source in sources
        for past in store.history(source.name, since=began)[:1]
        if past.verdict.moves_watermark
    }
