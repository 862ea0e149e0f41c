"""What a thread does with the time in which it would only wait: some of a longer work, bit by bit.

Everything stays in one thread. Who waits for replies (the smtp pool) polls between two bits, so
that nothing of its own waits longer than one of them; whose work it is gives control back often,
and has no transaction open when it does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Bit = Callable[[], bool]  #: does a bit of work; False: there is none now. It must not raise.


def _nothing() -> bool:
    return False


class Lull(threading.local):
    """A thread's own waiting time. Called, it does one bit of the work that was put into it."""

    def __init__(self) -> None:
        self._bit: Bit = _nothing

    def __call__(self) -> bool:
        return self._bit()

    @contextmanager
    def filled_by(self, bit: Bit) -> Iterator[None]:
        """Within the block, this thread does `bit` instead of waiting."""
        self._bit = bit
        try:
            yield
        finally:
            self._bit = _nothing
