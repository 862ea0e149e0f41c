"""The alarm clock: rings each job in UTC, at the latest after its longest pause. No job store.

APScheduler only rings. Each job runs in a thread of its own, one at a time; a ring while it runs is
kept and answered afterwards. A job says when it wants to be rung next; its longest pause holds
whatever it says, so nothing depends on a single ring. The threads are daemons: a job that hangs in
the network keeps nobody from leaving, because every job can be killed at any instant.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from digest.clock import Clock, system_clock
from digest.errors import DigestError

log = logging.getLogger(__name__)

Run = Callable[[], datetime | None]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again; `run` tells when it wants to be called next."""

    name: str
    run: Run
    longest: timedelta  #: between two calls


class Alarm:
    """Rings the jobs from `start` to `stop`; `rouse` rings one, or all, at once."""

    def __init__(self, jobs: Sequence[Job], *, clock: Clock) -> None:
        self._clock = clock
        self._ringer: Any = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._posts = {job.name: _Post(job, self._set) for job in jobs}

    def start(self) -> None:
        """Begin, with every job at once: a restart must not wait for what is overdue."""
        for post in self._posts.values():
            self._ringer.add_job(
                post.ring, "interval", seconds=post.job.longest.total_seconds(), id=post.job.name
            )
        self._ringer.start()
        for post in self._posts.values():
            post.start()
            post.ring()

    def rouse(self, *names: str) -> None:
        for name, post in self._posts.items():
            if not names or name in names:
                post.ring()

    def stop(self, patience: float) -> bool:
        """Start nothing more; wait for what runs. False if something still does."""
        if self._ringer.running:
            self._ringer.shutdown(wait=False)
        end = monotonic() + patience
        for post in self._posts.values():
            post.leave()
        for post in self._posts.values():
            if post.is_alive():
                post.join(max(0.0, end - monotonic()))
        return not any(post.is_alive() for post in self._posts.values())

    def _set(self, job: Job, wanted: datetime | None) -> None:
        """Ring `job` at `wanted`, or after its longest pause, whichever is earlier."""
        now = self._clock()
        pause = job.longest if wanted is None else min(wanted - now, job.longest)
        # The ringer goes by the system's clock, whatever clock the jobs go by.
        at = system_clock() + max(pause, timedelta(seconds=1))
        with suppress(JobLookupError):  # we are leaving
            self._ringer.modify_job(job.name, next_run_time=at)


class _Post(threading.Thread):
    """One job's thread: waits for the bell, does the job, says when to ring again."""

    def __init__(self, job: Job, settle: Callable[[Job, datetime | None], None]) -> None:
        super().__init__(daemon=True, name=f"scheduler-{job.name}")
        self.job = job
        self._settle = settle
        self._bell = threading.Event()
        self._leaving = False

    def ring(self) -> None:
        self._bell.set()

    def leave(self) -> None:
        self._leaving = True
        self._bell.set()

    def run(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            if self._leaving:
                return
            wanted = self._once()
            if not self._leaving:
                self._settle(self.job, wanted)

    def _once(self) -> datetime | None:
        try:
            return self.job.run()
        except DigestError as error:  # told in its own words; the next ring tries again
            told = {"action": "scheduler.failed", "job": self.job.name}
            log.error("The scheduler's %s: %s", self.job.name, error, extra=told)
            return None
        except Exception:  # the tick's edge: whatever failed, the next ring tries again
            log.exception(
                "The scheduler's %s failed; it is tried again.",
                self.job.name,
                extra={"action": "scheduler.failed", "job": self.job.name},
            )
            return None
