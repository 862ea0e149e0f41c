"""How often one may look: counted in this process's memory, because looking changes nothing stored.

A window of a minute for each token, and for each client without one. What changes something is
counted in the database (`digest.web.limiting`), so that it holds across processes; for looking it
is enough that every process defends itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

MINUTE: Final = timedelta(minutes=1)
_MOST: Final = 20_000  #: who is remembered; the longest unseen make room


class Pace:
    """Counts who looked how often within the minute. Thread-safe."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def wait(self, who: str, *, most: int, now: datetime) -> timedelta:
        """Count one more look; zero when it is among the `most`, else how long to wait."""
        with self._turn:
            since, count = self._seen.get(who, (now, 0))
            if not since <= now < since + MINUTE:
                since, count = now, 0
            self._seen[who] = since, count + 1
            self._seen.move_to_end(who)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
        return max(since + MINUTE - now, timedelta(seconds=1)) if count >= most else timedelta(0)
