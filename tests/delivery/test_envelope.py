"""What is looked at before a message leaves, and what its maker has vouched for."""

from __future__ import annotations

import pytest

from digest.delivery.envelope import Parcel, pack, stuffed
from digest.model import Message, Outcome
from tests.delivery.letters import letter

TAIL = b"--part\r\n" + b"line\r\n" * 2000


def vouched(head: bytes) -> Message:
    return letter(1)._replace(payload=head + TAIL, sound_tail=len(TAIL))


def test_a_sound_tail_leaves_the_bytes_alone() -> None:
    message = vouched(b"Subject: x\r\n\r\n")
    parcel = pack(message)
    assert isinstance(parcel, Parcel)
    assert parcel.body is message.payload
    assert parcel.is_ascii


@pytest.mark.parametrize(
    "head",
    [b"Subject: x\nBcc: y\r\n\r\n", b"Subject: x\ry\r\n\r\n", b"\n\r\n", b"Subject: x\r\n\r"],
    ids=["line-feed", "carriage-return", "begins-with-one", "ends-with-one"],
)
@pytest.mark.parametrize("size", [0, 5000], ids=["short", "long"])
def test_what_stands_before_it_is_looked_at(head: bytes, size: int) -> None:
    refused = pack(vouched(b"X: y\r\n" * (size // 6) + head))
    assert isinstance(refused, Outcome)
    assert "CR LF" in refused.reply


@pytest.mark.parametrize("head", [b".x\r\n\r\n", b"X: y\r\n.z\r\n"], ids=["first", "later"])
def test_what_stands_before_it_is_stuffed(head: bytes) -> None:
    parcel = pack(vouched(head))
    assert isinstance(parcel, Parcel)
    assert parcel.body == stuffed(head + TAIL)
    assert parcel.body != head + TAIL


def test_a_header_put_before_it_is_looked_at() -> None:
    message = vouched(b"Subject: x\r\n\r\n")
    longer = message._replace(payload=b"DKIM-Signature: a=b\nc\r\n" + message.payload)
    assert isinstance(pack(longer), Outcome)


def test_letters_beyond_ascii_before_it_are_seen() -> None:
    parcel = pack(vouched("To: jürgen@example.org\r\n\r\n".encode()))
    assert isinstance(parcel, Parcel)
    assert not parcel.is_ascii
