"""What one worker handed over and what was answered, in a file that survives its kill.

Between the server's 250 and the commit in the database lies a batch; a kill in between must not
make that batch a second time. So each worker keeps one small file, mapped into memory, with a slot
for every message in that state:

    free -> handed (before the end-of-data leaves) -> answered (when the reply was read) -> free
                                                                     (when the store has committed)

A write to the map costs well under a microsecond and is the kernel's from then on: SIGKILL does not
lose it. After a kill `read` tells the messages apart: answered ones are settled as answered, handed
ones are in doubt (guarantee 2's one ambiguity, as wide as the wire), all others never left. After a
power cut the file may be older than the truth: `same_boot` is then false, and whoever reads it must
take everything the worker had claimed as in doubt.

A worker that sleeps past its lease is fenced: `fence` sets a byte that the worker looks at after
marking a message handed and before letting it out, so each message is either seen as handed by the
one who takes over, or not let out by the sleeper. On another machine there is no byte to see; there
the worker's own lease, counted by a clock that no one can set, stops it in time.

The folder must be on a local disk and outlive the process.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from digest.errors import ClaimLost, DeliveryFault
from digest.model import Delivery, DeliveryId, Outcome, Result

SUFFIX: Final = ".journal"
_MAGIC: Final = b"digest-journal-1"
_HEADER: Final = 128  #: magic 16, boot id 36, then the fence byte
_BOOT: Final = slice(16, 52)
_FENCE: Final = 64
_SLOT: Final = 128
_WHICH: Final = struct.Struct("<QI")  #: delivery, claim
_KIND: Final = 0  #: the first byte of a slot, written last
_ANSWER: Final = 1 + _WHICH.size  #: where in a slot it begins
_TEXT: Final = _SLOT - _ANSWER - struct.calcsize("<HdBB")
_SAID: Final = struct.Struct(f"<HdBB{_TEXT}s")  #: code, retry_after, flags, length of the text, it
_FREE, _HANDED = 0, 1
_RESULTS: Final = {
    2: Result.ACCEPTED,
    3: Result.DEFERRED,
    4: Result.REFUSED,
    5: Result.UNCERTAIN,
    6: Result.PARTLY,
}
_KINDS: Final = {result: kind for kind, result in _RESULTS.items()}
_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_SLOTS: Final = 8192  #: 1 MiB; more than a worker ever has between the wire and the store


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in a journal; `outcome` None: handed, and nothing was answered yet."""

    delivery: DeliveryId
    claim: int
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A journal as found. `is_alive`: its worker runs (or sleeps) and still holds the file."""

    worker: str
    is_alive: bool
    same_boot: bool
    entries: Mapping[tuple[DeliveryId, int], Entry]


class Journal:
    """This worker's own journal: a Witness. One thread."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.worker = worker
        self.folder = folder
        self.path = folder / f"{worker}{SUFFIX}"
        self._file, self._map = _create(self.path)
        self._claims: dict[DeliveryId, int] = {}
        self._slots: dict[DeliveryId, int] = {}
        self._free = list(range(_HEADER, _HEADER + _SLOTS * _SLOT, _SLOT))
        self._lease_ends = 0.0

    def admit(self, deliveries: Iterable[Delivery]) -> None:
        """Deliveries this worker has claimed and may hand over."""
        self._claims |= {delivery.id: delivery.claim for delivery in deliveries}

    def hold_until(self, instant: float) -> None:
        """Until when (`uptime`) the claims are surely this worker's."""
        self._lease_ends = instant

    def handing(self, delivery: DeliveryId) -> None:
        """Mark a message as leaving; raises ClaimLost if it must not leave any more."""
        place = self._slots.get(delivery)
        if place is None:
            place = self._slots[delivery] = self._free.pop()
        file = self._map
        _WHICH.pack_into(file, place + 1, delivery, self._claims[delivery])
        file[place] = _HANDED
        if file[_FENCE] or uptime() >= self._lease_ends:
            file[place] = _FREE
            self._free.append(self._slots.pop(delivery))
            raise ClaimLost(f"Worker {self.worker} slept past its lease.")

    def answered(self, outcome: Outcome) -> None:
        """Mark what was answered; a message never marked as leaving needs no mark."""
        place = self._slots.get(outcome.delivery_id)
        if place is None:
            return
        _id, result, code, reply, wait, is_theirs = outcome
        said, file = reply.encode("ascii", "replace")[:_TEXT], self._map
        _SAID.pack_into(file, place + _ANSWER, code or 0, wait or 0.0, is_theirs, len(said), said)
        file[place] = _KINDS[result]

    def settled(self, deliveries: Iterable[DeliveryId]) -> None:
        """The store has committed these: their slots are free again."""
        file, claims, slots, free = self._map, self._claims, self._slots, self._free
        for delivery in deliveries:
            claims.pop(delivery, None)
            place = slots.pop(delivery, None)
            if place is not None:
                file[place] = _FREE
                free.append(place)

    def close(self, *, keep: bool = False) -> None:
        """Remove the file, unless the store still knows something as this worker's.

        A file that stays tells the next worker at once that this one is gone, and with what.
        """
        if not (keep or self._claims):
            self.path.unlink(missing_ok=True)
        self._map.close()
        self._file.close()


