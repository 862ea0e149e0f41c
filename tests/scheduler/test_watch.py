"""What the operator is told, and how often; and the bell that rings for it all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.alerts import alerts
from digest.clock import system_clock
from digest.model import DeliveryState, Verdict
from digest.scheduler.alarm import Alarm, Job
from digest.scheduler.watch import LookOut
from digest.store.health import Figures, SourceHealth
from tests.scheduler.conftest import House

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lamps(since: timedelta | None) -> SourceHealth:
    return SourceHealth("Lamps", None if since is None else NOON - since, 3, NOON, Verdict.BROKEN)


@pytest.mark.parametrize(
    ("figures", "causes"),
    [
        pytest.param({}, [], id="all is well"),
        pytest.param({"due": 3, "due_since": NOON - HOUR}, [], id="may wait for an announcement"),
        pytest.param({"due": 3, "due_since": NOON - 2 * HOUR}, ["overdue"], id="overdue"),
        pytest.param({"waiting": 3, "waiting_since": NOON - HOUR}, [], id="may be retried"),
        pytest.param({"waiting": 3, "waiting_since": NOON - 3 * HOUR}, ["stuck"], id="stuck"),
        pytest.param({"deliveries": {DeliveryState.REFUSED: 9}}, ["refused"], id="refused"),
        pytest.param(
            {"deliveries": {DeliveryState.REFUSED: 9, DeliveryState.DELIVERED: 50}}, [], id="some"
        ),
        pytest.param({"sources": (lamps(30 * HOUR),)}, ["sources"], id="no source"),
        pytest.param({"sources": (lamps(None),)}, ["sources"], id="never a source"),
        pytest.param({"sources": (lamps(5 * HOUR),)}, [], id="a source, not long ago"),
    ],
)
def test_what_is_wrong(figures: dict[str, Any], causes: list[str]) -> None:
    found = alerts(Figures(NOON, **figures), wait=HOUR, sources=["Lamps"])
    assert [one.cause for one in found] == causes


def test_a_halted_database_says_so_and_not_that_digests_are_due() -> None:
    figures = Figures(NOON, due=3, due_since=NOON - 9 * HOUR)
    [alert] = alerts(figures, wait=HOUR, sources=(), halted="It was put back.")
    assert (alert.cause, alert.text) == ("halted", "It was put back.")


def overdue(house: House) -> None:
    house.clock.set(NOON - 12 * HOUR)
    house.subscribe()
    house.clock.set(NOON)


def test_the_operator_is_told_once_an_hour_whoever_looks(house: House) -> None:
    overdue(house)
    look_outs = [LookOut(house.app, since=NOON - HOUR) for _ in range(2)]
    for _ in range(13):
        for one in look_outs:
            one.look()
        house.clock.tick(minutes=5)
    mails = house.mails()
    assert len(mails) == 2
    text = mails[0].read_text("utf-8")
    assert "To: ops@example.org" in text
    assert "digests are due and not composed" in text
    assert "ada@" not in text


def test_nothing_is_said_in_the_first_minutes(house: House) -> None:
    overdue(house)
    LookOut(house.app, since=NOON - timedelta(minutes=1)).look()
    assert not house.mails()


def test_a_ring_during_the_work_is_answered_afterwards() -> None:
    entered, go, calls = threading.Event(), threading.Event(), list[int]()

    def work() -> datetime | None:
        calls.append(1)
        entered.set()
        assert go.wait(10)
        return None

    alarm = Alarm([Job("work", work, timedelta(hours=1))], clock=system_clock)
    alarm.start()
    assert entered.wait(10)
    alarm.rouse()
    go.set()
    wait_until(lambda: len(calls) == 2)
    assert alarm.stop(10)
    assert len(calls) == 2


def test_a_job_that_fails_is_tried_again() -> None:
    calls = list[int]()

    def work() -> datetime | None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the first time")
        return None

    alarm = Alarm([Job("work", work, timedelta(seconds=1))], clock=system_clock)
    alarm.start()
    wait_until(lambda: len(calls) >= 2)
    assert alarm.stop(10)


def test_a_job_that_hangs_keeps_nobody() -> None:
    never, entered = threading.Event(), threading.Event()

    def work() -> datetime | None:
        entered.set()
        never.wait(30)
        return None

    alarm = Alarm([Job("work", work, timedelta(hours=1))], clock=system_clock)
    alarm.start()
    assert entered.wait(10)
    assert not alarm.stop(0.1)
    never.set()


def wait_until(what: Any) -> None:
    for _ in range(200):
        if what():
            return
        threading.Event().wait(0.05)
    raise AssertionError("waited too long")
