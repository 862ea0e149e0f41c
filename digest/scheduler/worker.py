"""The worker: drains the outbox whenever something may leave, and sleeps otherwise.

Idle, it asks the database two small questions a quarter of a minute. Any number of workers may run
on one database; each has its journal in the spool (see `digest.outbox`, which keeps guarantee 2).
Asked to stop, it finishes what is in hand.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Final

from digest.metrics import timed
from digest.outbox.tally import Tally
from digest.store.health import HealthStore
from digest.wiring import App

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 15.0  #: seconds between looks at the queue when nobody pokes
TAKE_OVER_EVERY: Final = timedelta(minutes=5)  #: between looks for what dead workers left behind


class Worker(threading.Thread):
    """One worker in a thread of its own; `poke` it when something was queued."""

    def __init__(self, app: App) -> None:
        super().__init__(daemon=True, name="worker")
        self._app = app
        self._bell = threading.Event()
        self._looked_at = app.clock() - TAKE_OVER_EVERY

    def poke(self) -> None:
        self._bell.set()

    def run(self) -> None:
        while not self._app.stop.is_set():
            try:
                self.turn()
            except Exception:  # the tick's edge: whatever failed, the next look tries again
                log.exception("Sending failed.", extra={"action": "worker.failed"})
            self._bell.wait(self._pause())
            self._bell.clear()

    def turn(self) -> Tally | None:
        """Drain the outbox if there is something to do; None where there was not."""
        now = self._app.clock()
        is_time = now >= self._looked_at + TAKE_OVER_EVERY or now < self._looked_at
        waiting = HealthStore(self._app.database).next_attempt()
        if not is_time and (waiting is None or waiting > now):
            return None
        self._looked_at = now
        with timed("drain"), self._app.outbox(self._app.clock) as outbox:
            tally = outbox.drain()
        if sum(tally.states.values()):
            counts = {state.value: count for state, count in tally.states.items() if count}
            log.info("Deliveries: %s.", counts, extra={"action": "outbox.drained", **counts})
        return tally

    def _pause(self) -> float:
        return LOOK_EVERY