@contextmanager
def reading(path: Path, *, fence: bool = False) -> Iterator[Reading | None]:
    """Another worker's journal; a dead worker's is ours alone while open.

    A living worker's is None, unless we fence it: from then on it lets nothing more out. None also
    where the file is gone: whoever had it is done.
    """
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield None
        return
    with file:
        is_alive = not _lock(file.fileno())
        if is_alive and fence:
            os.pwrite(file.fileno(), b"\1", _FENCE)
        if (is_alive and not fence) or not path.exists():
            yield None
            return
        yield _parse(path.name.removesuffix(SUFFIX), file.read(), is_alive)


def journals(folder: Path) -> list[Path]:
    """Every worker's journal in `folder`, but for those not yet locked, which have no name yet."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))


#: Seconds on a clock that no one can set and that counts while the machine sleeps.
uptime: Callable[[], float] = partial(time.clock_gettime, _CLOCK)


def boot_id() -> bytes:
    """What changes with every start of this machine; empty where nothing tells."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()[:36]
    return b""


def _create(path: Path) -> tuple[BinaryIO, mmap.mmap]:
    """A new journal, locked before it has the name under which others look for it."""
    draft = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = draft.open("x+b", buffering=0)
        _lock(file.fileno())
        # Written out, not sparse: a full disk is told here and not by a signal later.
        file.write((_MAGIC + boot_id()).ljust(_HEADER + _SLOTS * _SLOT, b"\0"))
        draft.rename(path)
    except OSError as error:
        raise DeliveryFault(
            f"The journal {path} cannot be made: {error.strerror}.",
            mend="Check that the spool folder is writable and its disk has space.",
        ) from error
    return file, mmap.mmap(file.fileno(), 0)


def _lock(handle: int) -> bool:
    """Take the file for us until it is closed; False where another process has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(worker: str, data: bytes, is_alive: bool) -> Reading:
    entries = {}
    for place in range(_HEADER, len(data) - _SLOT + 1, _SLOT):
        kind = data[place]
        if kind != _FREE:
            entry = _entry(data[place : place + _SLOT], kind)
            entries[entry.delivery, entry.claim] = entry
    whole = data.startswith(_MAGIC)
    same_boot = whole and data[_BOOT].rstrip(b"\0") == boot_id()
    return Reading(worker, is_alive, same_boot, entries if whole else {})


def _entry(slot: bytes, kind: int) -> Entry:
    number, claim = _WHICH.unpack_from(slot, 1)
    code, retry_after, blamed, length, text = _SAID.unpack_from(slot, _ANSWER)
    delivery = DeliveryId(number)
    result = _RESULTS.get(kind)
    if result is None:
        return Entry(delivery, claim, None)
    outcome = Outcome(
        delivery,
        result,
        code or None,
        text[:length].decode("ascii", "replace"),
        retry_after=retry_after or None,
        recipient_fault=bool(blamed),
    )
    return Entry(delivery, claim, outcome)
