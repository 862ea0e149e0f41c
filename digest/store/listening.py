"""Hearing the bell of `digest.store.bell`, for a process that works on what other hosts queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import psycopg

from digest.store.bell import NAME
from digest.store.database import Database

_log = logging.getLogger(__name__)

_GLANCE: Final = 2.0  #: seconds between looks at the stop flag


class Listener(threading.Thread):
    """Calls `poke` whenever the bell rings, and once whenever it begins to listen (again)."""

    def __init__(
        self,
        database: Database,
        poke: Callable[[], None],
        *,
        stop: threading.Event,
        again: float = 15.0,
    ) -> None:
        """`again`: seconds until a lost connection is opened again."""
        super().__init__(daemon=True, name="bell")
        self._database = database
        self._poke = poke
        self._stop_asked = stop
        self._again = again

    def run(self) -> None:
        while not (self._database.is_sqlite or self._stop_asked.is_set()):
            try:
                self._listen()
            except psycopg.Error as error:
                told = {"action": "bell.lost"}
                _log.info("Not listening for new mail: %s", type(error).__name__, extra=told)
                self._stop_asked.wait(self._again)

    def _listen(self) -> None:
        url = self._database.engine.url.set(drivername="postgresql")
        place = url.render_as_string(hide_password=False)
        with psycopg.connect(place, autocommit=True, connect_timeout=10) as connection:
            connection.execute(f"LISTEN {NAME}".encode())
            self._poke()  # for what was queued while nobody listened
            while not self._stop_asked.is_set():
                for _ in connection.notifies(timeout=_GLANCE, stop_after=1):
                    self._poke()
