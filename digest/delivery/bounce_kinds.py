"""What a refusal means: one kind for a status code and the words beside it. Pure.

Codes are RFC 3463's, words those that mail systems use. Servers often send the code of an unknown
user with words about a block list or a full mailbox; then the words win, because a kind that can
suspend a reader must never be read out of anything but a clear statement. Whom a refusal concerns
is not decided here.
"""

from __future__ import annotations

import re
from typing import Final

from digest.delivery.replies import one_line
from digest.model import BounceKind, Outcome, Result

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE: Final = re.compile(r"(?<![\d.])([45])\d\d(?=[ \-#])")

#: Words that excuse the address, looked for first, in this order.
_EXCUSES: Final = (
    (
        BounceKind.MAILBOX_FULL,
        r"over ?quota|quota.{0,20}exceed|exceed.{0,20}quota|(mailbox|inbox).{0,20}full"
        r"|insufficient (system )?storage|out of storage",
    ),
    (BounceKind.GREYLISTED, r"gr[ae]y[- ]?list"),
    (
        BounceKind.BLOCKED,
        r"spamhaus|spamcop|barracuda|\b(dns|r)bl\b|(block|black|deny)[- ]?list|reputation"
        r"|blocked using|(client|sender|ip|host)\b.{0,30}\bblocked|listed (in|at|by|on)\b"
        r"|rate.?limit|too many (connections|messages)|unsolicited",
    ),
    (
        BounceKind.POLICY,
        r"\bspam\b|dmarc|\bspf\b|\bdkim\b|virus|malware|(content|message).{0,20}reject"
        r"|violat|against policy|policy (reason|rejection|restriction)|not authori[sz]ed"
        r"|relay(ing)? (access )?denied|access denied",
    ),
    (BounceKind.TOO_BIG, r"too (big|large)|size.{0,20}exceed|exceed.{0,20}size"),
)
#: Words that blame it.
_BLAME: Final = (
    (
        BounceKind.USER_UNKNOWN,
        r"(user|recipient|mailbox|address|account|alias).{0,40}(unknown|not found|not exist"
        r"|n't exist|no longer|invalid|disabled|inactive|deactivated)"
        r"|(unknown|no such|invalid|nonexistent) (user|recipient|mailbox|address|account|person)"
        r"|n't have an? .{0,40}account|not a valid (user|recipient|mailbox)|no mailbox here",
    ),
    (
        BounceKind.NO_DOMAIN,
        r"(host|domain).{0,30}(unknown|not found|not exist|n't exist)|unrouteable|nullmx|null mx",
    ),
)
_COMPILED_EXCUSES: Final = tuple((kind, re.compile(words, re.I)) for kind, words in _EXCUSES)
_COMPILED_BLAME: Final = tuple((kind, re.compile(words, re.I)) for kind, words in _BLAME)

#: (subject, detail) of RFC 3463 and the IANA registry, for permanent failures …
_PERMANENT: Final = {
    (1, 1): BounceKind.USER_UNKNOWN,
    (1, 2): BounceKind.NO_DOMAIN,
    (1, 3): BounceKind.USER_UNKNOWN,
    (1, 6): BounceKind.USER_UNKNOWN,
    (1, 10): BounceKind.USER_UNKNOWN,
    (2, 1): BounceKind.USER_UNKNOWN,
    (4, 4): BounceKind.NO_DOMAIN,
    (4, 310): BounceKind.NO_DOMAIN,
}
#: … and for both classes.
_EITHER: Final = {
    (2, 2): BounceKind.MAILBOX_FULL,
    (2, 3): BounceKind.TOO_BIG,
    (3, 4): BounceKind.TOO_BIG,
}


def classify(status: str, words: str) -> BounceKind:
    """The kind of a failure told by `status` (`5.1.1`, `550`, or empty) and some words.

    Without either it is UNDETERMINED; a class 4 code makes it temporary whatever it names.
    """
    words = one_line(words)
    for kind, pattern in _COMPILED_EXCUSES:
        if pattern.search(words):
            return kind
    found = _STATUS.search(status) or _STATUS.search(words)
    if found:
        kind = _by_code(int(found[1]), int(found[2]), int(found[3]))
        if kind is not BounceKind.UNDETERMINED:
            return kind
    elif _is_temporary(status, words):
        return BounceKind.TEMPORARY
    for kind, pattern in _COMPILED_BLAME:
        if pattern.search(words):
            return kind
    return BounceKind.UNDETERMINED


def status_in(words: str) -> str:
    """The first RFC 3463 code among `words`, else the first reply code, else nothing."""
    found = _STATUS.search(words) or _CODE.search(words)
    return found[0] if found else ""


def bounce_of(outcome: Outcome) -> BounceKind | None:
    """What an outcome says of the address; None where it says nothing.

    A refusal without a code is our own: the address cannot be written on an envelope.
    """
    if outcome.result is not Result.REFUSED or not outcome.recipient_fault:
        return None
    if outcome.code is None:
        return BounceKind.USER_UNKNOWN
    return classify(str(outcome.code), outcome.reply)


def _by_code(kind: int, subject: int, detail: int) -> BounceKind:
    if either := _EITHER.get((subject, detail)):
        return either
    if kind == 4:
        return BounceKind.TEMPORARY
    if subject == 7:
        return BounceKind.POLICY
    return _PERMANENT.get((subject, detail), BounceKind.UNDETERMINED)


def _is_temporary(status: str, words: str) -> bool:
    found = _CODE.search(f"{status} ") or _CODE.search(words)
    return bool(found and found[1] == "4")
