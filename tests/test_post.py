"""The post as configured, from settings to the wire and back, on real databases."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from digest.bounces import Heard
from digest.config import Settings
from digest.delivery.pausing import PROBE, SPAN
from digest.delivery.rates import Rate
from digest.errors import ConfigError, DeliveryFault
from digest.model import Channel, DeliveryId, SubscriberState
from digest.outbox import Outbox, Route
from digest.post import AccountBudget, DomainBudgets, Post
from digest.store.bounces import BounceStore
from digest.store.budgets import BudgetStore
from digest.store.database import Database
from digest.store.outbox import OutboxStore
from digest.store.tables import DeliveryRow, table
from digest.subscriptions import Subscriptions
from digest.tokens import Purpose, Tokens
from tests.bounces import mails
from tests.delivery.letters import Notes, letter
from tests.fakes import START, FrozenClock
from tests.queued import fill, write_letter
from tests.smtpd import Smtpd

dkim = pytest.importorskip("dkim", reason="the judge is dkimpy[ed25519]")
KEY = "k" * 40
_delivery = table(DeliveryRow)


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd() as running:
        yield running


class Office:
    """One installation: a database, a configuration, a clock."""

    def __init__(self, database: Database, server: Smtpd, **delivery: Any) -> None:
        smtp = {"host": "127.0.0.1", "port": server.port, "security": "none", "sessions": 1}
        smtp |= delivery.pop("smtp", {})
        site = {"operator_email": "op@example.org", "secret_keys": [KEY]}
        said = {"channel": "smtp", "smtp": smtp, **delivery}
        self.settings = Settings.model_validate({"site": site, "delivery": said})
        self.database = database
        self.clock = FrozenClock()
        self.told: list[str] = []
        self.tokens = Tokens([KEY])
        self.subscriptions = Subscriptions(database, keys=[KEY], clock=self.clock)
        self.post = Post(
            self.settings,
            database,
            tokens=self.tokens,
            subscriptions=self.subscriptions,
            clock=self.clock,
            stop=threading.Event(),
            tell=self.told.append,
        )
        self.outbox_store = OutboxStore(database)

    def drain(self, spool: Path) -> Any:
        route = Route(Channel.SMTP, self.post.sender)
        queue = self.post.queue(self.outbox_store)
        with Outbox(
            queue, lambda some: map(write_letter, some), [route], spool=spool, clock=self.clock
        ) as outbox:
            return outbox.drain()

    def verp(self, number: int) -> str:
        made = self.post.verp
        assert made is not None
        return made(DeliveryId(number))

    def bounce_address(self, number: int) -> str:
        return f"bounces+{self.tokens.sign(Purpose.BOUNCE, number)}@example.org"


# --- out ----------------------------------------------------------------------------------------


def test_mails_are_signed_as_received(sqlite_database: Database, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = tmp_path / "dkim.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes_raw()
    with Smtpd() as server:
        office = Office(
            sqlite_database,
            server,
            dkim={"domain": "example.org", "selector": "s", "private_key": str(pem)},
            bounces={"address": "bounces@example.org", "token_header": "postmark"},
        )
        message = letter(envelope_from=office.verp(1))
        with office.post.sender() as sender:
            list(sender.send([message], Notes()))
        received = server.accepted[0]
    assert received.sender == office.bounce_address(1)
    token = office.tokens.sign(Purpose.BOUNCE, 1)
    assert f"X-PM-Metadata-digest: {token}\r\n".encode() in received.data

    def record(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s._domainkey.example.org."
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public)

    assert dkim.verify(received.data, dnsfunc=record)


def test_a_signed_sender_fits_an_envelope(sqlite_database: Database, server: Smtpd) -> None:
    office = Office(sqlite_database, server, bounces={"address": "bouncesabc@example.org"})
    local = office.verp(2**42).partition("@")[0]
    assert len(local) <= 64
    assert local == local.lower()


def test_rates_hold_between_offices(database: Database, server: Smtpd, tmp_path: Path) -> None:
    fill(database, 10)
    one = Office(database, server, smtp={"rates": "4/day"})
    two = Office(database, server, smtp={"rates": "4/day"})
    tallies = [one.drain(tmp_path / "one"), two.drain(tmp_path / "two")]
    assert len(server.accepted) == 4
    assert not any(tally.has_failures for tally in tallies)
    assert all(tally.waits[Channel.SMTP] > 80000 for tally in tallies)


def test_threads_share_one_budget(database: Database) -> None:
    budget = AccountBudget(BudgetStore(database), "one", (Rate(100, 86400),))
    with ThreadPoolExecutor(4) as pool:
        granted = list(pool.map(lambda _: budget.take(7).count, range(30)))
    assert sum(granted) == 100


def test_domains_are_spared_and_come_later(
    database: Database, server: Smtpd, tmp_path: Path
) -> None:
    fill(database, 6)
    with database.write() as connection:
        other = sa.update(_delivery).where(_delivery.c.id == 6)
        connection.execute(other.values(address="reader6@example.net"))
    office = Office(database, server, domain_rates={"example.org": "2/hour"})
    office.drain(tmp_path)
    assert len(server.accepted) == 3, "two of one domain, and the other"
    with database.read() as connection:
        left = connection.execute(
            sa.select(_delivery.c.state, _delivery.c.attempts, _delivery.c.next_attempt_at).where(
                _delivery.c.state != "delivered"
            )
        ).all()
    assert [(row.state, row.attempts) for row in left] == [("queued", 0)] * 3
    assert all(row.next_attempt_at > START + timedelta(minutes=50) for row in left)
    assert len({row.next_attempt_at for row in left}) == 2, "two at a time, not all at once"


def test_every_domain_without_a_rate_has_the_stars(sqlite_database: Database) -> None:
    rates = {"*": (Rate(1, 3600),), "big.example": (Rate(3, 3600),)}
    budgets = DomainBudgets(BudgetStore(sqlite_database), rates)
    grants = budgets.take(Counter({"big.example": 5, "a.example": 5, "b.example": 1}))
    assert {name: grant.count for name, grant in grants.items()} == {
        "big.example": 3,
        "a.example": 1,
        "b.example": 1,
    }


def test_a_new_sender_is_warmed_up(sqlite_database: Database, server: Smtpd) -> None:
    office = Office(sqlite_database, server, smtp={"warmup_first_day": 3, "warmup_growth": 2.0})
    with office.post.sender() as sender, pytest.raises(DeliveryFault):
        list(sender.send(map(letter, range(1, 10)), Notes()))
    assert len(server.accepted) == 3


def test_an_account_that_keeps_failing_is_left_alone_and_told_once(
    sqlite_database: Database, server: Smtpd
) -> None:
    office = Office(sqlite_database, server)
    server.on("EHLO", "554 5.7.1 go away")
    server.on("HELO", "554 5.7.1 go away")

    def try_once() -> None:
        with office.post.sender() as sender, pytest.raises(DeliveryFault):
            list(sender.send([letter()], Notes()))

    for _ in range(4):
        try_once()
        office.clock.tick(seconds=SPAN.total_seconds() / 3)
    before = server.sessions
    try_once()
    assert server.sessions == before, "left alone"
    assert len(office.told) == 1
    server.rules.clear()
    office.clock.tick(seconds=PROBE.total_seconds())
    with office.post.sender() as sender:
        list(sender.send([letter()], Notes()))
    assert len(server.accepted) == 1
    assert len(office.told) == 2
    (health,) = office.post.routes.listed()
    assert health.paused_at is None


def test_a_key_that_is_not_there_is_a_fault_of_the_configuration(
    sqlite_database: Database, server: Smtpd, tmp_path: Path
) -> None:
    dkim_section = {"domain": "e.org", "selector": "s", "private_key": str(tmp_path / "none")}
    with pytest.raises(ConfigError, match="private_key"):
        Office(sqlite_database, server, dkim=dkim_section).post.sender()


# --- back ---------------------------------------------------------------------------------------


def state(office: Office, number: int = 1) -> SubscriberState:
    return office.subscriptions.subscriber(f"reader{number}@example.org").state


def test_refusals_on_the_wire_suspend_on_the_second_day(
    database: Database, server: Smtpd, tmp_path: Path
) -> None:
    server.on("RCPT", "550 5.1.1 nobody of this name")
    office = Office(database, server)
    fill(database, 1)
    office.drain(tmp_path)
    office.post.read_bounces()
    assert state(office) is SubscriberState.ACTIVE
    office.clock.tick(days=1)
    with database.write() as connection:
        again = {"state": "queued", "next_attempt_at": office.clock.now}
        connection.execute(sa.update(_delivery).values(again))
    office.drain(tmp_path)
    office.post.read_bounces()
    assert state(office) is SubscriberState.SUSPENDED
    reason = office.subscriptions.subscriber("reader1@example.org").state_reason
    assert "2026-11-20" in reason
    assert "nobody of this name" in reason
    kinds = [one.kind for one in BounceStore(database).listed()]
    assert sorted(kinds) == ["suspended", "user_unknown", "user_unknown"]
    office.subscriptions.resume("reader1@example.org")
    office.post.read_bounces()
    assert state(office) is SubscriberState.ACTIVE, "what was settled is settled"


def test_a_mailbox_that_is_away_stops_no_verdict(database: Database, server: Smtpd) -> None:
    fill(database, 1)
    imap = {"imap_host": "127.0.0.1", "imap_port": 1, "imap_username": "b", "imap_password": "p"}
    office = Office(database, server, bounces=imap)
    heard = Heard()
    office.post.hearing.take([mails.complaint(sender=f"<{office.bounce_address(1)}>")], heard)
    office.post.listen()
    assert state(office) is SubscriberState.SUSPENDED


def test_a_complaint_suppresses_at_once(database: Database, server: Smtpd) -> None:
    fill(database, 2)
    office = Office(database, server)
    heard = office.post.hearing.decide()
    office.post.hearing.take([mails.complaint(sender=f"<{office.bounce_address(1)}>")], heard)
    office.post.hearing.decide(heard)
    assert heard.events == 1
    assert state(office, 1) is SubscriberState.SUSPENDED
    assert office.subscriptions.is_suppressed("reader1@example.org")
    assert state(office, 2) is SubscriberState.ACTIVE, "the address in the body is nobody's"


def test_an_unsubscribe_by_mail_acts_at_once(database: Database, server: Smtpd) -> None:
    fill(database, 1)
    office = Office(database, server)
    token = office.tokens.sign(Purpose.UNSUBSCRIBE, 1)
    heard = office.post.hearing.decide()
    office.post.hearing.take([mails.unsubscribe(token), mails.unsubscribe(token)], heard)
    assert state(office) is SubscriberState.UNSUBSCRIBED
    with database.read() as connection:
        assert connection.execute(sa.select(_delivery.c.state)).scalar_one() == "cancelled"


FORGED = {
    "no token": mails.dsn("bounces@example.org"),
    "another's token": mails.dsn(
        f"bounces+{Tokens(['x' * 40]).sign(Purpose.BOUNCE, 1)}@example.org"
    ),
    "another purpose": mails.unsubscribe(Tokens([KEY]).sign(Purpose.PREFERENCES, 1)),
    "no delivery of ours": mails.dsn(
        f"bounces+{Tokens([KEY]).sign(Purpose.BOUNCE, 99)}@example.org"
    ),
}


@pytest.mark.parametrize("raw", FORGED.values(), ids=FORGED)
def test_what_is_forged_concerns_nobody(
    sqlite_database: Database, server: Smtpd, raw: bytes
) -> None:
    fill(sqlite_database, 1)
    office = Office(sqlite_database, server)
    heard = office.post.hearing.decide()
    for _ in range(3):
        office.post.hearing.take([raw], heard)
        office.clock.tick(days=1)
    office.post.hearing.decide(heard)
    assert (heard.events, heard.unsubscribed) == (0, 0)
    assert state(office) is SubscriberState.ACTIVE


def test_an_event_told_twice_counts_once(database: Database, server: Smtpd) -> None:
    fill(database, 1)
    office = Office(database, server)
    raw = mails.dsn(office.bounce_address(1))
    heard = office.post.hearing.decide()
    office.post.hearing.take([raw, raw], heard)
    office.clock.tick(days=1)
    office.post.hearing.take([raw], heard)
    office.post.hearing.decide(heard)
    assert heard.events == 1
    assert state(office) is SubscriberState.ACTIVE


def test_a_bounce_of_an_old_address_is_not_the_new_ones(database: Database, server: Smtpd) -> None:
    fill(database, 1, address="former@example.org")
    office = Office(database, server)
    heard = office.post.hearing.decide()
    office.post.hearing.take([mails.dsn(office.bounce_address(1))], heard)
    assert heard.events == 0
