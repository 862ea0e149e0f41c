"""The figures for Prometheus: what they say, and of whom they say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from digest.metrics import exposition, timed, write_textfile
from digest.store.database import Database
from digest.store.marks import MarkStore
from tests import queued
from tests.fakes import START, FrozenClock

Sample = dict[tuple[str, tuple[str, ...]], float]


def samples(text: str) -> Sample:
    return {
        (one.name, tuple(one.labels.values())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_figures_of_a_queue(database: Database, clock: FrozenClock) -> None:
    queued.fill(database, 3)
    queued.fill(database, 2, first=10, state="refused", settled_at=START)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE subscriber SET next_due_at = '2026-11-20 05:00:00'")
    clock.tick(minutes=30)
    found = samples(exposition(database, clock).decode())
    assert found["digest_up", ()] == 1
    assert found["digest_due", ()] == 5
    assert found["digest_overdue_seconds", ()] >= 5400 or not database.is_sqlite
    assert found["digest_deliveries", ("queued",)] == 3
    assert found["digest_deliveries", ("refused",)] == 2
    assert found["digest_deliveries", ("sent",)] == 0
    assert found["digest_oldest_queued_seconds", ()] == 1800
    assert found["digest_composed", ()] == 5
    assert found["digest_subscribers", ("active",)] == 5


def test_no_figure_names_a_reader(database: Database, clock: FrozenClock) -> None:
    queued.fill(database, 3)
    assert b"example.org" not in exposition(database, clock)


def test_a_database_that_does_not_answer_is_down(tmp_path: Path, clock: FrozenClock) -> None:
    database = Database(f"sqlite:///{tmp_path / 'nowhere' / 'digest.db'}")
    assert samples(exposition(database, clock).decode())["digest_up", ()] == 0
    database.dispose()


def test_steps_are_measured_and_their_failures_remembered(
    sqlite_database: Database, clock: FrozenClock
) -> None:
    with timed("a_step"):
        pass
    with pytest.raises(RuntimeError), timed("a_failing_step"):
        raise RuntimeError
    found = samples(exposition(sqlite_database, clock).decode())
    assert found["digest_step_seconds_count", ("a_step",)] == 1
    assert found["digest_step_last_failure_timestamp_seconds", ("a_failing_step",)] > 1e9


def test_the_textfile_is_written_whole(
    sqlite_database: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "digest.prom"
    write_textfile(file, sqlite_database, clock)
    assert samples(file.read_text("utf-8"))["digest_up", ()] == 1
    assert [path.name for path in file.parent.iterdir()] == ["digest.prom"]
    assert MarkStore(sqlite_database).below("") == [], "looking stores nothing"
