"""The rounds on both engines: whatever the clock does, one digest a local date."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from itertools import pairwise
from pathlib import Path

import pytest

from digest.model import Verdict
from digest.scheduler.rounds import Rounds
from digest.store.database import Database
from digest.store.marks import MarkStore
from digest.wiring import App
from tests.builders import listing
from tests.fakes import FrozenClock
from tests.scheduler.conftest import House, make_settings, opened


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_tick_reads_composes_and_sends(house: House) -> None:
    house.clock.set(at("2026-11-18T06:50"))
    house.subscribe()
    house.tick()
    assert not house.rows("digest")
    house.clock.set(at("2026-11-18T07:00"))
    house.tick()
    assert house.dates() == ["2026-11-18"]
    assert len(house.mails()) == 1


def test_idle_ticks_store_nothing(house: House) -> None:
    house.tick()
    runs = len(house.rows("run"))
    for _ in range(5):
        house.clock.tick(minutes=5)
        house.tick()
    assert len(house.rows("run")) == runs


def test_the_rounds_say_when_to_ring_again(small_house: House) -> None:
    house = small_house
    house.clock.set(at("2026-11-18T06:50"))
    house.subscribe()
    assert house.rounds.read() == at("2026-11-18T07:50")
    assert house.rounds.compose() == at("2026-11-18T07:00")


STEPS = {
    "every hour": [60] * 72,
    "missed ticks": [5, 5, 600, 5, 1400, 30] * 2,
    "a clock set back and forth": [30, -60, 90, -200, 400] * 6,
    "asleep for three days": [300, 4320],
}
NIGHTS = {
    "02:30 does not exist": ("Europe/Berlin", "2026-03-28T00:00"),
    "02:30 comes twice": ("Europe/Berlin", "2026-10-24T00:00"),
    "by half an hour": ("Australia/Lord_Howe", "2026-04-04T00:00"),
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
@pytest.mark.parametrize(("zone", "start"), NIGHTS.values(), ids=NIGHTS.keys())
def test_one_digest_a_local_date(
    small_house: House, zone: str, start: str, steps: list[int]
) -> None:
    house = small_house
    house.clock.set(at(start))
    house.subscribe(timezone=zone, hour=2, minute=30)
    for minutes in steps:
        house.publish()
        house.clock.tick(minutes=minutes)
        house.tick()
    dates = house.dates()
    assert dates
    assert len(dates) == len(set(dates))
    assert len(house.mails()) == len(dates)
    if steps == STEPS["every hour"]:
        days = [datetime.fromisoformat(day) for day in dates]
        assert len(days) == 3
        assert {later - one for one, later in pairwise(days)} == {timedelta(days=1)}


def test_two_schedulers_at_once_make_one_digest_each(house: House, tmp_path: Path) -> None:
    house.clock.set(at("2026-11-18T06:00"))
    for number in range(20):
        house.subscribe(f"reader{number}")
    house.clock.set(at("2026-11-18T07:00"))
    url = house.app.settings.database.url.get_secret_value()
    others = [Database(url) for _ in range(3)]
    schedulers = [
        House(App(make_settings(tmp_path, url), one, clock=house.clock), house.clock, tmp_path)
        for one in others
    ]
    threads = [threading.Thread(target=one.tick) for one in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for one in others:
        one.dispose()
    house.tick()
    assert house.dates() == ["2026-11-18"] * 20
    assert len(house.mails()) == 20


def test_a_source_is_read_on_its_own_rhythm(
    sqlite_url: str, tmp_path: Path, clock: FrozenClock
) -> None:
    path = str(tmp_path / "feed.xml")
    sources = [
        {"kind": "feed", "name": "Lamps", "path": path},
        {"kind": "feed", "name": "Slow", "path": path, "every_minutes": 240},
        {"kind": "feed", "name": "Off", "path": path, "enabled": False},
    ]
    for house in opened(sqlite_url, tmp_path, clock, sources=sources):
        for _ in range(24):
            house.rounds.read()
            clock.tick(minutes=20)
        asked = [row.source for row in house.rows("fetch")]
        assert (asked.count("Lamps"), asked.count("Slow"), asked.count("Off")) == (8, 2, 0)


def test_a_digest_waits_for_arxiv_and_then_says_that_it_was_late(
    sqlite_url: str, tmp_path: Path, clock: FrozenClock
) -> None:
    """arXiv answers, and has nothing new on a day it announces: quiet, and late."""
    sources = [
        {"kind": "arxiv", "name": "arXiv", "categories": ["cs.CL"]},
        {"kind": "feed", "name": "Lamps", "path": str(tmp_path / "feed.xml")},
    ]
    clock.set(at("2026-11-18T06:00"))
    for house in opened(sqlite_url, tmp_path, clock, sources=sources, digest={"wait_minutes": 90}):
        house.subscribe()
        house.answer("Lamps", Verdict.FRESH, listing(source="Lamps"))
        for minute in (60, 80, 149):
            clock.set(at("2026-11-18T06:00") + timedelta(minutes=minute))
            house.answer("arXiv", Verdict.QUIET)
            house.answer("Lamps", Verdict.QUIET)
            again = house.rounds.compose()
            assert again is not None
            assert again - clock() <= timedelta(minutes=5)
            assert not house.rows("digest")
        clock.set(at("2026-11-18T08:30"))
        house.rounds.compose()
        assert house.dates() == ["2026-11-18"]
        assert house.notes() == {"arXiv": Verdict.STALE, "Lamps": Verdict.QUIET}


def test_a_digest_leaves_as_soon_as_arxiv_is_in(
    sqlite_url: str, tmp_path: Path, clock: FrozenClock
) -> None:
    sources = [{"kind": "arxiv", "name": "arXiv", "categories": ["cs.CL"]}]
    clock.set(at("2026-11-18T06:00"))
    for house in opened(sqlite_url, tmp_path, clock, sources=sources):
        house.subscribe()
        clock.set(at("2026-11-18T07:10"))
        house.answer("arXiv", Verdict.QUIET)
        house.rounds.compose()
        assert not house.rows("digest")
        house.answer("arXiv", Verdict.FRESH, listing(source="arXiv"))
        house.rounds.compose()
        assert house.dates() == ["2026-11-18"]
        assert house.notes() == {"arXiv": Verdict.FRESH}


def test_after_downtime_the_sources_are_read_first(small_house: House) -> None:
    house = small_house
    house.clock.set(at("2026-11-18T06:00"))
    house.subscribe()
    house.rounds.read()
    house.clock.set(at("2026-11-20T09:00"))
    house.publish(3)
    assert house.rounds.compose() == house.clock() + timedelta(seconds=5)
    assert not house.rows("digest")
    house.tick()
    [digest] = house.rows("digest")
    assert (digest.papers, digest.local_date.isoformat()) == (4, "2026-11-20")


def test_a_pause_that_ends_is_noticed_without_anybody_due(small_house: House) -> None:
    house = small_house
    house.clock.set(at("2026-11-18T06:00"))
    house.subscribe()
    house.app.subscriptions.pause("ada@example.org", at("2026-11-20T00:00").date())
    house.clock.set(at("2026-11-20T07:00"))
    house.tick()
    house.tick()
    assert house.dates() == ["2026-11-20"]


def test_old_things_go_and_nothing_is_sent_again(
    database_url: str, tmp_path: Path, clock: FrozenClock
) -> None:
    keep = {"digests_days": 30, "deliveries_days": 10, "runs_days": 40, "papers_days": 70}
    clock.set(at("2026-03-02T06:59"))
    for house in opened(database_url, tmp_path, clock, retention=keep):
        house.subscribe()
        clock.tick(minutes=1)
        house.tick()
        assert len(house.mails()) == 1
        clock.tick(days=100)
        house.rounds.clean()
        assert not house.rows("digest")
        assert not house.rows("delivery")
        assert len(house.rows("sent")) == 1
        assert len(house.rows("paper")) == 1
        house.tick()
        assert len(house.mails()) == 1, "the same paper, announced again, is not sent again"


def test_bounces_are_read_where_there_is_a_place_for_them(small_house: House) -> None:
    assert Rounds(small_house.app).bounces() is None


def test_a_mark_is_taken_once_an_hour(database: Database, clock: FrozenClock) -> None:
    marks, hour = MarkStore(database), timedelta(hours=1)
    assert [marks.take("alert/x", clock(), every=hour) for _ in range(2)] == [True, False]
    assert not marks.take("alert/x", clock.tick(minutes=59), every=hour)
    assert marks.take("alert/x", clock.tick(minutes=1), every=hour)
    assert marks.take("alert/x", clock.tick(days=-2), every=hour), "the clock was set back"


def test_what_was_read_is_summed_up_before_its_digest_leaves(small_house: House) -> None:
    house = small_house
    sentence = "We show that a lantern of three colours is read from twice as far as any other."
    abstract = f"Lanterns stand in every harbour we know of, and few are read in fog. {sentence} "
    abstract += (
        "The lanterns were tried by night, in two harbours, over three long winters at sea. "
    )
    feed = (house.folder / "feed.xml").read_text("utf-8")
    longer = feed.replace("How far a lantern shines.", abstract * 2)
    (house.folder / "feed.xml").write_text(longer, "utf-8")
    house.clock.set(at("2026-11-18T06:50"))
    house.subscribe(style="compact")
    house.clock.tick(minutes=10)
    house.tick()
    (mail,) = house.mails()
    text = message_from_bytes(mail.read_bytes(), policy=SMTP).get_body(("plain",))
    assert text is not None
    assert f"TL;DR: {sentence}" in " ".join(str(text.get_content()).split())
