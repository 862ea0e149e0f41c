"""Copies, moves and going back: nothing is lost, and nothing is sent again without being asked."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.errors import SchemaError, StoreError, UsageError
from digest.model import SubscriberState
from digest.store import numbers, waterline
from digest.store.backup import backup, restore
from digest.store.database import Database
from digest.store.marks import IDENTITY, MarkStore
from digest.store.moving import LEAP, go_on, move
from digest.store.schema import migrate
from digest.subscriptions import Subscriptions
from tests import queued
from tests.fakes import START, FrozenClock
from tests.postgres import Postgres


def counts(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {
            one.name: connection.scalar(sa.select(sa.func.count()).select_from(one)) or 0
            for one in SQLModel.metadata.sorted_tables
        }


def issue(database: Database, number: int) -> None:
    """Queue one digest with its delivery, numbered by the engine's counters."""
    queued.fill(database, 1, first=number)


# --- the waterline --------------------------------------------------------------------------------


def test_a_database_that_went_back_is_halted(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    """However it was put back: here by copying the file, without a word to us."""
    issue(sqlite_database, 1)
    waterline.check(sqlite_database, tmp_path, START)
    copy = tmp_path / "copy.db"
    backup(sqlite_database, copy)
    issue(sqlite_database, 2)
    waterline.check(sqlite_database, tmp_path, START)
    old = Database(f"sqlite:///{copy}")
    with pytest.raises(waterline.Halted, match=r"up to 1, and 2 were made.*--accept forward"):
        waterline.check(old, tmp_path, START)
    old.dispose()


def test_removals_do_not_lower_the_line(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        numbers.raise_to(connection, {"digest": 7})
    waterline.check(database, tmp_path, START)
    waterline.check(database, tmp_path, START)
    assert waterline.highest(database) == 7


def test_another_installation_draws_its_own_line(sqlite_database: Database, tmp_path: Path) -> None:
    waterline.write(tmp_path, "somebody else", 1000)
    waterline.check(sqlite_database, tmp_path, START)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": "y"}'], ids=["none", "list", "cut", "odd"])
def test_a_line_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "waterline.json").write_text(text)
    assert waterline.read(tmp_path, "x") == 0


# --- copies ---------------------------------------------------------------------------------------


def test_a_copy_is_whole_while_others_write(sqlite_database: Database, tmp_path: Path) -> None:
    queued.fill(sqlite_database, 50)
    stop = threading.Event()

    def write() -> None:
        for number in range(100, 100_000):
            if stop.is_set():
                return
            issue(sqlite_database, number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        size = backup(sqlite_database, tmp_path / "deep" / "copy.db")
    finally:
        stop.set()
        thread.join(20)
    copy = tmp_path / "deep" / "copy.db"
    assert size == copy.stat().st_size
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in copy.parent.iterdir()] == ["copy.db"]
    with closing(sqlite3.connect(copy)) as it:
        assert it.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        digests, deliveries = (
            it.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in ("digest", "delivery")
        )
    assert digests == deliveries >= 50


def test_what_is_put_back_is_halted_and_the_present_is_kept(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    issue(sqlite_database, 1)
    backup(sqlite_database, tmp_path / "copy.db")
    issue(sqlite_database, 2)
    sqlite_database.dispose()
    aside = restore(sqlite_database, tmp_path / "copy.db", START).kept
    assert counts(sqlite_database)["delivery"] == 1
    with pytest.raises(waterline.Halted, match=r"was put back from copy\.db"):
        waterline.check(sqlite_database, tmp_path, START)
    assert aside is not None
    before = Database(f"sqlite:///{aside}")
    assert counts(before)["delivery"] == 2
    before.dispose()
    left = {path.name for path in tmp_path.glob(".*")}
    assert not left, "no drafts are left"


@pytest.mark.postgres
def test_postgresql_is_copied_and_put_back(postgres_database: Database, tmp_path: Path) -> None:
    queued.fill(postgres_database, 3)
    assert backup(postgres_database, tmp_path / "copy.dump") > 1000
    queued.fill(postgres_database, 2, first=10)
    assert restore(postgres_database, tmp_path / "copy.dump", START).kept is None
    assert counts(postgres_database)["delivery"] == 3
    with pytest.raises(waterline.Halted):
        waterline.check(postgres_database, tmp_path, START)


def test_who_left_since_the_copy_stays_away(
    database: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    queued.fill(database, 3)
    MarkStore(database).identity(START)
    backup(database, tmp_path / "copy")
    people = Subscriptions(database, keys=["k" * 40], clock=clock)
    people.unsubscribe("reader1@example.org", reason="their own wish")
    people.remove("reader2@example.org")
    assert restore(database, tmp_path / "copy", START).left == 1
    assert people.subscriber("reader1@example.org").state is SubscriberState.UNSUBSCRIBED
    assert people.subscriber("reader3@example.org").state is SubscriberState.ACTIVE
    assert people.is_suppressed("reader2@example.org")
    assert queued.states(database) == {1: "cancelled", 2: "queued", 3: "queued"}


def test_another_installation_s_leavers_are_none_of_ours(
    sqlite_database: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    queued.fill(sqlite_database, 1)
    MarkStore(sqlite_database).identity(START)
    backup(sqlite_database, tmp_path / "copy")
    MarkStore(sqlite_database).remove(IDENTITY)
    MarkStore(sqlite_database).identity(START)
    assert restore(sqlite_database, tmp_path / "copy", START).left is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"something else altogether", "is not a copy made by", id="no copy"),
        pytest.param(b"PGDMP\1\2", "is not a copy made by", id="the other engine's"),
    ],
)
def test_what_is_no_copy_is_refused(
    sqlite_database: Database, tmp_path: Path, content: bytes, says: str
) -> None:
    issue(sqlite_database, 1)
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        restore(sqlite_database, tmp_path / "copy", START)
    assert counts(sqlite_database)["delivery"] == 1


def test_somebody_else_s_database_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE bookmark (url)")
    with pytest.raises(UsageError, match="no database of this program"):
        restore(sqlite_database, tmp_path / "other.db", START)


@pytest.mark.parametrize(("old", "new"), [(4096, 8192), (8192, 4096), (4096, 0)])
def test_a_copy_goes_onto_pages_of_another_size(tmp_path: Path, old: int, new: int) -> None:
    for name, size in (("old.db", old), ("new.db", new)):
        if size:
            with closing(sqlite3.connect(tmp_path / name)) as made:
                made.execute(f"PRAGMA page_size = {size}")
                made.execute("PRAGMA journal_mode = WAL")
    copied = Database(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(copied)
    queued.fill(copied, 30)
    backup(copied, tmp_path / "copy.db")
    copied.dispose()
    present = Database(f"sqlite:///{tmp_path / 'new.db'}")
    if new:
        migrate(present)
    restore(present, tmp_path / "copy.db", START)
    assert counts(present)["delivery"] == 30
    with present.read() as connection:
        assert connection.scalar(sa.text("PRAGMA page_size")) == (new or old)
        assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
    present.dispose()


def test_a_copy_of_a_newer_program_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    backup(sqlite_database, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db", isolation_level=None)) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    issue(sqlite_database, 1)
    with pytest.raises(SchemaError, match="newer"):
        restore(sqlite_database, tmp_path / "copy.db", START)
    assert counts(sqlite_database)["delivery"] == 1


def test_a_damaged_copy_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    queued.fill(sqlite_database, 200)
    copy = tmp_path / "copy.db"
    backup(sqlite_database, copy)
    data = bytearray(copy.read_bytes())
    data[8192:20480] = b"\xff" * 12288
    copy.write_bytes(data)
    with pytest.raises((StoreError, UsageError)):
        restore(sqlite_database, copy, START)
    assert counts(sqlite_database)["delivery"] == 200


# --- going on -------------------------------------------------------------------------------------


def halted(database: Database, folder: Path) -> None:
    """Three readers with mails that wait, in a database that was put back."""
    queued.fill(database, 3)
    waterline.check(database, folder, START)
    MarkStore(database).set(waterline.HALTED, START, why="was put back from x")


def test_going_forward_sends_nothing_of_the_gap(
    database: Database, tmp_path: Path, clock: FrozenClock
) -> None:
    halted(database, tmp_path)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE subscriber SET next_due_at = '2026-01-01 07:00:00'"))
    moved = go_on(database, tmp_path, clock(), forward=True)
    assert moved == {"deliveries": 3, "readers": 3}
    assert set(queued.states(database).values()) == {"cancelled"}
    with database.read() as connection:
        due = connection.execute(sa.text("SELECT min(next_due_at) FROM subscriber")).scalar_one()
    assert str(due) > f"{clock():%Y-%m-%d %H:%M}"
    waterline.check(database, tmp_path, clock())


def test_going_on_again_sends_what_waited(database: Database, tmp_path: Path) -> None:
    halted(database, tmp_path)
    assert go_on(database, tmp_path, START, forward=False) == {"deliveries": 0, "readers": 0}
    assert set(queued.states(database).values()) == {"queued"}
    waterline.check(database, tmp_path, START)


def test_numbers_given_out_since_the_copy_are_never_given_again(
    database: Database, tmp_path: Path
) -> None:
    halted(database, tmp_path)
    go_on(database, tmp_path, START, forward=False)
    with database.read() as connection:
        levels = numbers.levels(connection)
    for name in ("subscriber", "digest", "delivery", "interest", "paper", "fetch"):
        assert levels[name] >= LEAP, name


# --- moving ---------------------------------------------------------------------------------------


@pytest.fixture
def target(postgres_server: Postgres) -> Iterator[Database]:
    database = Database(postgres_server.empty())
    yield database
    database.dispose()


@pytest.mark.postgres
def test_a_move_carries_everything_and_halts_the_old(
    sqlite_database: Database, target: Database, tmp_path: Path
) -> None:
    queued.fill(sqlite_database, 40)
    with sqlite_database.write() as connection:
        numbers.raise_to(connection, {"subscriber": 900})
    waterline.check(sqlite_database, tmp_path, START)
    before = counts(sqlite_database)
    copied = move(sqlite_database, target, START)
    assert copied == counts(target) == before
    assert queued.row(target, 7) == queued.row(sqlite_database, 7)
    with target.read() as connection:
        assert numbers.level(connection, "subscriber") == 900, "no number is given twice"
    with pytest.raises(waterline.Halted, match="was moved to the database"):
        waterline.check(sqlite_database, tmp_path, START)
    waterline.check(target, tmp_path, START)
    queued.change(target, 1, state="delivered")


@pytest.mark.postgres
def test_a_move_wants_an_empty_database(
    sqlite_database: Database, postgres_database: Database
) -> None:
    queued.fill(sqlite_database, 2)
    queued.fill(postgres_database, 1)
    with pytest.raises(UsageError, match=r"is not empty: there is something in .*subscriber"):
        move(sqlite_database, postgres_database, START)
    assert counts(postgres_database)["delivery"] == 1


def test_a_move_that_breaks_off_leaves_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    queued.fill(sqlite_database, 2)
    to = Database(f"sqlite:///{tmp_path / 'new.db'}")

    def stop(table: str, rows: int) -> None:
        if table == "delivery":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(sqlite_database, to, START, progress=stop)
    assert not any(counts(to).values())
    waterline.check(sqlite_database, tmp_path, START + timedelta(days=1))
    to.dispose()
