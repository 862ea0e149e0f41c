"""The one way to SQLite and PostgreSQL: short transactions that read or that write, never nested.

SQLite: stdlib driver with its own transaction handling off. Writers open with BEGIN IMMEDIATE, so
two read-then-write transactions can never both succeed on one old value; readers open a deferred
BEGIN on connections that refuse to write. WAL, and synchronous=FULL: what `write` has committed
survives a power cut (guarantee 1), not only a kill. Writers of one process queue for the file in
order, others look for it every millisecond, for `busy` seconds: SQLite's own looks are up to 100 ms
apart, and whoever writes one batch after another would let nobody else in.

PostgreSQL: READ COMMITTED for writers, one read-only snapshot (REPEATABLE READ) for readers. The
server ends transactions idle for a minute, so a frozen process cannot hold rows for ever.

No network, no rendering and no waiting inside a transaction. Drivers' errors leave here as
errors.StoreError and its kin.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import QueuePool, StaticPool

from digest.errors import StoreBusy, StoreError
from digest.store.documents import dump_json
from digest.store.faults import translate

_POSTGRES_NAMES: Final = ("postgres", "postgresql", "postgresql+psycopg")
#: Bytes of a page in a new file: three digests fit, where a page of SQLite's own 4 kB holds one.
_PAGE: Final = 8192
#: A batch of digests fits into the cache (kB) and into the log (bytes) until that is copied; with
#: SQLite's own small sizes hot pages are written again and again.
_ROOM: Final = ("cache_size = -16000",)
_LOG: Final = 16 << 20
#: For glances, one of which reads a hundred rows from all over the file: the inner pages of an
#: index of 100,000 rows stay at hand.
_AT_HAND: Final = "cache_size = -8000"
#: What is deleted is overwritten, whoever built SQLite: somebody may have asked to be forgotten.
_FORGET: Final = ("secure_delete = ON",)
_WRITE: Final = "BEGIN IMMEDIATE"
_LOOK: Final = 0.001  #: seconds between looks for a file that another process writes
_SPARES: Final = 8  #: connections kept for glances
_IDLE_LIMIT: Final = 60  #: seconds a PostgreSQL transaction may stand idle


@dataclass(frozen=True, slots=True)
class Glance:
    """A view that is asked statements of the driver's own."""

    dialect: sa.Dialect
    _connection: sqlite3.Connection

    def rows(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()


class Database:
    """One database, opened lazily; share it between threads, `dispose` of it at the end.

    `busy` is how long (seconds) a transaction waits for others before StoreBusy.
    """

    def __init__(self, url: str, *, busy: float = 10.0) -> None:
        parsed = parse_url(url)
        self.place = _place(parsed)
        self._busy = busy
        self._turn = threading.Lock()
        self._spares: list[sqlite3.Connection] = []
        self._mine = threading.local()
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._in_memory = self.is_sqlite and _is_memory(parsed)
        open_engines = _open_sqlite if self.is_sqlite else _open_postgres
        self.engine, self._reader = open_engines(parsed, busy, self._in_memory)

    def __repr__(self) -> str:
        return f"Database({self.place})"

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that may write: committed on leaving, rolled back on any exception."""
        with self._alone(), self._faults(), self._queue(self.is_sqlite), self.engine.begin() as it:
            yield it

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view; a statement that writes fails."""
        with (
            self._alone(),
            self._faults(),
            self._queue(self._in_memory),
            self._reader.begin() as it,
        ):
            yield it

    @contextmanager
    def glance(self) -> Iterator[sa.Connection | Glance]:
        """As `read`, for statements of `bulk` alone: on SQLite at a tenth of its cost.

        To begin and to end a transaction the usual way takes longer than a page's query.
        """
        if not self.is_sqlite or self._in_memory:
            with self.read() as connection:
                yield connection
            return
        with self._alone(), self._faults(), self._spare() as it:
            it.execute("BEGIN")
            try:
                yield Glance(self._reader.dialect, it)
            finally:
                if it.in_transaction:  # some faults have ended it
                    it.execute("ROLLBACK")

    @contextmanager
    def _spare(self) -> Iterator[sqlite3.Connection]:
        """A reading connection of the driver's, kept for the next if nothing went wrong."""
        try:
            it = self._spares.pop()
        except IndexError:
            it = _detached(self._reader)
        try:
            yield it
        except BaseException:
            it.close()
            raise
        if len(self._spares) < _SPARES:
            self._spares.append(it)
        else:
            it.close()

    def dispose(self) -> None:
        """Close every connection; the next transaction opens new ones."""
        self.engine.dispose()
        self._reader.dispose()
        while self._spares:
            self._spares.pop().close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if getattr(self._mine, "open", False):
            raise RuntimeError("transactions do not nest: pass the connection on instead")
        self._mine.open = True
        try:
            yield
        finally:
            self._mine.open = False

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            fault = translate(error, self.place)
            if fault is None:
                raise
            raise fault from error

    @contextmanager
    def _queue(self, needed: bool) -> Iterator[None]:
        if not needed:
            yield
            return
        if not self._turn.acquire(timeout=self._busy):
            raise StoreBusy(f"{self.place}: another thread is writing.", mend="Try again.")
        try:
            yield
        finally:
            self._turn.release()


def _detached(reader: sa.Engine) -> sqlite3.Connection:
    """A connection of the reader's that its pool knows nothing of."""
    pooled = reader.raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    pooled.detach()
    connection.execute(f"PRAGMA {_AT_HAND}")
    return connection


def insert_into(connection: sa.Connection, table: sa.Table) -> Any:
    """The engine's own INSERT, which knows on_conflict_do_nothing and on_conflict_do_update."""
    kind = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return kind(table)


def parse_url(url: str) -> sa.URL:
    """A database URL as SQLAlchemy knows it; raises StoreError without ever repeating the URL."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreError("database.url cannot be read.", mend=_URL_MEND) from None
    if parsed.drivername in _POSTGRES_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        return parsed
    raise StoreError(f"database.url: unknown kind {parsed.drivername!r}.", mend=_URL_MEND)


_URL_MEND: Final = "Use sqlite:///digest.db or postgresql://user:password@host/name."


def _place(url: sa.URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database or 'in memory'}"
    host = url.host or url.query.get("host") or "this machine"
    return f"The database {url.database or ''} on {host}"


def _is_memory(url: sa.URL) -> bool:
    return url.database in (None, "", ":memory:")


def _open_sqlite(url: sa.URL, busy: float, in_memory: bool) -> tuple[sa.Engine, sa.Engine]:
    writer = _sqlite_engine(url, in_memory)
    pragmas = ("synchronous = FULL", *_FORGET, *_ROOM)
    _prepare_sqlite(writer, busy, begin=_WRITE, pragmas=pragmas)
    if in_memory:  # one connection is the database; reads then queue with the writes
        return writer, writer
    reader = _sqlite_engine(url, in_memory)
    _prepare_sqlite(reader, busy, begin="BEGIN", pragmas=("query_only = ON",))
    return writer, reader


def _sqlite_engine(url: sa.URL, in_memory: bool) -> sa.Engine:
    return sa.create_engine(
        url,
        poolclass=StaticPool if in_memory else QueuePool,
        connect_args={"check_same_thread": False, "cached_statements": 256},
        json_serializer=dump_json,
        hide_parameters=True,
    )


def _prepare_sqlite(
    engine: sa.Engine, busy: float, *, begin: str, pragmas: tuple[str, ...]
) -> None:
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {int(busy * 1000)}")
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # without effect on a file with pages
        _use_wal(connection, monotonic() + busy)
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        for pragma in ("foreign_keys = ON", f"wal_autocheckpoint = {_LOG // page}", *pragmas):
            connection.execute(f"PRAGMA {pragma}")
        if begin == _WRITE:  # from now on it is `_await_turn` that waits
            connection.execute("PRAGMA busy_timeout = 0")

    def begun(connection: sa.Connection) -> None:
        if begin == _WRITE:
            _await_turn(connection, monotonic() + busy)
        else:
            connection.exec_driver_sql(begin)

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begun)


def _await_turn(connection: sa.Connection, end: float) -> None:
    """Begin, as soon as no other process writes; or fail as SQLite does once `end` is over."""
    file = connection.connection.driver_connection
    assert isinstance(file, sqlite3.Connection)
    while True:
        try:
            file.execute(_WRITE)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > end:
                break
        else:
            return
        sleep(_LOOK)
    connection.exec_driver_sql(_WRITE)  # fails in words that are translated


def _use_wal(connection: sqlite3.Connection, end: float) -> None:
    """Switch to WAL. Two who switch a new file at once are told "locked" without any waiting."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > end:
                raise
            sleep(0.01)
        else:
            return


def _open_postgres(url: sa.URL, busy: float, _in_memory: bool) -> tuple[sa.Engine, sa.Engine]:
    limits = {
        "lock_timeout": f"{int(busy * 1000)}",
        "idle_in_transaction_session_timeout": f"{_IDLE_LIMIT}s",
    }
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 10,
            "application_name": "paper-digest",
            "keepalives_idle": 30,
            "tcp_user_timeout": 30_000,
            "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        },
        json_serializer=dump_json,
        hide_parameters=True,
    )
    snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return engine, engine.execution_options(**snapshot)
