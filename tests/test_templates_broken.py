"""A broken template stops the mail, loses nothing, and is told; mended, everything leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from digest.model import Channel, DeliveryState
from digest.notices import tell_operator
from digest.rendering.environment import shipped_folder
from digest.store.database import Database
from digest.subscriptions.joining import Joining
from digest.wiring import App
from tests.fakes import FrozenClock
from tests.scheduler.conftest import KEY, House, make_settings
from tests.scheduler.test_rounds import at


@contextmanager
def house(url: str, folder: Path, clock: FrozenClock) -> Iterator[House]:
    """A process of its own, with the templates as they are by now."""
    database = Database(url)
    site = {
        "operator_email": "ops@example.org",
        "secret_keys": [KEY],
        "templates": str(folder / "mine"),
    }
    app = App(make_settings(folder, url, site=site), database, clock=clock)
    yield House(app, clock, folder)
    database.dispose()


def override(folder: Path, name: str, old: str, new: str) -> Path:
    shipped = (shipped_folder() / name).read_text("utf-8")
    assert old in shipped
    mine = folder / "mine" / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text(shipped.replace(old, new), "utf-8")
    return mine


def subjects(house: House) -> list[str]:
    return [
        str(message_from_bytes(mail.read_bytes(), policy=SMTP)["Subject"]) for mail in house.mails()
    ]


@pytest.fixture
def due(clock: FrozenClock, sqlite_url: str, tmp_path: Path) -> str:
    """A database with two readers whose digests are due; the clock stands at their hour."""
    clock.set(at("2026-11-18T06:50"))
    with house(sqlite_url, tmp_path, clock) as before:
        before.publish(2)
        before.subscribe("ada")
        before.subscribe("bo", interests=[{"name": "Two", "query": '"part 1"'}])
    clock.tick(minutes=10)
    return sqlite_url


BROKEN = {
    "a tag that is not closed": ("email/digest.mjml.j2", "{% endfor %}", ""),
    "no MJML": ("email/digest.mjml.j2", "</mj-column>", "</mj-colunm>"),
    "a name that is not there": ("email/card.html.j2", "{{ card.also }}", "{{ crad.also }}"),
    "in the text part": ("email/digest.txt.j2", "{{ frame.headline }}", "{{ frame.headline }"),
}


@pytest.mark.parametrize("how", BROKEN.values(), ids=BROKEN)
def test_nothing_is_lost_by_a_broken_template(
    due: str, tmp_path: Path, clock: FrozenClock, how: tuple[str, str, str]
) -> None:
    mine = override(tmp_path, *how)
    with house(due, tmp_path, clock) as running:
        running.rounds.read()
        running.rounds.compose()
        for _ in range(3):
            tally = running.worker.turn()
            assert tally is not None
            assert mine.name in tally.faults[Channel.MAILBOX]
            assert not tally.states
            clock.tick(minutes=6)
        assert {row.state for row in running.rows("delivery")} == {"queued"}
        assert {row.attempts for row in running.rows("delivery")} == {0}
        assert tell_operator(running.app) == 1
        assert tell_operator(running.app) == 0
        (told,) = subjects(running)
        assert "Mails cannot be composed" in told
    with house(due, tmp_path, clock) as restarted:
        restarted.worker.turn()
        assert tell_operator(restarted.app) == 0  # of the same fault, not again
    mine.unlink()
    with house(due, tmp_path, clock) as mended:
        mended.worker.turn()
        assert {row.state for row in mended.rows("delivery")} == {"delivered"}
        assert len(mended.mails()) == 3
        assert not [mark for mark in mended.rows("mark") if mark.name.startswith("notice/")]


def test_what_one_paper_alone_breaks_waits_and_stops_nobody_else(
    due: str, tmp_path: Path, clock: FrozenClock
) -> None:
    mine = override(
        tmp_path,
        "email/card.html.j2",
        "{{ marked(card.title) }}",
        "{{ marked(card.title) }}{% if 'part 0' in card.title[-1].text %}{{ 1 // 0 }}{% endif %}",
    )
    with house(due, tmp_path, clock) as running:
        running.tick()
        states = {row.address: row.state for row in running.rows("delivery")}
        assert states == {"ada@example.org": "deferred", "bo@example.org": "delivered"}
        assert tell_operator(running.app) == 0
    mine.unlink()
    clock.tick(hours=1)
    with house(due, tmp_path, clock) as mended:
        mended.worker.turn()
        assert {row.state for row in mended.rows("delivery")} == {DeliveryState.DELIVERED}


def test_a_confirmation_waits_for_its_template(
    due: str, tmp_path: Path, clock: FrozenClock
) -> None:
    mine = override(tmp_path, "email/errand.mjml.j2", "{{ words.headline }}", "{{ words.headline")
    with house(due, tmp_path, clock) as running:
        app = running.app
        joining = Joining(app.database, app.subscriptions, keys=[KEY], clock=clock)
        joining.ask({"email": "cy@example.org"}, language="en")
        with app.errands(clock) as errands:
            assert "errand.mjml.j2" in errands.drain().faults[Channel.MAILBOX]
        assert tell_operator(app) == 1
    mine.unlink()
    with house(due, tmp_path, clock) as mended:
        with mended.app.errands(clock) as errands:
            assert errands.drain().states == {DeliveryState.DELIVERED: 1}
        assert len(mended.mails()) == 2
