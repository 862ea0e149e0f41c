"""What the database drivers' errors mean for an operator: one table, used at one boundary.

Guarantee: no SQL, no parameter and no password reaches a message; the place and the mend do. Faults
of our own making (a naive datetime, a misspelt column in Python) are not translated: they are bugs.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol, runtime_checkable

import sqlalchemy as sa

from digest.errors import SchemaError, StoreBusy, StoreError

_Fault = tuple[type[StoreError], str, str]

_AGAIN = "Nothing was lost; try again."
_SPACE = "Free some space; nothing was lost."
_SCHEMA: _Fault = (SchemaError, "its tables do not fit this program.", "Run `digest migrate`.")

# By prefix of sqlite3's error name (https://www.sqlite.org/rescode.html); the first that fits.
_SQLITE: tuple[tuple[str, _Fault], ...] = (
    ("SQLITE_BUSY", (StoreBusy, "it is locked by another process.", _AGAIN)),
    ("SQLITE_LOCKED", (StoreBusy, "it is locked by another process.", _AGAIN)),
    ("SQLITE_FULL", (StoreBusy, "the disk is full.", _SPACE)),
    (
        "SQLITE_READONLY",
        (StoreError, "it is read-only.", "Let this user write to the file and its directory."),
    ),
    (
        "SQLITE_CANTOPEN",
        (StoreError, "it cannot be opened.", "Check that its directory exists and is writable."),
    ),
    (
        "SQLITE_NOTADB",
        (StoreError, "the file is not an SQLite database.", "Point database.url elsewhere."),
    ),
    ("SQLITE_CORRUPT", (StoreError, "the file is damaged.", "Restore a backup.")),
    ("SQLITE_IOERR", (StoreError, "the disk reports an error.", "Check the disk and its space.")),
    ("SQLITE_CONSTRAINT", (StoreError, "it refused a change that breaks a rule of its own.", "")),
)

# By prefix of SQLSTATE (PostgreSQL manual, appendix A); the first that fits.
_POSTGRES: tuple[tuple[str, _Fault], ...] = (
    ("08", (StoreBusy, "the connection was lost.", _AGAIN)),
    ("57", (StoreBusy, "the server is stopping or starting.", _AGAIN)),
    ("25P0", (StoreBusy, "the server ended a transaction that took too long.", _AGAIN)),
    ("53100", (StoreBusy, "the server's disk is full.", _SPACE)),
    ("53300", (StoreBusy, "the server has no connection left.", "Raise max_connections.")),
    ("53", (StoreBusy, "the server is short of resources.", _AGAIN)),
    ("40", (StoreBusy, "another transaction was in the way.", _AGAIN)),
    ("55P03", (StoreBusy, "another process held the rows too long.", _AGAIN)),
    ("25006", (StoreError, "it is read-only.", "Point database.url at the primary server.")),
    ("28", (StoreError, "the server refused the login.", "Check user and password.")),
    ("3D", (StoreError, "the server has no such database.", "Create it with createdb.")),
    ("42501", (StoreError, "this user lacks a right.", "Grant it the schema and its tables.")),
    ("42P01", _SCHEMA),
    ("42703", _SCHEMA),
    ("23", (StoreError, "it refused a change that breaks a rule of its own.", "")),
)


def translate(error: sa.exc.SQLAlchemyError | sqlite3.Error, place: str) -> StoreError | None:
    """The error to raise instead of `error`, or None where `error` is a bug to be seen as it is."""
    if isinstance(error, sqlite3.Error):
        kind, what, mend = _sqlite(error)
        return kind(f"{place}: {what}", mend=mend)
    if isinstance(error, sa.exc.TimeoutError):
        return StoreBusy(f"{place}: every connection is in use.", mend=_AGAIN)
    if not isinstance(error, sa.exc.DBAPIError):
        return None
    kind, what, mend = _fault(error)
    return kind(f"{place}: {what}", mend=mend)


@runtime_checkable
class _Stated(Protocol):
    """An error of psycopg, which who has an SQLite file need not load."""

    sqlstate: str | None
    diag: Any


def _fault(error: sa.exc.DBAPIError) -> _Fault:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause)
    if isinstance(cause, _Stated):
        is_lost = isinstance(error, sa.exc.OperationalError)
        return _postgres(cause) or _without_state(cause, is_lost=is_lost)
    return StoreError, "it failed.", ""


def _sqlite(cause: sqlite3.Error) -> _Fault:
    if str(cause).startswith(("no such table", "no such column")):
        return _SCHEMA
    return _first(getattr(cause, "sqlite_errorname", ""), _SQLITE) or (StoreError, f"{cause}.", "")


def _postgres(cause: _Stated) -> _Fault | None:
    state = cause.sqlstate
    if state is None:
        return None
    told = cause.diag.message_primary or type(cause).__name__
    return _first(state, _POSTGRES) or (StoreError, f"{told}.", "")


def _without_state(cause: _Stated, *, is_lost: bool) -> _Fault:
    """libpq gives no SQLSTATE for a failed connection; only its words tell a refused login."""
    words = str(cause)
    for sign, state in (("authentication failed", "28"), ("does not exist", "3D")):
        if sign in words:
            return _first(state, _POSTGRES) or _first("28", _POSTGRES) or _SCHEMA
    if is_lost:
        return StoreBusy, "the server does not answer.", "Check that it runs; nothing was lost."
    return StoreError, f"{type(cause).__name__}.", ""


def _first(code: str, table: tuple[tuple[str, _Fault], ...]) -> _Fault | None:
    return next((fault for prefix, fault in table if code.startswith(prefix)), None)
