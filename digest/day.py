"""One run: the whole river once.

    leftovers | ingest, groundwork | compose some, send them, compose … | sum up | send
                                              └─ compose on where sending waits

What an earlier run left in the outbox goes first, so that a digest composed before a crash is
sent as it was composed; then the day's work. What is composed is sent soon, while its digests are
still at hand, unless papers wait for a better summary or the way out is slow: web pages and feeds
wait for no mail. While the other side's answers are waited for, composing goes on. Killed at any
instant, the next run goes on from what is stored. It holds no policy of its own: each step keeps
its own guarantees.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from digest import memory
from digest.delivery.journal import uptime
from digest.delivery.lull import Lull
from digest.edition import Composed, Composer
from digest.ingest import IngestReport, SourceReport
from digest.model import DeliveryState, Skip, SubscriberId
from digest.outbox.tally import Tally
from digest.store.editions import EditionStore

More = Callable[[], bool]
_MOST_AHEAD: Final = 1_000  #: digests, which are sent while the processor still has them at hand

_REPORTED = (
    DeliveryState.DELIVERED,
    DeliveryState.DEFERRED,
    DeliveryState.REFUSED,
    DeliveryState.UNCERTAIN,
)


class Watcher(Protocol):
    """Whoever wants to see a run go by (a terminal, a log)."""

    def source(self, report: SourceReport) -> None: ...

    def composed(self, subscribers: int) -> None: ...

    def sent(self, deliveries: int) -> None: ...


class Unwatched:
    """Nobody looks."""

    def source(self, report: SourceReport) -> None: ...

    def composed(self, subscribers: int) -> None: ...

    def sent(self, deliveries: int) -> None: ...


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did; the figures add up to what was due."""

    at: datetime
    ingest: IngestReport = field(default_factory=IngestReport)
    digests: Composed = field(default_factory=Composed)
    deliveries: Tally = field(default_factory=Tally)

    @property
    def has_failures(self) -> bool:
        """Whether a source, a digest or a delivery failed: exit code 3."""
        failed = self.ingest.has_failures or self.deliveries.has_failures
        return failed or Skip.FAULT in self.digests.skipped

    def to_json(self) -> dict[str, Any]:
        """The documented shape of `digest run --json`."""
        return {
            "sources": {
                one.source: {
                    "verdict": one.verdict.value,
                    "listings": one.listings,
                    "new_papers": one.new_papers,
                }
                for one in self.ingest.sources
            },
            "digests": {
                "composed": self.digests.composed,
                "skipped": {
                    reason.value: count for reason, count in sorted(self.digests.skipped.items())
                },
            },
            "deliveries": {state.value: self.deliveries.states[state] for state in self._ended()},
        }

    @property
    def due(self) -> int:
        """Digests that were due: those composed and those skipped."""
        return self.digests.composed + sum(self.digests.skipped.values())

    @property
    def handled(self) -> int:
        """Deliveries that were due: the sum of what became of them."""
        return sum(self.deliveries.states[state] for state in self._ended())

    def _ended(self) -> list[DeliveryState]:
        """The states told always, and those that some delivery is in (expired, cancelled)."""
        others = [one for one in DeliveryState if one not in _REPORTED]
        return [*_REPORTED, *(one for one in others if self.deliveries.states[one])]


def _nothing() -> bool:
    """There is no more to send."""
    return False


class Composing:
    """Composes a batch whenever the sender asks for more, and bit by bit where it waits.

    So the mail server has work from the first batch to the last, and a digest is set while it is
    still in the processor's cache; far `ahead` of the sender both would be lost. A batch that took
    long to send is followed by all others: what is composed can be read elsewhere, and need not
    wait for the mail. What fails is told at the end.
    """

    def __init__(
        self,
        steps: Iterator[tuple[Composed, int] | None],
        watcher: Watcher,
        stop: threading.Event,
        *,
        ahead: Callable[[], int] = lambda: 0,
        patience: float = 8.0,
    ) -> None:
        """`ahead`: digests that are composed and that the sender has not come for.

        `patience`: seconds that sending may keep the next batches from being composed.
        """
        self._steps = steps
        self._watcher = watcher
        self._stop = stop
        self._ahead = ahead
        self._total = Composed()
        self._done = 0  #: batches
        self._is_over = False
        self._fault: Exception | None = None
        self._patience = patience
        self._last = math.inf  #: when the last batch was ready
        self._is_slow = False  #: sending is

    def more(self) -> bool:
        """Compose the next batch, or all of them; whether there was any."""
        before = self._done
        end = None if self._must_not_wait() else before + 1
        while self._done != end and self._step():
            pass
        return self._done > before

    def meanwhile(self) -> bool:
        """Compose a bit; False where nothing is to be composed before `more`."""
        if self._ahead() >= _MOST_AHEAD and not self._must_not_wait():
            return False
        return self._step()

    def finish(self) -> Composed:
        """Compose whatever is left, unless asked to stop; raises what an earlier batch met."""
        while self._step():
            pass
        if self._fault is not None:
            raise self._fault
        return self._total

    def _must_not_wait(self) -> bool:
        self._is_slow = self._is_slow or uptime() - self._last > self._patience
        return self._is_slow

    def _step(self) -> bool:
        """Compose a bit; whether there may be another."""
        if self._is_over or self._stop.is_set():
            return False
        try:
            if batch := next(self._steps):
                self._count(*batch)
        except StopIteration:
            self._is_over = True
        except Exception as fault:  # messages are on the wire, or queued: they come first
            self._fault, self._is_over = fault, True
        return not self._is_over

    def _count(self, composed: Composed, moved: int) -> None:
        self._last = uptime()
        self._done += 1
        self._total += composed
        self._watcher.composed(moved)


@dataclass(frozen=True, slots=True)
class Day:
    """The steps of a run, made by the wiring; `composer` is made after ingest has stored.

    `settle` sums up what needs no service, and says whether that is all there will be; `summarise`
    comes when it is known which papers are wanted most, and ends by its own deadline. `lull` is
    where draining waits, `ahead` as for `Composing`.
    """

    store: EditionStore
    ingest: Callable[[int, Watcher], IngestReport]
    composer: Callable[[], Composer]
    settle: Callable[[], bool]
    summarise: Callable[[], object]
    drain: Callable[[Watcher, More], Tally]
    lull: Lull
    ahead: Callable[[], int]
    stop: threading.Event

    def run(
        self, now: datetime, *, only: SubscriberId | None = None, watcher: Watcher
    ) -> RunReport:
        """Ingest, compose what is due at `now`, send; the report is stored with the run."""
        deliveries = self.drain(watcher, _nothing)
        run_id = self.store.begin_run(now)
        ingested = self.ingest(run_id, watcher)
        is_final = self.settle()
        steps = self.composer().steps(now, run_id=run_id, only=only)
        composing = Composing(steps, watcher, self.stop, ahead=self.ahead)
        if is_final:
            with self.lull.filled_by(composing.meanwhile):
                deliveries.add(self.drain(watcher, composing.more))
        composed = composing.finish()
        if not is_final:  # matching is over, and sending is still to come
            memory.give_back()
            self.summarise()
        deliveries.add(self.drain(watcher, _nothing))
        report = RunReport(now, ingested, composed, deliveries)
        self.store.finish_run(run_id, now, report.to_json())
        return report
