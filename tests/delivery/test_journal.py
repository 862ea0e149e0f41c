"""The journal: what survives a kill, and who may read it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digest.delivery.journal import SUFFIX, Journal, Reading, boot_id, journals, reading, uptime
from digest.errors import ClaimLost, DeliveryFault
from digest.model import Channel, Delivery, DeliveryId, DigestId, Outcome, Result, SubscriberId
from tests.fakes import START


def delivery(number: int, claim: int = 1) -> Delivery:
    return Delivery(
        id=DeliveryId(number),
        digest_id=DigestId(number),
        subscriber_id=SubscriberId(number),
        channel=Channel.SMTP,
        address="ada@example.org",
        claim=claim,
        created_at=START,
    )


def opened(folder: Path, worker: str, *numbers: int) -> Journal:
    journal = Journal(folder, worker)
    journal.admit(delivery(number) for number in numbers)
    journal.hold_until(uptime() + 60)
    return journal


def read(path: Path, *, fence: bool = False) -> Reading | None:
    with reading(path, fence=fence) as found:
        return found


WORKER = """
import os, signal, sys
from pathlib import Path
from digest.model import *
from digest.delivery.journal import Journal, uptime
from tests.delivery.test_journal import opened
journal = opened(Path(sys.argv[1]), "dead", 1, 2, 3, 4)
for number in (1, 2, 3):
    journal.handing(DeliveryId(number))
journal.answered(Outcome(DeliveryId(1), Result.ACCEPTED, 250, "2.0.0 queued as 4X\\u00e9"))
journal.answered(Outcome(DeliveryId(2), Result.REFUSED, 550, "no " * 90, recipient_fault=True))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_worker_leaves(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WORKER, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (path,) = journals(tmp_path)
    found = read(path)
    assert found is not None
    assert (found.worker, found.is_alive, found.same_boot) == ("dead", False, True)
    assert set(found.entries) == {(1, 1), (2, 1), (3, 1)}
    accepted, refused, handed = (
        found.entries[DeliveryId(number), 1].outcome for number in (1, 2, 3)
    )
    assert accepted == Outcome(DeliveryId(1), Result.ACCEPTED, 250, "2.0.0 queued as 4X?")
    assert refused is not None
    assert (refused.code, refused.recipient_fault) == (550, True)
    assert refused.reply.startswith("no no no")
    assert handed is None


def test_a_living_worker_is_left_alone_unless_fenced(tmp_path: Path) -> None:
    journal = opened(tmp_path, "alive", 1, 2)
    journal.handing(DeliveryId(1))
    assert read(journal.path) is None
    found = read(journal.path, fence=True)
    assert found is not None
    assert found.is_alive
    assert list(found.entries) == [(1, 1)]
    with pytest.raises(ClaimLost):
        journal.handing(DeliveryId(2))
    journal.answered(Outcome(DeliveryId(1), Result.ACCEPTED, 250, "ok"))
    again = read(journal.path, fence=True)
    assert again is not None
    assert [entry.outcome is not None for entry in again.entries.values()] == [True]
    journal.close()


def test_a_worker_past_its_lease_stops_itself(tmp_path: Path) -> None:
    journal = opened(tmp_path, "late", 1)
    journal.hold_until(uptime() - 0.001)
    with pytest.raises(ClaimLost):
        journal.handing(DeliveryId(1))
    journal.settled([DeliveryId(1)])
    journal.close()
    assert journals(tmp_path) == []


def test_settled_slots_are_used_again_and_an_empty_file_goes(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "busy")
    journal.hold_until(uptime() + 60)
    for number in range(20_000):
        journal.admit([delivery(number)])
        journal.handing(DeliveryId(number))
        journal.answered(Outcome(DeliveryId(number), Result.ACCEPTED))
        if number % 500 == 499:
            journal.settled(DeliveryId(one) for one in range(number - 499, number + 1))
    journal.close()
    assert journals(tmp_path) == []


def test_what_is_not_settled_keeps_the_file(tmp_path: Path) -> None:
    journal = opened(tmp_path, "hasty", 1)
    journal.handing(DeliveryId(1))
    journal.close()
    found = read(journal.path)
    assert found is not None
    assert not found.is_alive
    assert list(found.entries) == [(1, 1)]


def test_only_one_reads_a_dead_workers_journal(tmp_path: Path) -> None:
    journal = opened(tmp_path, "dead", 1)
    journal.handing(DeliveryId(1))
    journal.close()
    with reading(journal.path) as first, reading(journal.path) as second:
        assert first is not None
        assert second is None
        journal.path.unlink()
    assert read(journal.path) is None


@pytest.mark.parametrize(
    ("start", "same_boot", "entries"),
    [(16, False, 1), (0, False, 0)],
    ids=["another boot", "not a journal"],
)
def test_a_journal_that_cannot_be_trusted(
    tmp_path: Path, start: int, same_boot: bool, entries: int
) -> None:
    journal = opened(tmp_path, "old", 1)
    journal.handing(DeliveryId(1))
    journal.close()
    with journal.path.open("r+b") as file:
        file.seek(start)
        file.write(b"x" * 8)
    found = read(journal.path)
    assert found is not None
    assert (found.same_boot, len(found.entries)) == (same_boot, entries)


def test_this_machine_knows_its_boot() -> None:
    assert boot_id() == boot_id()
    assert os.name != "posix" or not Path("/proc/sys/kernel").exists() or boot_id()


def test_a_spool_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(DeliveryFault, match="spool folder"):
        Journal(tmp_path / "spool", "any")


def test_a_journal_that_is_not_locked_yet_is_nobodys_to_find(tmp_path: Path) -> None:
    """Its worker is about to lock it, and must not find it locked or gone."""
    (tmp_path / f".new{SUFFIX}").touch()
    assert journals(tmp_path) == []
