"""The mails that answer somebody at the door: on a real server, on both engines, killed and tried
again, and never to who must not be written to."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.delivery.account import Account, Security, Timeouts
from digest.delivery.retry import Policy
from digest.delivery.smtp import SmtpSender
from digest.errands import Errands
from digest.errors import InvalidSubscriber, TokenError
from digest.model import (
    Channel,
    Decision,
    Delivery,
    DeliveryState,
    ErrandId,
    Outcome,
    Result,
    Settlement,
    Site,
)
from digest.outbox import Composed, Outbox, Route, Tally
from digest.rendering.environment import Templates
from digest.store.database import Database
from digest.store.errands import ErrandRow, ErrandStore, purge
from digest.store.listening import Listener
from digest.store.tables import table
from digest.subscriptions import Subscriptions
from digest.subscriptions.addresses import fingerprints
from digest.subscriptions.changing import Changing
from digest.subscriptions.joining import Joining
from digest.tokens import Purpose, Tokens
from tests.fakes import FrozenClock
from tests.smtpd import Drop, Smtpd

KEYS = ("a key for the tests, as long as it has to be",)
SITE = Site(
    name="Lab Reading Group",
    base_url="https://papers.example.org",
    identity="Lab Reading Group, 1 Quay, Harbour Town",
    operator_email="operator@example.org",
    from_address="digest@example.org",
)
WISH = {"name": "Owls", "statement": "how owls see at dusk"}
NEW = "new@example.org"
HOSTILE = 'Buy <a href="https://evil.example">pills</a>\r\nBcc: all@example.org'


class Door:
    """One installation: its stories, its queue, and a server that takes its mail."""

    def __init__(self, database: Database, server: Smtpd, spool: Path) -> None:
        self.clock = FrozenClock()
        self.database, self.server, self.spool = database, server, spool
        self.subscriptions = Subscriptions(database, keys=KEYS, clock=self.clock)
        self.joining = Joining(database, self.subscriptions, keys=KEYS, clock=self.clock)
        self.changing = Changing(database, keys=KEYS, clock=self.clock)
        self.tokens = Tokens(KEYS)
        self.store = ErrandStore(database, hashes=lambda it: fingerprints(it, KEYS))
        self.mails = Errands(self.store, self.tokens, SITE, Templates())

    def ask(self, email: str = NEW, **interest: Any) -> None:
        record = {"email": email, "interests": [WISH | interest]}
        self.joining.ask(record, language="en")

    def drain(self) -> Tally:
        account = Account(
            host="127.0.0.1",
            port=self.server.port,
            security=Security.NONE,
            sessions=1,
            timeouts=Timeouts(connect=2, reply=5, end_of_data=5, grace=1),
        )
        route = Route(Channel.SMTP, lambda: SmtpSender(account), Policy(jitter=0))
        with Outbox(
            self.store, self.mails.compose, [route], spool=self.spool, clock=self.clock
        ) as outbox:
            return outbox.drain()

    def token(self) -> str:
        """What stands behind the last slash of the newest mail's link."""
        found = re.search(r"https://papers\.example\.org/\w/(\S+)", self.text())
        assert found
        return found[1]

    def text(self) -> str:
        part = self.mail().get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    def mail(self) -> EmailMessage:
        message = message_from_bytes(self.server.accepted[-1].data, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    def errand(self) -> ErrandId:
        now, lasts = self.clock(), timedelta(days=7)
        return ErrandId(self.tokens.read(Purpose.CONFIRM, self.token(), now=now, max_age=lasts)[0])

    def rows(self) -> Sequence[Any]:
        with self.database.read() as connection:
            return connection.execute(sa.select(table(ErrandRow))).all()


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd() as server:
        yield server


@pytest.fixture
def door(database: Database, server: Smtpd, tmp_path: Path) -> Door:
    return Door(database, server, tmp_path / "spool")


# --- the way in ---------------------------------------------------------------------------------


def test_a_wish_becomes_a_mail_and_the_mail_a_subscriber(door: Door) -> None:
    door.ask()
    assert door.drain().states[DeliveryState.DELIVERED] == 1
    assert door.server.recipients == [NEW]
    assert door.subscriptions.ids() == []
    welcome = door.joining.confirm(door.errand())
    assert (welcome.email, welcome.state.value) == (NEW, "active")
    assert [one.statement for one in welcome.interests] == ["how owls see at dusk"]
    assert welcome.confirmed_at == door.clock()
    assert welcome.next_due_at is not None


def test_saying_yes_twice_is_saying_it_once(door: Door) -> None:
    door.ask()
    door.drain()
    first = door.joining.confirm(door.errand())
    assert door.joining.confirm(door.errand()) == first
    assert len(door.subscriptions.ids()) == 1


def test_the_mail_carries_nothing_that_was_typed(door: Door) -> None:
    door.ask(name="Cheap pills", statement=HOSTILE, query='"evil words"')
    door.drain()
    mail = door.mail()
    told = door.server.accepted[-1].data.decode()
    body = door.text() + mail.get_body(("html",)).get_content()  # type: ignore[union-attr] # it has
    for word in ("pills", "evil", "Bcc"):
        assert word not in told + body
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["List-Unsubscribe"] is None
    assert mail["To"] == NEW
    assert not door.server.breaches


@pytest.mark.parametrize(
    ("stands", "mails", "subject_to"),
    [
        ("unknown", 1, "it begins"),
        ("pending", 1, "it begins"),
        ("active", 1, "already"),
        ("paused", 1, "already"),
        ("unsubscribed", 1, "it begins"),
        ("suspended", 0, ""),
        ("suppressed", 0, ""),
        ("removed", 0, ""),
    ],
)
def test_who_is_known_is_looked_at_when_the_mail_goes_out(
    door: Door, stands: str, mails: int, subject_to: str
) -> None:
    stand(door, stands)
    door.ask()
    row = door.rows()[-1]
    assert (row.state, row.attempts, row.subscriber_id) == ("queued", 0, None)
    door.drain()
    assert door.server.recipients == [NEW] * mails
    if mails:
        assert subject_to in door.text()


def stand(door: Door, stands: str) -> None:
    """Have somebody of this state at the address, with an interest of their own."""
    if stands == "unknown":
        return
    own = {"name": "Owls", "query": "tawny"}
    state = stands if stands in ("pending", "active") else "active"
    door.subscriptions.add({"email": NEW, "state": state, "cadence": "monthly", "interests": [own]})
    verbs: dict[str, Callable[[], object]] = {
        "paused": lambda: door.subscriptions.pause(NEW),
        "unsubscribed": lambda: door.subscriptions.unsubscribe(NEW),
        "suspended": lambda: door.subscriptions.suspend(NEW, reason="bounces"),
        "suppressed": lambda: door.subscriptions.suppress(NEW, reason="complaint"),
        "removed": lambda: door.subscriptions.remove(NEW),
    }
    verbs.get(stands, lambda: None)()


@pytest.mark.parametrize(
    ("stands", "state", "cadence"),
    [
        ("pending", "active", "weekly"),
        ("unsubscribed", "active", "weekly"),
        ("active", "active", "monthly"),
        ("paused", "paused", "monthly"),
    ],
)
def test_who_says_yes_keeps_what_they_had(
    door: Door, stands: str, state: str, cadence: str
) -> None:
    stand(door, stands)
    record = {"email": NEW, "cadence": "weekly", "interests": [WISH]}
    door.joining.ask(record, language="en")
    door.drain()
    welcome = door.joining.confirm(door.errand())
    assert (welcome.state.value, welcome.schedule.cadence.value) == (state, cadence)
    assert [one.name for one in welcome.interests] == ["Owls", "Owls 2"]
    door.ask()
    door.drain()
    again = door.joining.confirm(door.errand())
    assert [one.name for one in again.interests] == ["Owls", "Owls 2"]


def test_who_was_stopped_meanwhile_is_not_brought_back(door: Door) -> None:
    door.ask()
    door.drain()
    door.subscriptions.suppress(NEW, reason="complaint")
    with pytest.raises(InvalidSubscriber):
        door.joining.confirm(door.errand())
    assert door.subscriptions.ids() == []


@pytest.mark.postgres
def test_who_waits_at_the_door_is_heard_by_workers_elsewhere(
    postgres_database: Database, tmp_path: Path
) -> None:
    stop, heard = threading.Event(), threading.Semaphore(0)
    listener = Listener(postgres_database, heard.release, stop=stop)
    listener.start()
    assert heard.acquire(timeout=5)  # begins with a poke
    with Smtpd() as server:
        Door(postgres_database, server, tmp_path).ask()
    assert heard.acquire(timeout=5)
    stop.set()
    listener.join(5)


def test_a_link_ends_and_forgotten_wishes_are_gone(door: Door) -> None:
    door.ask()
    door.drain()
    errand = door.errand()
    door.clock.tick(days=8)
    with pytest.raises(TokenError, match="expired"):
        door.joining.confirm(errand)
    assert purge(door.database, door.clock()) == 1
    with pytest.raises(TokenError):
        door.joining.look(errand)


def test_a_wish_that_cannot_be_read_is_not_queued(door: Door) -> None:
    with pytest.raises(InvalidSubscriber, match="query"):
        door.ask(query="(owls")
    assert door.rows() == []


def test_whoever_is_forgotten_takes_their_wishes_along(door: Door) -> None:
    door.subscriptions.add({"email": NEW, "interests": [WISH]})
    door.ask()
    door.changing.send_link(NEW, language="en")
    door.subscriptions.remove(NEW)
    assert door.rows() == []


# --- the link, and a new address ----------------------------------------------------------------


def test_the_link_goes_to_who_has_one(door: Door) -> None:
    for address in ("nobody@example.org", NEW):
        door.changing.send_link(address, language="en")
    reader = door.subscriptions.add({"email": NEW, "interests": [WISH]})
    door.drain()
    assert door.server.recipients == [NEW]
    assert door.tokens.read(Purpose.PREFERENCES, door.token()) == (reader.id,)


def test_a_new_address_counts_once_it_says_yes(door: Door) -> None:
    reader = door.subscriptions.add({"email": NEW, "interests": [WISH]})
    door.changing.ask_address(reader, "other@example.org")
    door.drain()
    assert door.server.recipients == ["other@example.org"]
    assert door.subscriptions.subscriber(NEW).id == reader.id
    whose, number = door.tokens.read(Purpose.CHANGE, door.token())
    with pytest.raises(TokenError):
        door.changing.look(type(reader.id)(reader.id + 1), ErrandId(number))
    for _ in range(2):
        moved = door.changing.confirm_address(type(reader.id)(whose), ErrandId(number))
        assert (moved.id, moved.email) == (reader.id, "other@example.org")


def test_the_old_address_hears_of_it(door: Door) -> None:
    reader = door.subscriptions.add({"email": NEW, "interests": [WISH]})
    door.changing.ask_address(reader, "other@example.org")
    door.changing.confirm_address(reader.id, ErrandId(door.rows()[-1].id))
    door.drain()
    assert door.server.recipients == ["other@example.org", NEW]
    mail = door.mail()
    assert "has moved" in mail["Subject"]
    for part in ("plain", "html"):
        body = mail.get_body((part,))
        assert body is not None
        text = body.get_content()
        assert "o…r@example.org" in text
        assert "mailto:" in text
        assert "/p/" not in text
        assert "other@" not in text


@pytest.mark.parametrize("how", ["taken", "suppressed"])
def test_an_address_that_is_not_free_is_not_taken(door: Door, how: str) -> None:
    reader = door.subscriptions.add({"email": NEW, "interests": [WISH]})
    door.changing.ask_address(reader, "other@example.org")
    if how == "taken":
        door.subscriptions.add({"email": "other@example.org", "interests": [WISH]})
    else:
        door.subscriptions.suppress("other@example.org", reason="complaint")
    with pytest.raises(InvalidSubscriber):
        door.changing.confirm_address(reader.id, ErrandId(door.rows()[-1].id))
    assert door.subscriptions.subscriber(NEW).id == reader.id


# --- the queue ----------------------------------------------------------------------------------


def test_a_refusal_for_now_is_tried_again_with_the_same_bytes(door: Door) -> None:
    door.server.on("END", "451 4.3.0 later", times=1)
    door.ask()
    assert door.drain().states[DeliveryState.DEFERRED] == 1
    first = next(iter(door.mails.compose(held(door))))
    door.clock.tick(minutes=6)
    assert door.drain().states[DeliveryState.DELIVERED] == 1
    assert door.server.accepted[-1].data.replace(b"\r\n", b"\n").rstrip() == payload(first)
    assert [(row.state, row.attempts) for row in door.rows()] == [("delivered", 2)]


def held(door: Door) -> list[Delivery]:
    """The deferred mail, as a worker would hold it."""
    later = door.clock() + timedelta(days=1)
    batch = door.store.claim(
        Channel.SMTP, now=later, worker="w", limit=9, lease=timedelta(minutes=1)
    )
    door.store.release("w")
    return list(batch.deliveries)


def payload(composed: Composed) -> bytes:
    return bytes(getattr(composed, "payload", b"")).replace(b"\r\n", b"\n").rstrip()


def test_an_answer_that_was_lost_means_one_more_with_the_same_message_id(door: Door) -> None:
    door.server.on("END", Drop(accept=True), times=1)
    door.ask()
    door.drain()
    door.clock.tick(hours=1)
    door.drain()
    identifiers = {message_from_bytes(one.data)["Message-ID"] for one in door.server.accepted}
    assert (len(door.server.accepted), len(identifiers)) == (2, 1)
    assert door.rows()[0].state == "delivered"


def test_a_worker_that_died_keeps_nobody_waiting(door: Door) -> None:
    door.ask()
    now, lease = door.clock(), timedelta(seconds=-1)
    assert door.store.claim(Channel.SMTP, now=now, worker="dead", limit=9, lease=lease).deliveries
    assert door.store.stalled() == ["dead"]
    door.drain()  # its machine is lost: it may have left, so it is tried once more, later
    door.clock.tick(hours=1)
    door.drain()
    assert door.server.recipients == [NEW]


def test_only_the_newest_claim_settles(door: Door) -> None:
    door.ask()
    now, over = door.clock(), timedelta(seconds=-1)
    [old] = door.store.claim(Channel.SMTP, now=now, worker="slow", limit=9, lease=over).deliveries
    assert door.store.renew("slow", lease=over) == 1
    assert door.store.release("slow") == 1
    [new] = door.store.claim(Channel.SMTP, now=now, worker="next", limit=9, lease=over).deliveries
    assert (old.claim, new.claim) == (1, 2)
    assert [one.claim for one in door.store.held_by("next")] == [2]
    assert door.store.settle([settlement(old)], now=now) == 0
    assert door.store.settle([settlement(new)], now=now) == 1


def settlement(delivery: Delivery) -> Settlement:
    return Settlement(
        delivery,
        Outcome(delivery.id, Result.ACCEPTED, code=250),
        Decision(DeliveryState.DELIVERED),
    )


def test_what_was_not_delivered_in_time_is_not_delivered_later(door: Door) -> None:
    door.ask()
    assert door.store.next_attempt() == door.clock()
    door.clock.tick(days=8)
    assert door.drain().states[DeliveryState.EXPIRED] == 1
    assert door.server.accepted == []
    assert door.store.next_attempt() is None


def test_feeds_are_revoked_by_the_next_generation(door: Door) -> None:
    reader = door.subscriptions.add({"email": NEW, "interests": [WISH]})
    assert door.changing.renew_feeds(reader.id).feed_generation == 1
    assert door.subscriptions.subscriber(NEW).feed_generation == 1


def test_a_claim_keeps_its_limit_where_the_planner_takes_the_queue_for_tiny(
    postgres_database: Database, server: Smtpd, tmp_path: Path
) -> None:
    door = Door(postgres_database, server, tmp_path / "spool")
    door.ask("reader0@example.org")
    with postgres_database.engine.connect() as connection:
        connection.execute(sa.text("ANALYZE"))
    for n in range(1, 5):
        door.ask(f"reader{n}@example.org")
    sizes = [
        len(
            door.store.claim(
                Channel.SMTP,
                now=door.clock(),
                worker=f"worker {n}",
                limit=2,
                lease=timedelta(minutes=1),
            ).deliveries
        )
        for n in range(4)
    ]
    assert sizes == [2, 2, 1, 0]
