"""What the operator is told by mail: once, and as soon as a mail can leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

from digest.errors import TemplateFault
from digest.model import Delivery
from digest.notices import tell_operator
from digest.pager import Pager
from digest.store.database import Database
from digest.wiring import App
from tests.fakes import FrozenClock
from tests.scheduler.conftest import House, make_settings
from tests.scheduler.test_rounds import at
from tests.smtpd import Smtpd


def texts(pager: Pager) -> list[str]:
    return [notice.text for notice in pager.waiting()]


def test_an_event_is_told_once(database: Database, clock: FrozenClock) -> None:
    pager = Pager(database, clock=clock)
    pager.tell("The lamp went out.")
    clock.tick(minutes=1)
    pager.tell("The lamp is lit.")
    assert texts(pager) == ["The lamp went out.", "The lamp is lit."]
    for notice in pager.waiting():
        pager.told(notice)
    assert texts(pager) == []
    clock.tick(minutes=1)
    pager.tell("The lamp went out.")
    assert texts(pager) == ["The lamp went out."]


def test_a_state_is_told_once_until_it_is_another(database: Database, clock: FrozenClock) -> None:
    pager = Pager(database, clock=clock)
    pager.hold("lamp", "It is out.")
    pager.hold("lamp", "It is out.")
    (notice,) = pager.waiting()
    pager.hold("lamp", "It is broken.")
    pager.told(notice)  # of what it said before
    assert texts(pager) == ["It is broken."]
    pager.told(*pager.waiting())
    pager.hold("lamp", "It is broken.")
    assert texts(pager) == []
    pager.over("lamp")
    pager.hold("lamp", "It is broken.")
    assert texts(pager) == ["It is broken."]


def test_broken_templates_are_held_until_they_work_and_again_when_they_break(
    database: Database, clock: FrozenClock
) -> None:
    pager = Pager(database, clock=clock)
    pager.hold("templates", "As an earlier worker found.")
    breaks = False

    def compose(_deliveries: Sequence[Delivery]) -> Iterator[int]:
        yield 1
        if breaks:
            raise TemplateFault("line 3")

    composed = pager.heeding("templates", compose)
    assert list(composed([])) == [1]
    assert texts(pager) == []
    for breaks in (True, False, False, True):
        with suppress(TemplateFault):
            assert list(composed([])) == [1]
        assert texts(pager) == (["Mails cannot be composed, and wait: line 3"] if breaks else [])


def test_who_wants_no_mails_gets_none(database: Database, clock: FrozenClock) -> None:
    pager = Pager(database, clock=clock, is_mailed=False)
    pager.tell("The lamp went out.")
    pager.hold("lamp", "It is out.")
    assert texts(pager) == []


def test_a_paused_account_is_told_by_mail_once_mail_leaves_again(
    sqlite_database: Database, tmp_path: Path, clock: FrozenClock
) -> None:
    with Smtpd() as server:
        server.on("CONNECT", "554 5.3.2 closed")
        settings = make_settings(tmp_path, "sqlite://", delivery=_by(server, tmp_path))
        house = House(App(settings, sqlite_database, clock=clock), clock, tmp_path)
        house.publish()
        clock.set(at("2026-11-18T06:50"))
        house.subscribe()
        clock.tick(minutes=10)
        house.tick()
        for _ in range(4):
            clock.tick(minutes=6)
            house.worker.turn()
            assert tell_operator(house.app) == 0  # by nothing but that account
        (text,) = texts(house.app.pager)
        assert "keeps failing and is left alone" in text
        server.rules.clear()
        clock.tick(hours=2)
        house.worker.turn()
        assert tell_operator(house.app) == 2
        assert tell_operator(house.app) == 0
    told = [message_from_bytes(one.data, policy=SMTP) for one in server.accepted]
    assert [mail["To"] for mail in told] == ["ada@example.org", *["ops@example.org"] * 2]
    assert "keeps failing" in told[1]["Subject"]
    assert "works again" in told[2]["Subject"]


def _by(server: Smtpd, folder: Path) -> dict[str, object]:
    smtp = {"host": "127.0.0.1", "port": server.port, "security": "none", "sessions": 1}
    return {"channel": "smtp", "spool": str(folder / "spool"), "retry_minutes": 1, "smtp": smtp}
