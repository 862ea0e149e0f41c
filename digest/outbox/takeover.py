"""Taking over what a dead, frozen or vanished worker had claimed.

    its journal here, worker dead     answered: settle; handed: in doubt; the rest: put back
    its journal here, worker frozen   fence it; answered: settle; handed: leave; the rest: put back
    its journal from before a reboot  answered: settle; everything else: in doubt
    no journal here                   after its lease: everything in doubt (its machine is lost)

"In doubt" is an UNCERTAIN outcome; the retry policy decides what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from digest.delivery.journal import SUFFIX, Reading, journals, reading
from digest.model import Delivery, DeliveryId, Outcome, Result, Settlement
from digest.outbox.queue import Queue

Settle = Callable[[Iterable[tuple[Delivery, Outcome]]], Sequence[Settlement]]

_CUT_OFF = "the worker stopped between end-of-data and the reply"
_VANISHED = "the worker vanished with its machine"


def take_over(store: Queue, spool: Path, settle: Settle, *, me: str) -> None:
    """Settle or put back what other workers left behind."""
    stalled = set(store.stalled()) - {me}
    known = {path.name.removesuffix(SUFFIX): path for path in journals(spool)}
    for worker, path in known.items():
        if worker == me:
            continue
        with reading(path, fence=worker in stalled) as found:
            if found is None:
                continue
            _bury(store, found, settle)
            if not found.is_alive:
                path.unlink(missing_ok=True)
    for worker in stalled - known.keys():
        _bury(store, Reading(worker, is_alive=False, same_boot=False, entries={}), settle)


def _bury(store: Queue, found: Reading, settle: Settle) -> None:
    told, untouched = sort_out(store.held_by(found.worker), found)
    settle(told)
    if untouched:
        store.release(found.worker, only=untouched)


def sort_out(
    held: Iterable[Delivery], found: Reading
) -> tuple[list[tuple[Delivery, Outcome]], list[DeliveryId]]:
    """What became of each delivery, and which never left; pure."""
    told, untouched = [], []
    for delivery in held:
        entry = found.entries.get((delivery.id, delivery.claim))
        if entry and entry.outcome:
            told.append((delivery, entry.outcome))
        elif entry and found.is_alive:
            continue  # it has the reply in its socket, or will learn that there is none
        elif entry or not found.same_boot:
            why = _CUT_OFF if entry else _VANISHED
            told.append((delivery, Outcome(delivery.id, Result.UNCERTAIN, reply=why)))
        else:
            untouched.append(delivery.id)
    return told, untouched
