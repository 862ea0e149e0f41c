"""The reader of the bounce mailbox: what each mail says, and that no bytes at all break it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.delivery.bounce_dialects import unusual
from digest.delivery.bounce_reports import Report, read_report
from digest.model import BounceKind
from tests.bounces import mails

TOKEN = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"
VERP = f"bounces+{TOKEN}@example.org"

READ = {
    "user unknown": (mails.dsn(VERP), BounceKind.USER_UNKNOWN, "5.1.1"),
    "full": (
        mails.dsn(VERP, status="5.2.2", diagnostic="smtp; 552 5.2.2 over quota"),
        BounceKind.MAILBOX_FULL,
        "5.2.2",
    ),
    "delayed": (mails.dsn(VERP, action="delayed", status="4.4.1"), BounceKind.DELAYED, "4.4.1"),
    "delayed (not yet retried)": (
        mails.dsn(VERP, action="Delayed ; still trying", status="4.0.0"),
        BounceKind.DELAYED,
        "4.0.0",
    ),
    "success": (mails.dsn(VERP, action="delivered", status="2.0.0"), None, ""),
    "relayed": (mails.dsn(VERP, action="relayed", status="2.0.0"), None, ""),
    "no status": (
        mails.dsn(VERP, status="", diagnostic="smtp; 550 No such user"),
        BounceKind.USER_UNKNOWN,
        "550",
    ),
    "complaint": (mails.complaint(VERP), BounceKind.COMPLAINT, ""),
    "not spam": (mails.complaint(VERP, feedback="not-spam"), None, ""),
    "opt-out": (mails.complaint(VERP, feedback="opt-out"), BounceKind.UNSUBSCRIBE, ""),
    "qmail": (mails.qmail(VERP), BounceKind.USER_UNKNOWN, "5.1.1"),
    "away": (mails.away(VERP), None, ""),
    "a person": (mails.answer(VERP), None, ""),
}


@pytest.mark.parametrize(("raw", "kind", "status"), READ.values(), ids=READ)
def test_what_a_mail_says(raw: bytes, kind: BounceKind | None, status: str) -> None:
    report = read_report(raw, dialect=unusual)
    assert (report.kind, report.status) == (kind, status), report.detail


@pytest.mark.parametrize(
    "raw",
    [
        mails.dsn(VERP),
        mails.dsn(f"Bounces <{VERP.upper()}>"),
        mails.dsn().replace(b"To: bounces@", f"Delivered-To: {VERP}\r\nTo: bounces@".encode()),
        mails.complaint(sender=f"<{VERP}>"),
        mails.complaint(return_path=f"<{VERP}>"),
    ],
    ids=["To", "in capitals", "Delivered-To", "Original-Mail-From", "Return-Path"],
)
def test_the_token_is_found_where_the_envelope_was(raw: bytes) -> None:
    assert read_report(raw).tokens == (TOKEN,)


@pytest.mark.parametrize(
    "raw",
    [
        mails.dsn(recipient=VERP),
        mails.dsn(diagnostic=f"smtp; 550 5.1.1 {VERP} unknown"),
        mails.dsn().replace(b"It could", f"To: {VERP}\n\nIt could".encode()),
        mails.qmail().replace(b"<ada@example.org>", f"<{VERP}>".encode()),
    ],
    ids=["recipient", "diagnostic", "text", "qmail"],
)
def test_the_body_of_a_bounce_names_nobody(raw: bytes) -> None:
    assert read_report(raw).tokens == ()


def test_an_unsubscribe_is_a_token_in_the_subject() -> None:
    token = "AbC-_.d" * 6
    assert read_report(mails.unsubscribe(token)).unsubscribes == (token,)


def test_without_a_dialect_a_machines_words_must_hold_a_status() -> None:
    vague = mails.qmail(VERP).replace(b"550 5.1.1", b"")
    assert read_report(vague).kind is None
    assert read_report(vague, dialect=lambda mail: True).kind is BounceKind.UNDETERMINED
    assert read_report(vague, dialect=lambda mail: False).kind is BounceKind.TEMPORARY


def test_a_dialect_that_stumbles_breaks_nothing() -> None:
    def stumble(mail: object) -> bool:
        raise IndexError("odd")

    assert read_report(mails.qmail(VERP), dialect=stumble) == Report(
        None, detail="unreadable (IndexError)"
    )


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_survived(raw: bytes) -> None:
    assert isinstance(read_report(raw, dialect=unusual), Report)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([mails.dsn(VERP), mails.complaint(VERP), mails.qmail(VERP)]),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 30), st.binary(max_size=12))),
)
def test_mangled_reports_are_survived(raw: bytes, cuts: list[tuple[int, int, bytes]]) -> None:
    for at, length, instead in cuts:
        raw = raw[:at] + instead + raw[at + length :]
    report = read_report(raw, dialect=unusual)
    assert len(report.detail) <= 300
    assert all(len(token) <= 80 for token in report.tokens)


def test_a_nest_of_parts_is_survived() -> None:
    raw = b"".join(
        f'Content-Type: multipart/mixed; boundary="{n}"\r\n\r\n--{n}\r\n'.encode()
        for n in range(2000)
    )
    assert read_report(b"Return-Path: <>\r\n" + raw).kind is None


def test_what_is_not_installed_says_nothing() -> None:
    """In a process of its own, where flufl.bounce cannot be imported."""
    told = (
        "import sys; sys.modules['flufl.bounce'] = None\n"
        "from digest.delivery.bounce_dialects import unusual\n"
        "from digest.delivery.bounce_reports import read_report\n"
        "print(read_report(sys.stdin.buffer.read(), dialect=unusual))\n"
    )
    raw = mails.qmail(VERP)
    found = subprocess.run([sys.executable, "-c", told], input=raw, capture_output=True, check=True)
    assert found.stdout.startswith(b"Report("), found.stdout
    assert b"unreadable" not in found.stdout
