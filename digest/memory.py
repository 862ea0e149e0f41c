"""Memory that is not needed any more goes back to the machine.

Matching works with arrays of some megabytes. The C library gives such back at once, until it has
seen a few go: then it keeps them, and whatever is made next lies between them. Told that it is not
to learn, it goes on giving back. Elsewhere than with glibc nothing happens here.

Python looks for cycles of garbage whenever some thousand values more were made, among all that was
made since, and now and then among everything. We make millions of values without a cycle.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

LARGE: Final = 1 << 20  #: bytes from which an array has pages of its own
AT_HAND: Final = 64 << 20  #: bytes that a process which answers keeps free for its next answer
AHEAD: Final = 4 << 20  #: bytes taken at once for what is small, and kept when it goes
_TRIM_THRESHOLD: Final = -1  #: of mallopt(3)
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

_SELDOM: Final = (20_000, 50, 100)  #: what `gc.set_threshold` takes
_HARDLY: Final = (500_000, 50, 100)  #: at most some tens of megabytes lie about
_working = 0  #: how many works are going on that make much
_counting = Lock()


def keep_large_apart() -> None:
    """Arrays from a megabyte on are given back as soon as they are let go.

    Smaller ones come and go within a few megabytes that stay: each page taken anew costs 2 µs.
    """
    if libc := _glibc():
        libc.mallopt(_MMAP_THRESHOLD, LARGE)
        libc.mallopt(_TOP_PAD, AHEAD)


def keep_at_hand() -> None:
    """For a process that answers: what one answer needed is kept for the next.

    Giving pages back and getting them anew took a sixth of a search. Threads share their memory:
    each with its own would keep as much.
    """
    if libc := _glibc():
        libc.mallopt(_ARENA_MAX, 2)
        libc.mallopt(_MMAP_THRESHOLD, 8 * LARGE)
        libc.mallopt(_TRIM_THRESHOLD, AT_HAND)


def look_seldom() -> None:
    """Look for cycles less often than Python would: saves a fifth where much is made."""
    gc.set_threshold(*(_HARDLY if _working else _SELDOM))


@contextmanager
def making_much() -> Iterator[None]:
    """Hardly look for cycles meanwhile: another tenth of composing and of joining mails."""
    _work(1)
    try:
        yield
    finally:
        _take_for_old()
        _work(-1)


def _take_for_old() -> None:
    """After a work that left much, have that looked through with all that is old.

    Else the next value made would have it looked through at once: a fortieth of a large run.
    """
    if gc.get_count()[0] > _SELDOM[0]:
        gc.freeze()
        gc.unfreeze()


def _work(more: int) -> None:
    """One work more or less in this process, which has one threshold for all its threads."""
    global _working
    with _counting:
        _working += more
        look_seldom()


def give_back() -> None:
    """Return what has become free, after a work that took much: some hundredths of a second."""
    gc.collect()
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
