"""A whole copy of the database in one file, taken while everything runs, and put back.

SQLite: the engine's own online backup, page by page, checked, and only then given its name.
PostgreSQL: pg_dump and pg_restore, which must be installed. What is put back is marked first, so
that a copy never sends again what was sent since it was taken (see `waterline`): the mark goes in
before the copy becomes the database, and stays until the operator has said what is to become of it.
So does the word of those who left since (see `leavers`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from digest.errors import StoreError, UsageError
from digest.store.database import Database
from digest.store.leavers import Leavers, leavers, let_go
from digest.store.marks import MarkStore
from digest.store.revisions import schema_state
from digest.store.schema import migrate
from digest.store.waterline import HALTED

_PAGES: Final = 4096  #: copied at a time; writers may go in between
_SQLITE: Final = b"SQLite format 3\0"
_PGDUMP: Final = b"PGDMP"
_HOW: Final = ("--no-owner", "--no-privileges")


def backup(database: Database, file: Path) -> int:
    """Write a copy to `file`, whole or not at all, readable by us alone; returns its size."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    file.parent.mkdir(parents=True, exist_ok=True)
    draft.touch(mode=0o600)
    try:
        if database.is_sqlite:
            _copy_sqlite(_file(database), draft)
        else:
            _run("pg_dump", "--format=custom", f"--file={draft}", *_HOW, database=database)
        _sync(draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept`: where the database before went, if it is a file. `left`: how many unsubscribed since
    the copy and still are; None where that could not be known."""

    kept: Path | None
    left: int | None


def restore(database: Database, file: Path, now: datetime) -> Restored:
    """Make the copy in `file` the database.

    Raises UsageError for what is no copy of ours, SchemaError for one of a newer program; the
    present database is untouched then.
    """
    if database.is_sqlite:
        return _restore_sqlite(database, file, now)
    return _restore_postgres(database, file, now)


# --- SQLite ---------------------------------------------------------------------------------------


def _restore_sqlite(database: Database, file: Path, now: datetime) -> Restored:
    _require_head(file, _SQLITE, "a copy made by `digest backup` from an SQLite database")
    place = _file(database)
    place.parent.mkdir(parents=True, exist_ok=True)
    gone = leavers(database) if place.exists() else None
    database.dispose()
    with _draft_beside(place) as draft:
        _copy_sqlite(file, draft)
        left = _make_ready(Database(f"sqlite:///{draft}"), now, file, gone)
        _fit_pages(draft, place)
        before = _set_aside(place, now)
        _copy_sqlite(draft, place, check=False)
    return Restored(before, left)


@contextmanager
def _draft_beside(place: Path) -> Iterator[Path]:
    draft = place.with_name(f".{place.name}.restoring.{os.getpid()}")
    try:
        yield draft
    finally:
        for ending in ("", "-wal", "-shm"):
            draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _fit_pages(draft: Path, place: Path) -> None:
    """Make the draft's pages as large as those it will replace: SQLite copies onto no others."""
    if not place.exists() or not place.stat().st_size:
        return
    try:
        with (
            closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)) as present,
            closing(sqlite3.connect(draft, isolation_level=None)) as new,
        ):
            (wanted,) = present.execute("PRAGMA page_size").fetchone()
            if new.execute("PRAGMA page_size").fetchone() != (wanted,):
                new.execute("PRAGMA journal_mode = DELETE")
                new.execute(f"PRAGMA page_size = {wanted}")
                new.execute("VACUUM")
    except sqlite3.Error as error:
        raise StoreError(
            f"{draft} cannot be made ready: {error}.", mend="Look at the disk and its space."
        ) from error


def _set_aside(place: Path, now: datetime) -> Path | None:
    """A copy of the present database, under another name."""
    if not place.exists() or not place.stat().st_size:
        return None
    aside = place.with_name(f"{place.name}.before-restore-{now:%Y%m%d-%H%M%S}")
    _copy_sqlite(place, aside, check=False)
    return aside


def _copy_sqlite(source: Path, to: Path, *, check: bool = True) -> None:
    """Copy a live database into `to` as one transaction of it; raises StoreError."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as here,
            closing(sqlite3.connect(to, timeout=30)) as there,
        ):
            here.backup(there, pages=_PAGES, sleep=0.05)
            if check and (found := there.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
                raise StoreError(f"The copy of {source} is damaged: {found}.")
    except sqlite3.Error as error:
        raise StoreError(
            f"{source} cannot be copied to {to}: {error}.",
            mend="Stop `digest serve` and its like, and look at the disk.",
        ) from error
    to.chmod(0o600)


def _file(database: Database) -> Path:
    name = database.engine.url.database
    if not name or name == ":memory:":
        raise UsageError("A database in memory cannot be copied.")
    return Path(name)


# --- PostgreSQL -----------------------------------------------------------------------------------


def _restore_postgres(database: Database, file: Path, now: datetime) -> Restored:
    _require_head(file, _PGDUMP, "a copy made by `digest backup` (pg_dump, format custom)")
    gone = leavers(database)
    clean = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error")
    database.dispose()
    _run("pg_restore", *clean, *_HOW, "--dbname", _name(database), str(file), database=database)
    return Restored(None, _make_ready(database, now, file, gone))


def _run(program: str, *arguments: str, database: Database) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, never by the list of
    arguments that everybody on the machine can read."""
    path = shutil.which(program)
    if path is None:
        raise StoreError(
            f"{program} is not installed.", mend="Install PostgreSQL's client programs."
        )
    done = subprocess.run(
        [path, *arguments], env=os.environ | _environment(database), capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise StoreError(f"{program} failed: {said[-1]}", mend="Nothing was changed.")


def _environment(database: Database) -> dict[str, str]:
    url = database.engine.url
    told = {
        "PGHOST": url.host or str(url.query.get("host", "")),
        "PGPORT": str(url.port or url.query.get("port", "")),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": _name(database),
        "PGSSLMODE": str(url.query.get("sslmode", "")),
        "PGSSLROOTCERT": str(url.query.get("sslrootcert", "")),
    }
    return {name: value for name, value in told.items() if value}


def _name(database: Database) -> str:
    return database.engine.url.database or ""


# --- both -----------------------------------------------------------------------------------------


def _make_ready(copy: Database, now: datetime, file: Path, gone: Leavers | None) -> int | None:
    """Bring the copy up to this program's schema, halt it, and let go who left since."""
    try:
        if schema_state(copy).current is None:
            raise UsageError(f"{file} is no database of this program.")
        migrate(copy)
        MarkStore(copy).set(HALTED, now, why=f"was put back from {file.name}")
        left = let_go(copy, gone, now) if gone else None
        if copy.is_sqlite:  # everything into the one file that is copied next
            with closing(copy.engine.raw_connection()) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return left
    finally:
        copy.dispose()


def _require_head(file: Path, head: bytes, what: str) -> None:
    try:
        with file.open("rb") as stream:
            found = stream.read(len(head))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    if found != head:
        raise UsageError(f"{file} is not {what}.")


def _sync(file: Path) -> None:
    for place in (file, file.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_halted(database: Database) -> bool:
    """Whether this database waits for the operator's word."""
    with database.read() as connection:
        there = sa.inspect(connection).has_table("mark")
    return there and MarkStore(database).get(HALTED) is not None
