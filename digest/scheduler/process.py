"""One long-lived process: any of pages, scheduler and worker, until it is asked to stop.

    SIGTERM, SIGINT -> stop | pages finish their answers | the message in hand is finished | leave

Everything leaves within `PATIENCE`; what cannot (a source that does not answer) is left behind, for
every step may be killed at any instant (guarantee 2). The main thread only waits, beats once a
minute, and looks whether the clock was stepped or the machine slept: then everything is rung.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, Protocol

import uvicorn

from digest import metrics
from digest.ending import PATIENCE, asked_to_end
from digest.errors import StoreError
from digest.scheduler.alarm import Alarm, Job
from digest.scheduler.rounds import CLEAN_EVERY, Rounds
from digest.scheduler.watch import LOOK_EVERY, LookOut
from digest.scheduler.worker import Work, Worker
from digest.store.listening import Listener
from digest.store.marks import MarkStore
from digest.wiring import App

log = logging.getLogger(__name__)

BEAT_EVERY: Final = timedelta(minutes=1)
GLANCE: Final = 20.0  #: seconds between glances at the clock
STEPPED: Final = 5.0  #: seconds by which two clocks may differ after a glance
HEARTBEAT: Final = "heartbeat/"


class Server(Protocol):
    """The pages: `run` until `leave` is called from another thread."""

    def run(self) -> None: ...

    def leave(self) -> None: ...


class Listening:
    """A uvicorn server on a socket that listens already; its signals are ours to handle."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener

    def run(self) -> None:
        self._server.run(sockets=[self._listener])

    def leave(self) -> None:
        self._server.should_exit = True


class Process:
    """The parts of one process; `run` returns when they have left."""

    def __init__(
        self,
        app: App,
        *,
        with_scheduler: bool = False,
        with_worker: bool = False,
        server: Server | None = None,
    ) -> None:
        self._app = app
        self._workers = self._make_workers() if with_worker else []
        self._alarm = self._make_alarm() if with_scheduler else None
        self._server = server
        self._search = threading.Thread(target=self._keep_searching, daemon=True, name="search")
        self._pages = threading.Thread(target=self._serve, daemon=True, name="pages")
        self._roles = [
            *(["scheduler"] if with_scheduler else []),
            *(["worker"] if with_worker else []),
            *(["web"] if server else []),
        ]

    def run(self) -> None:
        """Start everything, wait for the signal, stop everything."""
        with asked_to_end(self._app.stop):
            self._start()
            try:
                self._wait()
            finally:
                self._leave()

    # --- beginning and ending -------------------------------------------------------------------

    def _start(self) -> None:
        watched = self._app.settings.monitoring
        if watched.metrics_port:
            self._show_metrics(watched.metrics_host, watched.metrics_port)
        for worker in self._workers:
            worker.start()
        if self._workers:
            Listener(self._app.database, self._posted, stop=self._app.stop).start()
        if self._alarm:
            self._alarm.start()
        if self._server:
            self._search.start()
            self._pages.start()
        log.info("Started: %s.", ", ".join(self._roles), extra={"action": "started"})

    def _leave(self) -> None:
        end = monotonic() + PATIENCE
        self._app.stop.set()
        if self._server:
            self._server.leave()
            self._app.searcher.nudge()
        self._posted()
        for thread in (self._pages, *self._workers):
            if thread.is_alive():
                thread.join(max(0.0, end - monotonic()))
        is_done = self._alarm is None or self._alarm.stop(min(5.0, max(0.0, end - monotonic())))
        self._still()
        told = "Stopped." if is_done else "Stopped; what was under way is begun anew next time."
        log.info("%s", told, extra={"action": "stopped"})

    def _serve(self) -> None:
        assert self._server is not None
        try:
            self._server.run()
        except SystemExit:  # uvicorn's way of saying that it could not begin
            log.error("The pages could not be served.", extra={"action": "web.failed"})
        finally:
            self._app.stop.set()

    def _keep_searching(self) -> None:
        """What the pages search in is kept up here, so that looking at them writes nothing."""
        try:
            self._app.searcher.keep(self._app.stop)
        except Exception:  # the pages go on with what there is, and look for themselves
            log.exception("The search is not kept up.", extra={"action": "search.failed"})

    # --- while it runs --------------------------------------------------------------------------

    def _wait(self) -> None:
        app, beaten = self._app, None
        drift = _drift(app.clock())
        while not app.stop.wait(0 if beaten is None else GLANCE):
            now = app.clock()
            if beaten is None or not (timedelta(0) <= now - beaten < BEAT_EVERY):
                self._beat(now)
                beaten = now
            if is_stepped(drift, _drift(now)):
                log.info("The clock jumped; looking at everything.", extra={"action": "stepped"})
                self._rouse()
            drift = _drift(now)

    def _rouse(self) -> None:
        if self._alarm:
            self._alarm.rouse()
        self._posted()

    def _beat(self, now: datetime) -> None:
        with suppress(StoreError):  # the next beat will do
            for role in self._roles:
                MarkStore(self._app.database).set(beat_name(role), now, pid=os.getpid())

    def _still(self) -> None:
        with suppress(StoreError):
            for role in self._roles:
                MarkStore(self._app.database).remove(beat_name(role))

    def _make_alarm(self) -> Alarm:
        app = self._app
        rounds = Rounds(app, fetched=self._fetched, posted=self._posted)
        tick = timedelta(minutes=app.settings.scheduler.tick_minutes)
        look_out = LookOut(app, since=app.clock())
        jobs = [
            Job("read", rounds.read, tick),
            Job("compose", rounds.compose, tick),
            Job("summarise", rounds.summarise, tick),
            Job("watch", look_out.look, LOOK_EVERY),
            Job("clean", rounds.clean, CLEAN_EVERY),
            Job("bounces", rounds.bounces, tick),
        ]
        return Alarm(jobs, clock=app.clock)

    def _fetched(self) -> None:
        if self._server:
            self._app.searcher.nudge()
        if self._alarm:
            self._alarm.rouse("compose")

    def _posted(self) -> None:
        for worker in self._workers:
            worker.poke()

    def _make_workers(self) -> list[Worker]:
        app = self._app
        works = (Work.errands(app), Work.digests(app))
        return [Worker(work, clock=app.clock, stop=app.stop) for work in works]

    def _show_metrics(self, host: str, port: int) -> None:
        """Another process of this machine may have the port: that is no reason not to work."""
        try:
            metrics.listen(host, port, self._app.database, self._app.clock)
        except OSError as error:
            told = {"action": "metrics.taken", "port": port}
            log.warning("No metrics on port %d: %s.", port, error.strerror, extra=told)


def beat_name(role: str) -> str:
    return f"{HEARTBEAT}{role}/{socket.gethostname()}"


def is_stepped(before: float, after: float) -> bool:
    """Whether the calendar's clock went otherwise than the steady one, which stands in sleep."""
    return abs(after - before) > STEPPED


def _drift(now: datetime) -> float:
    return now.timestamp() - monotonic()
