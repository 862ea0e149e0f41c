"""What refusals mean: a table of what mail systems say."""

from __future__ import annotations

import pytest

from digest.delivery.bounce_kinds import bounce_of, classify, status_in
from digest.model import BounceKind, DeliveryId, Outcome, Result

SAID = [
    ("5.1.1", "user unknown", BounceKind.USER_UNKNOWN),
    ("550", "5.1.1 The email account that you tried to reach does not exist", "user_unknown"),
    ("550", "5.1.10 Recipient not found by lookup", "user_unknown"),
    ("554", "This user doesn't have a example.org account", "user_unknown"),
    ("550", "No such user here", "user_unknown"),
    ("5.2.1", "mailbox disabled, not accepting messages", "user_unknown"),
    ("5.1.2", "host unknown", "no_domain"),
    ("5.4.4", "unable to route", "no_domain"),
    ("550", "Domain not found", "no_domain"),
    ("552", "5.2.2 The mailbox is over quota", "mailbox_full"),
    ("5.1.1", "user unknown or mailbox full", "mailbox_full"),
    ("452", "4.2.2 full", "mailbox_full"),
    ("450", "4.7.1 Greylisted, come back in 5 minutes", "greylisted"),
    ("550", "5.1.1 rejected, 192.0.2.1 is listed in a block list", "blocked"),
    ("554", "5.7.1 Service unavailable; Client host blocked using Spamhaus", "blocked"),
    ("550", "5.7.26 Unauthenticated mail is not accepted due to DMARC", "policy"),
    ("550", "5.7.1 Relaying denied", "policy"),
    ("552", "5.3.4 Message size exceeds fixed limit", "too_big"),
    ("451", "4.4.1 connection timed out", "temporary"),
    ("450", "4.1.1 user unknown in local table", "temporary"),
    ("421", "try later", "temporary"),
    ("550", "Requested action not taken", "undetermined"),
    ("", "", "undetermined"),
]


@pytest.mark.parametrize(("status", "words", "kind"), SAID, ids=[one[1] or "?" for one in SAID])
def test_what_servers_say(status: str, words: str, kind: str) -> None:
    assert classify(status, words) == kind


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Remote host said: 550 5.1.1 nobody", "5.1.1"),
        ("550 nobody", "550"),
        ("version 15.1.1.2 of 2026", ""),
        ("5.1.1", "5.1.1"),
        ("192.5.1.1 hung up", ""),
    ],
)
def test_a_status_is_found_among_words(words: str, status: str) -> None:
    assert status_in(words) == status


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome(DeliveryId(1), Result.ACCEPTED, 250, "ok"), None),
        (Outcome(DeliveryId(1), Result.REFUSED, 554, "5.7.1 spam"), None),
        (Outcome(DeliveryId(1), Result.DEFERRED, 450, "x", recipient_fault=True), None),
        (
            Outcome(DeliveryId(1), Result.REFUSED, 550, "5.1.1 who?", recipient_fault=True),
            BounceKind.USER_UNKNOWN,
        ),
        (
            Outcome(DeliveryId(1), Result.REFUSED, reply="no address", recipient_fault=True),
            BounceKind.USER_UNKNOWN,
        ),
    ],
    ids=["accepted", "our fault", "not final", "unknown", "not an address"],
)
def test_only_a_refusal_of_the_address_is_a_bounce(
    outcome: Outcome, kind: BounceKind | None
) -> None:
    assert bounce_of(outcome) is kind
