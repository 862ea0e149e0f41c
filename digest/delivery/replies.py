"""SMTP replies: read from bytes, made safe to store, and turned into outcomes (RFC 5321, 3463).

Pure. A reply that cannot be one has code 0; whoever holds the connection then gives it up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from digest.model import DeliveryId, Outcome, Result

INVITING: Final = 354  #: "start mail input", to DATA
LONGEST_REPLY: Final = 16 * 1024  #: bytes of one reply with all its lines
_KEPT: Final = 300  #: characters of a reply that are stored
_ACCEPTED: Final = Result.ACCEPTED
_UNSAFE = re.compile(r"[^\x20-\x7e]+")
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")


class Reply(NamedTuple):
    """One complete reply; `lines` without the code, parted by LF, as they came."""

    code: int
    lines: bytes

    @property
    def text(self) -> str:
        """The reply as one printable line, safe to store."""
        return one_line(self.lines)

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_transient(self) -> bool:
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        return 500 <= self.code < 600

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """The enhanced status code (RFC 3463), where the text starts with one."""
        found = _ENHANCED.match(self.text)
        return (int(found[1]), int(found[2]), int(found[3])) if found else None


GARBLED: Final = Reply(0, b"the server's reply makes no sense")


def one_line(text: str | bytes) -> str:
    """`text` as one printable line of at most 300 characters."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    if not (text.isascii() and text.isprintable()):
        text = _UNSAFE.sub(" ", text)
    return text.strip()[:_KEPT]


class ReplyReader:
    """Cuts a stream of bytes into replies, one line or many (RFC 5321, 4.2)."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._length = 0

    @property
    def is_empty(self) -> bool:
        """Whether every byte that came belongs to a reply already given out."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        replies = []
        for line in lines:
            reply, goes_on = _read(line)
            if goes_on or self._lines:
                self._lines.append(reply.lines)
                self._length += len(line)
            if goes_on:
                continue
            if self._lines and reply is not GARBLED:
                reply = Reply(reply.code, b"\n".join(self._lines))
                self._lines, self._length = [], 0
            replies.append(reply)
        if self._length + len(self._rest) > LONGEST_REPLY:
            replies.append(GARBLED)
        return replies


@lru_cache(maxsize=64)
def invites(data: bytes) -> bool:
    """Whether these bytes are the whole answer to MAIL, RCPT and DATA, and a message may follow.

    Each in one line, as nearly always; whatever else they are is for a ReplyReader to find out.
    """
    *lines, rest = data.split(b"\n")
    if rest or len(lines) != 3:
        return False
    (mail, mail_goes_on), (rcpt, rcpt_goes_on), (asked, asked_goes_on) = map(_read, lines)
    if mail_goes_on or rcpt_goes_on or asked_goes_on:
        return False
    return mail.is_positive and rcpt.is_positive and asked.code == INVITING


@lru_cache(maxsize=64)
def _read(line: bytes) -> tuple[Reply, bool]:
    """One line as a reply, and whether it goes on; a server says few things, again and again."""
    line = line.rstrip(b"\r")
    code, mark = line[:3], line[3:4]
    if not code.isdigit() or mark not in (b" ", b"-", b"") or not b"2" <= code[:1] <= b"5":
        return GARBLED, False
    return Reply(int(code), line[4:]), mark == b"-"


def outcome_of(delivery: DeliveryId, reply: Reply, *, to_recipient: bool) -> Outcome:
    """What a final reply means for one message; `to_recipient`: it answers RCPT, not the data."""
    if reply.is_positive:
        return accepted(delivery, reply.lines, code=reply.code)
    if reply.is_permanent:
        blamed = _blames_recipient(reply, to_recipient)
        return Outcome(delivery, Result.REFUSED, reply.code, reply.text, recipient_fault=blamed)
    return Outcome(delivery, Result.DEFERRED, reply.code or None, reply.text)


def accepted(delivery: DeliveryId, said: bytes, *, code: int = 250) -> Outcome:
    """The message is the server's now, and this is what it said to that."""
    return Outcome(delivery, _ACCEPTED, code, one_line(said))


def _blames_recipient(reply: Reply, to_recipient: bool) -> bool:
    """Whether a refusal says that the address is bad (X.1.x, X.2.x), rather than us (X.7.x).

    X.1.7 and X.1.8 concern the sender's address. Without an enhanced code the command decides.
    """
    enhanced = reply.enhanced
    if enhanced is None:
        return to_recipient
    _class, subject, detail = enhanced
    return subject in (1, 2) and (subject, detail) not in ((1, 7), (1, 8))


def not_sent(delivery: DeliveryId, why: str) -> Outcome:
    """The outcome of a message that did not get out this time."""
    return Outcome(delivery, Result.DEFERRED, reply=one_line(why))
