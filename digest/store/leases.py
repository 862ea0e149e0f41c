"""Leases: who may do a thing of which there must be one, and until when.

A lease only decides who tries; `hold` inside each write transaction is what keeps a holder that
was frozen past its lease from committing: it locks the lease's row until that transaction ends, so
guarded transactions also commit one after the other.

Time is the database server's where there is a server, this machine's otherwise; never the story's
clock, which may stand still or jump (`digest run --now`). A lease whose end lies further away than
two terms was left by a clock that has since been set back, and counts as free. So does one of a
process on this machine that is no longer alive: a restart after a kill need not wait.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.clock import system_clock
from digest.errors import StoreBusy
from digest.store.database import Database, insert_into
from digest.store.tables import LeaseRow, table

_lease = table(LeaseRow)


class LeaseLost(StoreBusy):
    """Another process took the lease over; whatever was not committed is its work now."""


def new_holder() -> str:
    """A name for one holder: machine, process, and a part of its own."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's view of one lease; `term` is how long it lasts without being renewed."""

    database: Database
    name: str
    holder: str
    term: timedelta = timedelta(seconds=30)

    def acquire(self) -> bool:
        """Take the lease if it is free or ours already; True when it is ours."""
        with self.database.write() as connection:
            free = {"name": self.name, "holder": "", "expires_at": _now(connection)}
            connection.execute(
                insert_into(connection, _lease).values(free).on_conflict_do_nothing()
            )
            row = connection.execute(self._locked()).one()
            now = _now(connection)  # only now: waiting for the row took time
            if not self._is_free(row.holder, row.expires_at, now):
                return False
            self._extend(connection, now)
            return True

    def hold(self, connection: sa.Connection) -> None:
        """Lock and renew the lease for this transaction; raises LeaseLost if it is not ours."""
        row = connection.execute(self._locked()).one_or_none()
        if row is None or row.holder != self.holder:
            raise LeaseLost(
                f"The lease {self.name!r} was taken over by another process.",
                mend="Nothing was lost; that process goes on.",
            )
        self._extend(connection, _now(connection))

    def renew(self) -> None:
        with self.database.write() as connection:
            self.hold(connection)

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        with self.database.write() as connection:
            ours = _lease.c.name == self.name, _lease.c.holder == self.holder
            # The row stays, for others may be about to lock it.
            free = {"holder": "", "expires_at": _now(connection)}
            connection.execute(sa.update(_lease).where(*ours).values(free))

    def _locked(self) -> sa.Select[str, datetime]:
        columns = sa.select(_lease.c.holder, _lease.c.expires_at)
        return columns.where(_lease.c.name == self.name).with_for_update()

    def _is_free(self, holder: str, expires_at: datetime, now: datetime) -> bool:
        within_term = now < expires_at <= now + 2 * self.term
        return holder == self.holder or not within_term or _is_gone(holder)

    def _extend(self, connection: sa.Connection, now: datetime) -> None:
        connection.execute(
            sa.update(_lease)
            .where(_lease.c.name == self.name)
            .values(holder=self.holder, expires_at=now + self.term)
        )


def _now(connection: sa.Connection) -> datetime:
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return now
    return system_clock()


def _is_gone(holder: str) -> bool:
    """Whether `holder` was a process of this machine that has ended."""
    machine, _, rest = holder.partition("/")
    process, _, _ = rest.partition("/")
    if machine != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
