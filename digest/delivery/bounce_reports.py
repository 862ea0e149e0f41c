"""What a mail in the bounce mailbox says: a bounce, a complaint, an unsubscribe, or nothing. Pure.

Reads delivery reports (RFC 3464), complaints (ARF, RFC 5965), unsubscribes by mail (our token in
the subject), and, with a `Dialect`, the reports of mail systems that keep to no standard. Answers
of people and of machines are ignored; nothing here can answer one.

Whom a report concerns is told by tokens only, which the caller must verify, and they are looked for
where no sender of a forged report can profit: in the address the report was delivered to, and for
complaints, which go to one address for all, in the envelope sender they name. The recipients
named in a report's body are never read. It takes any bytes and raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import Message
from typing import Final

from digest.delivery.bounce_kinds import classify, status_in
from digest.delivery.replies import one_line
from digest.model import BounceKind

Dialect = Callable[[Message], bool | None]  #: True: failed for good; False: for now; None: no idea

LONGEST: Final = 256 * 1024  #: bytes of a mail that are looked at
_WORDS: Final = 4000  #: characters of a text part that are looked at
_MOST: Final = 10  #: tokens of one report
_DELIVERED_TO: Final = (
    *("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To"),
    *("X-RcptTo", "To", "Cc"),
)
_VERP: Final = re.compile(r"[+=]([a-z2-7]{32,80})@", re.I)
_UNSUBSCRIBE: Final = re.compile(r"unsubscribe[\s:]+([A-Za-z0-9_.\-]{28,92})", re.I)
_DAEMON: Final = re.compile(r"\b(mailer-daemon|postmaster|mail delivery (sub)?system)\b", re.I)
_AWAY: Final = re.compile(
    r"\s*(out of (the )?office|auto(matic)?[ -]?(reply|response)|auto:)", re.I
)
_OPTED_OUT: Final = ("opt-out", "opt-out-list", "unsubscribe")
_FAULTS: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail says; `kind` None: nothing that concerns us, and `detail` says why.

    `tokens` are candidates of Purpose.BOUNCE, `unsubscribes` of Purpose.UNSUBSCRIBE.
    """

    kind: BounceKind | None
    tokens: tuple[str, ...] = ()
    unsubscribes: tuple[str, ...] = ()
    status: str = ""
    detail: str = ""


def read_report(raw: bytes, *, dialect: Dialect | None = None) -> Report:
    """What the mail `raw` says; never raises."""
    try:
        mail = message_from_bytes(raw[:LONGEST], policy=policy.compat32)
        report = _read(mail, dialect)
        tokens = report.tokens + tuple(_tokens(mail, _DELIVERED_TO))
        return replace(report, tokens=tuple(dict.fromkeys(tokens))[:_MOST])
    except _FAULTS as error:  # the standard parser has many ways to stumble over hostile mail
        return Report(None, detail=f"unreadable ({type(error).__name__})")


def _read(mail: Message, dialect: Dialect | None) -> Report:
    if found := _UNSUBSCRIBE.findall(_field(mail, "Subject")[:500]):
        return Report(BounceKind.UNSUBSCRIBE, unsubscribes=tuple(found[:_MOST]))
    parts = {part.get_content_type(): part for part in reversed(list(mail.walk()))}
    if "message/feedback-report" in parts:
        return _complaint(mail, parts["message/feedback-report"])
    if "message/delivery-status" in parts:
        return _delivery_status(parts["message/delivery-status"])
    if _is_away(mail):
        return Report(None, detail="an automatic reply")
    if not _is_from_a_machine(mail):
        return Report(None, detail="not a report")
    return _unusual(mail, dialect)


# --- RFC 3464 -----------------------------------------------------------------------------------


def _delivery_status(part: Message) -> Report:
    """The worst that is told of any recipient; a report of ours has one."""
    blocks = list(_blocks(part))
    for action in ("failed", "delayed"):
        for block in blocks:
            if _field(block, "Action").split(";")[0].strip().lower() == action:
                return _recipient(block, is_delay=action == "delayed")
    return Report(None, detail="a report of success")


def _recipient(block: Message, *, is_delay: bool) -> Report:
    diagnostic = _field(block, "Diagnostic-Code")
    words = diagnostic.partition(";")[2].strip() or diagnostic
    status = status_in(_field(block, "Status")) or status_in(words)
    kind = BounceKind.DELAYED if is_delay else classify(status, words)
    return Report(kind, status=status, detail=one_line(words))


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a report, however the parser has cut them."""
    payload = part.get_payload()
    if isinstance(payload, list):
        for block in payload:
            if isinstance(block, Message):
                yield block
                yield from _blocks(block) if block.is_multipart() else ()
    else:
        for group in re.split(rb"\r?\n\r?\n", _content(part)):
            yield message_from_bytes(group + b"\n\n", policy=policy.compat32)


# --- RFC 5965 -----------------------------------------------------------------------------------


def _complaint(mail: Message, part: Message) -> Report:
    fields = [*_blocks(part), part]
    said = next((it for block in fields if (it := _field(block, "Feedback-Type"))), "")
    feedback = said.strip().lower()
    if feedback == "not-spam":
        return Report(None, detail="a complaint withdrawn")
    kind = BounceKind.UNSUBSCRIBE if feedback in _OPTED_OUT else BounceKind.COMPLAINT
    named = [token for block in fields for token in _tokens(block, ("Original-Mail-From",))]
    for inner in mail.walk():
        named += _tokens(inner, ("Return-Path",))
        if inner.get_content_type() == "text/rfc822-headers":
            named += _tokens(message_from_bytes(_content(inner)), ("Return-Path",))
    return Report(kind, tokens=tuple(named), detail=one_line(f"feedback: {feedback or 'abuse'}"))


# --- everything else ----------------------------------------------------------------------------


def _unusual(mail: Message, dialect: Dialect | None) -> Report:
    verdict = dialect(mail) if dialect else None
    words = _first_words(mail)
    status = status_in(words)
    if verdict is None and not status:
        return Report(None, detail="a machine's mail that says nothing of a delivery")
    words = _around(words, status)
    kind = classify(status, words)
    if verdict is False and kind in (BounceKind.UNDETERMINED, BounceKind.USER_UNKNOWN):
        kind = BounceKind.TEMPORARY
    return Report(kind, status=status, detail=one_line(words))


def _around(words: str, status: str) -> str:
    """The words beside the status, or the first ones."""
    at = words.find(status)
    return " ".join(words[max(0, at - 100) : at + 200].split())


def _first_words(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            return _content(part)[:_WORDS].decode("utf-8", "replace")
    return ""


def _is_away(mail: Message) -> bool:
    if any(mail.get(name) is not None for name in ("X-Autoreply", "X-Autorespond")):
        return True
    if _field(mail, "Precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    return bool(_AWAY.match(_field(mail, "Subject")))


def _is_from_a_machine(mail: Message) -> bool:
    """A null sender, or the name that mail systems give themselves."""
    if _field(mail, "Return-Path").strip() == "<>":
        return True
    return bool(_DAEMON.search(_field(mail, "From")[:500]))


def _tokens(mail: Message, names: tuple[str, ...]) -> list[str]:
    fields = [str(value)[:2000] for name in names for value in mail.get_all(name, [])]
    return [token.lower() for field in fields for token in _VERP.findall(field)][:_MOST]


def _field(mail: Message, name: str) -> str:
    return re.sub(r"\s+", " ", str(mail.get(name, "")))


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
