"""How a process is asked to end: the first signal asks, the second ends it, and so does the time.

Whoever is asked finishes the message in hand and leaves the rest queued. Ended at once, at any
instant, nothing is lost either (guarantee 2); only a message may then be in doubt.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

PATIENCE: Final = 28.0  #: seconds from the signal to the end; service managers kill after 30
_WANTED: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def asked_to_end(
    stop: threading.Event, *, patience: float | None = None, told: str = ""
) -> Iterator[None]:
    """Inside, the first SIGTERM or SIGINT sets `stop` and writes `told` to standard error.

    The second ends the process as it always does, and so do `patience` seconds after the first.
    In a thread that is not the main one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ends: list[threading.Timer] = []

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        for one in _WANTED:
            signal.signal(one, signal.SIG_DFL)
        if told:
            os.write(2, f"{told}\n".encode())  # not through a stream that may be in use
        if patience is not None:
            ends.append(threading.Timer(patience, os.kill, (os.getpid(), number)))
            ends[-1].daemon = True
            ends[-1].start()

    before = {one: signal.signal(one, ask) for one in _WANTED}
    try:
        yield
    finally:
        for timer in ends:
            timer.cancel()
        for one, handler in before.items():
            signal.signal(one, handler)
