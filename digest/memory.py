"""Memory that is not needed any more goes back to the machine.

Matching works with arrays of some megabytes. The C library gives such back at once, until it has
seen a few go: then it keeps them, and whatever is made next lies between them. Told that it is not
to learn, it goes on giving back. Elsewhere than with glibc nothing happens here.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

LARGE: Final = 1 << 20  #: bytes from which an array has pages of its own
AT_HAND: Final = 64 << 20  #: bytes that a process which answers keeps free for its next answer
_TRIM_THRESHOLD: Final = -1  #: of mallopt(3)
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8


def keep_large_apart() -> None:
    """Arrays from a megabyte on are given back as soon as they are let go."""
    if libc := _glibc():
        libc.mallopt(_MMAP_THRESHOLD, LARGE)


def keep_at_hand() -> None:
    """For a process that answers: what one answer needed is kept for the next.

    Giving pages back and getting them anew took a sixth of a search. Threads share their memory:
    each with its own would keep as much.
    """
    if libc := _glibc():
        libc.mallopt(_ARENA_MAX, 2)
        libc.mallopt(_MMAP_THRESHOLD, 8 * LARGE)
        libc.mallopt(_TRIM_THRESHOLD, AT_HAND)


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
