"""Manners towards one host: how many requests at once, and how long between two.

arXiv asks for one request in three seconds over a single connection, whatever the number of its
machines or our threads (https://info.arxiv.org/help/api/tou.html). Waits its turn; decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

#: Seconds between the starts of two requests, by domain; the domain's hosts share one turn.
INTERVALS: Mapping[str, float] = {"arxiv.org": 3.0, "biorxiv.org": 0.5, "medrxiv.org": 0.5}


@dataclass
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: float | None = None


class Pacer:
    """Turns by domain, shared by all threads. Other hosts are not held back."""

    def __init__(
        self,
        intervals: Mapping[str, float] = INTERVALS,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._intervals = dict(intervals)
        self._turns = {domain: _Turn() for domain in intervals}
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def turn(self, host: str) -> Iterator[float]:
        """Hold the host's turn; yields the seconds that were waited for it."""
        domain = self._domain(host)
        if domain is None:
            yield 0.0
            return
        asked = self._clock()
        turn = self._turns[domain]
        with turn.lock:
            if turn.started is not None:
                pause = turn.started + self._intervals[domain] - self._clock()
                if pause > 0:
                    self._sleep(pause)
            turn.started = self._clock()
            yield turn.started - asked

    def _domain(self, host: str) -> str | None:
        host = host.lower().rstrip(".")
        return next((d for d in self._intervals if host == d or host.endswith("." + d)), None)
