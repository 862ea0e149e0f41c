"""The bounce mailbox over IMAP, on the wire with TLS: read, understood, put away, never lost."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from digest.bounces import Hearing
from digest.bounces.hearing import Heard
from digest.delivery.bounce_mailbox import ImapAccount, ImapMailbox
from digest.delivery.bounce_reports import LONGEST
from digest.errors import DeliveryFault, StoreBusy
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions
from digest.tokens import Purpose, Tokens
from tests.bounces import mails
from tests.fakes import FrozenClock
from tests.imapd import Imapd
from tests.queued import fill

KEY = "k" * 40
TOKENS = Tokens([KEY])


class Wire:
    """A server's certificate and its authority."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(self.tls)


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    return Wire(tmp_path_factory.mktemp("imap"))


def account(wire: Wire, server: Imapd, **fields: Any) -> ImapAccount:
    usual = ImapAccount(
        host="localhost",
        username="bounces",
        password="hush",
        port=server.port,
        starttls=server.starttls,
        ca_file=wire.ca,
        timeout=5.0,
    )
    return replace(usual, **fields)


def bounce(number: int) -> bytes:
    return mails.dsn(f"bounces+{TOKENS.sign(Purpose.BOUNCE, number)}@example.org")


@pytest.fixture
def hearing(sqlite_database: Database) -> Hearing:
    fill(sqlite_database, 3)
    clock = FrozenClock()
    return Hearing(
        BounceStore(sqlite_database),
        subscribers=SubscriberStore(sqlite_database),
        subscriptions=Subscriptions(sqlite_database, keys=[KEY], clock=clock),
        tokens=TOKENS,
        clock=clock,
    )


@pytest.mark.parametrize("starttls", [False, True], ids=["TLS", "STARTTLS"])
def test_everything_is_read_and_deleted(wire: Wire, hearing: Hearing, starttls: bool) -> None:
    inbox = [bounce(1), mails.away(), bounce(2), mails.answer(), mails.qmail()]
    with Imapd(wire.tls, {"INBOX": inbox}, starttls=starttls) as server:
        heard = hearing.read(ImapMailbox(account(wire, server)))
        assert server.folders["INBOX"] == []
    assert (heard.read, heard.events) == (5, 2)
    assert sum(heard.ignored.values()) == 3


def test_what_was_read_may_be_kept(wire: Wire, hearing: Hearing) -> None:
    raw = bounce(1)
    with Imapd(wire.tls, {"INBOX": [raw], "Read": []}) as server:
        hearing.read(ImapMailbox(account(wire, server, keep_in="Read")))
        assert server.folders == {"INBOX": [], "Read": [raw]}


def test_many_are_read_in_parts(wire: Wire, hearing: Hearing) -> None:
    with Imapd(wire.tls, {"INBOX": [bounce(1 + n % 3) + b"%d" % n for n in range(120)]}) as server:
        heard = hearing.read(ImapMailbox(account(wire, server)))
        assert server.folders["INBOX"] == []
    assert (heard.read, heard.events) == (120, 120)


def test_of_a_huge_mail_only_the_beginning_is_fetched(wire: Wire, hearing: Hearing) -> None:
    with Imapd(wire.tls, {"INBOX": [bounce(1) + b"x" * 3 * LONGEST]}) as server:
        assert hearing.read(ImapMailbox(account(wire, server))).events == 1


def test_a_mail_stays_until_its_meaning_is_committed(wire: Wire, hearing: Hearing) -> None:
    class Torn(Hearing):
        def take(self, mails: object, heard: Heard) -> None:
            raise StoreBusy("The database is away.")

    torn = Torn.__new__(Torn)
    with Imapd(wire.tls, {"INBOX": [bounce(1)]}) as server:
        with pytest.raises(StoreBusy):
            torn.read(ImapMailbox(account(wire, server)))
        assert len(server.folders["INBOX"]) == 1
        assert hearing.read(ImapMailbox(account(wire, server))).events == 1


@pytest.mark.parametrize(
    ("change", "refuse"),
    [
        ({"password": "wrong"}, set()),
        ({"folder": "Elsewhere"}, set()),
        ({"keep_in": "Elsewhere"}, set()),
        ({"ca_file": None}, set()),
        ({}, {"SEARCH"}),
        ({}, {"FETCH"}),
        ({}, {"STORE"}),
    ],
    ids=["password", "folder", "keep in", "stranger's certificate", "search", "fetch", "store"],
)
def test_a_mailbox_that_cannot_be_read_says_so(
    wire: Wire, hearing: Hearing, change: dict[str, Any], refuse: set[str]
) -> None:
    with Imapd(wire.tls, {"INBOX": [bounce(1)]}, refuse=refuse) as server:
        with pytest.raises(DeliveryFault, match=r"bounce mailbox \S+ at localhost") as told:
            hearing.read(ImapMailbox(account(wire, server, **change)))
        assert len(server.folders["INBOX"]) == 1
    assert "hush" not in str(told.value)
