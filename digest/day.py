"""One run: the whole river once.

    leftovers | ingest, groundwork | compose | sum up | send
                                  send while composing

What an earlier run left in the outbox goes first, so that a digest composed before a crash is
sent as it was composed; then the day's work. In a large run others send already while it composes,
once no paper waits for a better summary. Killed at any instant, the next run goes on from what
is stored. It holds no policy of its own: each step keeps its own guarantees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from digest import memory
from digest.edition import Composed, Composer
from digest.ingest import IngestReport, SourceReport
from digest.model import DeliveryState, Skip, SubscriberId
from digest.outbox.tally import Tally
from digest.store.editions import EditionStore

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


class Couriers(Protocol):
    """Whoever sends beside a run (see `digest.courier`)."""

    def posted(self) -> None:
        """There is something to send."""

    def finish(self, drain: Callable[[], Tally]) -> Tally:
        """Send beside them, and wait until they have sent what they can; what became of it."""


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


@dataclass(frozen=True, slots=True)
class Day:
    """The steps of a run, made by the wiring; `composer` is made after ingest has stored.

    `settle` sums up what needs no service, and says whether that is all there will be; `summarise`
    comes when it is known which papers are wanted most, and ends by its own deadline.
    """

    store: EditionStore
    ingest: Callable[[int, Watcher], IngestReport]
    composer: Callable[[], Composer]
    settle: Callable[[], bool]
    summarise: Callable[[], object]
    drain: Callable[[Watcher], Tally]
    couriers: Couriers

    def run(
        self, now: datetime, *, only: SubscriberId | None = None, watcher: Watcher
    ) -> RunReport:
        """Ingest, compose what is due at `now`, send; the report is stored with the run."""
        deliveries = self.drain(watcher)
        run_id = self.store.begin_run(now)
        ingested = self.ingest(run_id, watcher)
        is_final = self.settle()

        def queued(moved: int) -> None:
            watcher.composed(moved)
            if is_final:
                self.couriers.posted()

        composed = self.composer().compose(now, run_id=run_id, only=only, progress=queued)
        memory.give_back()
        self.summarise()
        deliveries.add(self.couriers.finish(lambda: self.drain(watcher)))
        deliveries.add(self.drain(watcher))
        report = RunReport(now, ingested, composed, deliveries)
        self.store.finish_run(run_id, now, report.to_json())
        return report
