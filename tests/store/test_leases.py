from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from digest.clock import system_clock
from digest.store.database import Database
from digest.store.leases import Lease, LeaseLost, new_holder
from digest.store.tables import LeaseRow, table

LEASE = table(LeaseRow)


def lease(database: Database, holder: str) -> Lease:
    return Lease(database, "ingest", holder)


def set_end(database: Database, seconds: float) -> None:
    with database.write() as connection:
        end = system_clock() + timedelta(seconds=seconds)
        connection.execute(sa.update(LEASE).values(expires_at=end))


def test_one_holds_it_until_it_is_released(database: Database) -> None:
    first, second = lease(database, "first"), lease(database, "second")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    second.release()
    assert not second.acquire()
    first.release()
    assert second.acquire()


def test_of_many_at_once_one_wins(database: Database) -> None:
    won: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: won.append(lease(database, f"{n}").acquire()))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won) == [False] * 5 + [True]


def test_a_frozen_holder_is_taken_over_and_can_write_no_more(database: Database) -> None:
    frozen, other = lease(database, "frozen"), lease(database, "other")
    assert frozen.acquire()
    set_end(database, -1)
    assert other.acquire()
    with pytest.raises(LeaseLost, match="taken over"), database.write() as connection:
        frozen.hold(connection)
    with pytest.raises(LeaseLost):
        frozen.renew()
    other.renew()


def test_a_late_holder_that_nobody_replaced_goes_on(database: Database) -> None:
    late = lease(database, "late")
    assert late.acquire()
    set_end(database, -100)
    late.renew()
    assert not lease(database, "other").acquire()


def test_an_end_beyond_two_terms_was_set_by_a_wrong_clock(database: Database) -> None:
    assert lease(database, "first").acquire()
    set_end(database, 3600)
    assert lease(database, "second").acquire()


def test_a_dead_process_of_this_machine_is_not_waited_for(database: Database) -> None:
    script = "from digest.store.leases import new_holder; print(new_holder())"
    dead = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert lease(database, dead.stdout.strip()).acquire()
    assert lease(database, new_holder()).acquire()
    assert not lease(database, new_holder()).acquire()
