"""The worker: drains a queue whenever something may leave, and sleeps otherwise.

    digests       whatever the edition has queued
    errands       the mails that somebody at the door waits for: never behind ten thousand digests

Idle, each asks the database one small question every few seconds. Any number of workers may run on
one database; each has its journal in the spool (see `digest.outbox`, which keeps guarantee 2).
Asked to stop, they finish what is in hand.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from digest.clock import Clock
from digest.errors import DigestError
from digest.metrics import timed
from digest.outbox import Outbox
from digest.outbox.tally import Tally
from digest.store.errands import ErrandStore
from digest.store.health import HealthStore
from digest.wiring import App

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 5.0  #: seconds between looks at the queue when nobody pokes
FAULTY: Final = 30.0  #: seconds after a way out that did not work
LONGEST: Final = 60.0  #: seconds between looks, whatever a rate allows
TAKE_OVER_EVERY: Final = timedelta(minutes=5)  #: between looks for what dead workers left behind


@dataclass(frozen=True, slots=True)
class Work:
    """One queue: how to open a worker on it, and when something of it may leave next."""

    name: str
    open: Callable[[Clock], AbstractContextManager[Outbox]]
    next_attempt: Callable[[], datetime | None]

    @classmethod
    def digests(cls, app: App) -> Self:
        return cls("digests", app.outbox, HealthStore(app.database).next_attempt)

    @classmethod
    def errands(cls, app: App) -> Self:
        asking = ErrandStore(app.database, hashes=lambda address: ())
        return cls("errands", app.errands, asking.next_attempt)


class Worker(threading.Thread):
    """One worker in a thread of its own; `poke` it when something was queued."""

    def __init__(self, work: Work, *, clock: Clock, stop: threading.Event) -> None:
        super().__init__(daemon=True, name=f"worker-{work.name}")
        self._work = work
        self._clock = clock
        self._stop_asked = stop
        self._bell = threading.Event()
        self._looked_at = clock() - TAKE_OVER_EVERY

    def poke(self) -> None:
        self._bell.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            pause = LOOK_EVERY
            try:
                pause = _pause(self.turn())
            except DigestError as error:  # told in its own words; the next look tries again
                log.error("%s", error, extra={"action": "worker.failed"})
                pause = FAULTY
            except Exception:  # the tick's edge: whatever failed, the next look tries again
                log.exception("Sending failed.", extra={"action": "worker.failed"})
                pause = FAULTY
            self._bell.wait(pause)
            self._bell.clear()

    def turn(self) -> Tally | None:
        """Drain the queue if there is something to do; None where there was not."""
        now = self._clock()
        is_time = now >= self._looked_at + TAKE_OVER_EVERY or now < self._looked_at
        waiting = self._work.next_attempt()
        if not is_time and (waiting is None or waiting > now):
            return None
        self._looked_at = now
        with timed(f"send_{self._work.name}"), self._work.open(self._clock) as outbox:
            tally = outbox.drain()
        if counts := {state.value: count for state, count in tally.states.items() if count}:
            told = {"action": "outbox.drained", "queue": self._work.name, **counts}
            log.info("Of the %s: %s.", self._work.name, counts, extra=told)
        return tally


def _pause(tally: Tally | None) -> float:
    """Seconds until the next look: longer after a fault, or where a rate is used up."""
    if tally is None:
        return LOOK_EVERY
    waits = [*tally.waits.values(), *(FAULTY for _ in tally.faults)]
    return min(max(waits, default=LOOK_EVERY), LONGEST)
