"""Transactions, and what becomes of them when the world misbehaves."""

from __future__ import annotations

import sqlite3
import threading
import traceback
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.errors import SchemaError, StoreBusy, StoreError
from digest.store import bulk
from digest.store.database import Database
from digest.store.tables import RunRow, SuppressionRow, table
from tests.postgres import Postgres

RUN = table(RunRow)
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


@pytest.fixture
def counter(database: Database) -> Database:
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(sa.text("INSERT INTO counter VALUES (0)"))
    return database


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.text("SELECT n FROM counter")).scalar_one())


def add_one(database: Database) -> None:
    """Read, think, write: the pattern that loses updates without a lock."""
    lock = "" if database.is_sqlite else " FOR UPDATE"
    with database.write() as connection:
        n = connection.execute(sa.text(f"SELECT n FROM counter{lock}")).scalar_one()
        connection.execute(sa.text("UPDATE counter SET n = :n"), {"n": n + 1})


def add(database: Database, times: int) -> None:
    for _ in range(times):
        add_one(database)


def in_threads(number: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_what_is_written_is_read(counter: Database) -> None:
    add_one(counter)
    assert count(counter) == 1


def test_a_failed_block_leaves_nothing(counter: Database) -> None:
    def fail() -> None:
        with counter.write() as connection:
            connection.execute(sa.text("UPDATE counter SET n = 7"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert count(counter) == 0


def test_no_update_is_lost_between_threads(counter: Database) -> None:
    in_threads(4, lambda: add(counter, 25))
    assert count(counter) == 100


def test_no_update_is_lost_between_two_openings_of_a_file(
    counter: Database, database_url: str
) -> None:
    other = Database(database_url)
    threads = [threading.Thread(target=add, args=(one, 25)) for one in (counter, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    other.dispose()
    assert count(counter) == 50


def test_a_reader_sees_one_moment_and_no_half_written_one(counter: Database) -> None:
    select = sa.text("SELECT n FROM counter")
    with counter.read() as connection:
        before = connection.execute(select).scalar_one()
        in_threads(1, lambda: add_one(counter))
        assert connection.execute(select).scalar_one() == before
    assert count(counter) == 1


def test_a_reader_cannot_write(counter: Database) -> None:
    with pytest.raises(StoreError, match="read-only"), counter.read() as connection:
        connection.execute(sa.text("UPDATE counter SET n = 7"))
    assert count(counter) == 0


@pytest.mark.parametrize("outer", ["read", "write"])
@pytest.mark.parametrize("inner", ["read", "write"])
def test_transactions_do_not_nest(counter: Database, outer: str, inner: str) -> None:
    with (
        getattr(counter, outer)(),
        pytest.raises(RuntimeError, match="do not nest"),
        getattr(counter, inner)(),
    ):
        pass
    add_one(counter)
    assert count(counter) == 1


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(StoreError, match="breaks a rule"), database.write() as connection:
        connection.execute(sa.text("INSERT INTO paper_alias VALUES ('arxiv:1', 99)"))


def test_what_is_deleted_is_not_in_the_file(sqlite_url: str) -> None:
    """Or an address could be read out of the free pages of who asked to be forgotten."""
    database, mark = Database(sqlite_url), b"somebody-to-forget"
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE note (text TEXT)"))
        for n in range(200):
            text = f"{n} {mark.decode()} {'x' * 900}"
            connection.execute(sa.text("INSERT INTO note VALUES (:text)"), {"text": text})
    with database.write() as connection:
        assert connection.execute(sa.text("PRAGMA secure_delete")).scalar_one() == 1
        connection.execute(sa.text("DELETE FROM note"))
    database.dispose()  # the last to leave copies the log into the file
    path = Path(str(sa.make_url(sqlite_url).database))
    assert mark not in b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


def test_a_glance_sees_what_is_there_and_changes_nothing(counter: Database) -> None:
    add_one(counter)
    for _ in range(2):  # the second has the first one's connection
        with counter.glance() as view:
            assert [tuple(row) for row in bulk.query(view, "SELECT n FROM counter")] == [(1,)]
    with pytest.raises(StoreError), counter.glance() as view:
        bulk.query(view, "UPDATE counter SET n = 7 RETURNING n")
    with pytest.raises(SchemaError), counter.glance() as view:
        bulk.query(view, "SELECT n FROM nowhere")
    assert count(counter) == 1
    with counter.glance(), pytest.raises(RuntimeError, match="do not nest"):
        count(counter)


def test_a_glance_is_one_view(counter: Database) -> None:
    with counter.glance() as view:
        before = [tuple(row) for row in bulk.query(view, "SELECT n FROM counter")]
        in_threads(1, lambda: add_one(counter))
        assert [tuple(row) for row in bulk.query(view, "SELECT n FROM counter")] == before
    assert count(counter) == 1


def test_glances_of_many_threads_are_apart(counter: Database) -> None:
    def look() -> None:
        for _ in range(200):
            with counter.glance() as view:
                assert [tuple(row) for row in bulk.query(view, "SELECT n FROM counter")] == [(0,)]

    failed: list[threading.ExceptHookArgs] = []
    usual, threading.excepthook = threading.excepthook, failed.append
    try:
        in_threads(6, look)
    finally:
        threading.excepthook = usual
    assert not failed


def test_memory_serves_one_process() -> None:
    database = Database("sqlite://")
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(sa.text("INSERT INTO counter VALUES (0)"))
    in_threads(4, lambda: add(database, 25))
    assert count(database) == 100
    database.dispose()


def test_committed_work_survives_a_power_cut(sqlite_database: Database) -> None:
    with sqlite_database.write() as connection:
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar_one() == "wal"


@pytest.mark.parametrize("size", [4096, 8192])
def test_the_log_holds_as_many_bytes_whatever_the_pages(tmp_path: Path, size: int) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as made:
        made.execute(f"PRAGMA page_size = {size}")
        made.execute("CREATE TABLE counter (n INTEGER)")
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with database.write() as connection:
        pages = connection.scalar(sa.text("PRAGMA wal_autocheckpoint"))
        assert connection.scalar(sa.text("PRAGMA page_size")) == size
    assert pages * size == 16 << 20
    database.dispose()


def test_the_pages_of_a_new_file_hold_several_digests(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with database.read() as connection:
        assert connection.scalar(sa.text("PRAGMA page_size")) == 8192
    database.dispose()


@pytest.mark.parametrize(
    "given",
    [START, START.astimezone(timezone(timedelta(hours=5))), START.replace(microsecond=123456)],
    ids=["utc", "another zone", "microseconds"],
)
def test_instants_come_back_in_utc(database: Database, given: datetime) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(RUN).values(started_at=given, report={}))
    with database.read() as connection:
        found = connection.execute(sa.select(RUN.c.started_at)).scalar_one()
    assert found == given
    assert found.tzinfo is UTC


def test_naive_instants_are_refused(database: Database) -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(sa.exc.StatementError, match="naive"), database.write() as connection:
        connection.execute(sa.insert(RUN).values(started_at=naive, report={}))


# --- faults: the message names the place and the mend ------------------------------------------

BAD_URLS = [
    pytest.param("mysql://root:secret@db/x", "unknown kind 'mysql'", id="another kind"),
    pytest.param("secret:secret@", "cannot be read", id="no URL"),
    pytest.param("postgresql://u:secret@host:port/x", "cannot be read", id="a port of letters"),
    pytest.param("", "cannot be read", id="nothing"),
]


@pytest.mark.parametrize(("url", "words"), BAD_URLS)
def test_a_bad_url_is_explained_and_never_repeated(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        Database(url)
    assert "sqlite:///" in caught.value.mend
    assert "secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgres_is_taken(postgres_url: str, scheme: str) -> None:
    database = Database(scheme + postgres_url.removeprefix("postgresql"))
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
    database.dispose()


def read_runs(database: Database) -> None:
    try:
        with database.read() as connection:
            connection.execute(sa.select(RUN)).all()
    finally:
        database.dispose()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "digest.db"
    with pytest.raises(StoreError, match=r"nowhere/digest\.db: it cannot be opened\. Check that"):
        read_runs(Database(f"sqlite:///{path}"))


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "digest.db"
    path.write_text("This is not a database. " * 100)
    with pytest.raises(StoreError, match=r"digest\.db: the file is not an SQLite database"):
        read_runs(Database(f"sqlite:///{path}"))
    assert path.read_text().startswith("This is not")


def test_an_empty_database_asks_for_migration(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="digest migrate"):
        read_runs(Database(f"sqlite:///{tmp_path / 'digest.db'}"))


@pytest.mark.postgres
def test_an_empty_server_database_asks_for_migration(postgres_server: Postgres) -> None:
    with pytest.raises(SchemaError, match="digest migrate"):
        read_runs(Database(postgres_server.empty()))


def test_a_locked_file_is_busy(sqlite_url: str) -> None:
    patient, impatient = Database(sqlite_url), Database(sqlite_url, busy=0.1)
    with (
        patient.write(),
        pytest.raises(StoreBusy, match="locked by another process"),
        impatient.write(),
    ):
        pass
    patient.dispose()
    impatient.dispose()


def test_a_busy_writer_of_this_process_is_busy(sqlite_url: str) -> None:
    database = Database(sqlite_url, busy=0.1)
    caught: list[BaseException] = []

    def write() -> None:
        try:
            with database.write():
                pass
        except StoreBusy as error:
            caught.append(error)

    with database.write():
        in_threads(1, write)
    assert "another thread" in str(caught[0])
    database.dispose()


def test_a_full_disk_loses_nothing(sqlite_database: Database) -> None:
    """The file may not grow, as on a full disk: SQLite's own limit raises the same error."""
    report = {"long": "x" * 1_000_000}
    with sqlite_database.write() as connection:
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
        connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreBusy, match="disk is full"), sqlite_database.write() as connection:
        connection.execute(sa.insert(RUN).values(started_at=START, report=report))
    with sqlite_database.write() as connection:
        connection.execute(sa.text("PRAGMA max_page_count = 1000000"))
        connection.execute(sa.insert(RUN).values(started_at=START, report=report))
    with sqlite_database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(RUN)) == 1


def test_a_read_only_file_is_named(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")  # mode=ro holds for root too, unlike a chmod
    database = Database(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(StoreError, match="read-only"), database.write() as connection:
        connection.execute(sa.insert(RUN).values(started_at=START, report={}))


def test_a_server_that_is_away_is_busy_and_keeps_its_password() -> None:
    database = Database("postgresql://reader:secret@127.0.0.1:1/papers")
    with pytest.raises(
        StoreBusy, match=r"papers on 127\.0\.0\.1: the server does not answer"
    ) as it:
        read_runs(database)
    assert "secret" not in "".join(traceback.format_exception(it.value))
    assert "secret" not in repr(database)


@pytest.mark.postgres
def test_a_missing_server_database_is_named(postgres_server: Postgres) -> None:
    with pytest.raises(StoreError, match="no such database"):
        read_runs(Database(postgres_server.url("nothing_here")))


@pytest.mark.postgres
def test_a_lost_connection_is_busy_and_the_next_transaction_works(
    postgres_database: Database, postgres_server: Postgres
) -> None:
    def be_cut_off() -> None:
        with postgres_database.write() as connection:
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            postgres_server.admin.execute("SELECT pg_terminate_backend(%s)", [pid])
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(StoreBusy):
        be_cut_off()
    with postgres_database.read() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


@pytest.mark.postgres
def test_a_held_row_is_busy(postgres_url: str) -> None:
    first, second = Database(postgres_url), Database(postgres_url, busy=0.1)
    with first.write() as connection:
        connection.execute(sa.insert(RUN).values(started_at=START, report={}))
    lock = sa.select(RUN.c.id).with_for_update()
    with first.write() as connection:
        connection.execute(lock)
        caught = in_another_thread(lambda: lock_rows(second))
    assert isinstance(caught, StoreBusy)
    assert "held the rows" in str(caught)
    first.dispose()
    second.dispose()


def lock_rows(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.select(RUN.c.id).with_for_update())


def in_another_thread(work: Callable[[], None]) -> BaseException | None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            caught.append(error)

    in_threads(1, run)
    return caught[0] if caught else None


def test_values_never_reach_a_message(database: Database) -> None:
    row = {"address_hash": "reader@example.org", "reason": "x", "at": START}
    with pytest.raises(StoreError) as it, database.write() as connection:
        connection.execute(sa.insert(table(SuppressionRow)), [row, row])
    told = "".join(traceback.format_exception(it.value))
    assert "breaks a rule" in told
    assert "UNIQUE" in told or "unique" in told
    assert "reader@example.org" not in str(it.value)
