"""How the operator's pages say things: moments, numbers, what was done, what went wrong.

In English only. Times are UTC's, as in the logs.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from digest.model import BounceKind, DeliveryState, SubscriberState, Verdict
from digest.web.desk.charts import Series

#: What a page says after something was done; the address carries the name, never the words.
SAID: Final = {
    "suspended": "Suspended: nothing is sent to them until you resume them.",
    "resumed": "Resumed: the next digest is planned.",
    "link": "A mail with their link is on its way, if mail may go to this address.",
    "suppressed": "Suppressed: nothing is ever written to this address.",
    "lifted": "Lifted: this address may be written to again.",
    "not-lifted": "There was nothing to lift.",
    "asked-again": "The mail that asks them to confirm goes out once more.",
    "retried": "Queued again.",
    "cancelled": "Cancelled: it will not be sent.",
    "nothing": "Nothing was changed: choose deliveries whose state allows it.",
    "route": "The account is tried at once.",
    "not-paused": "The account was not paused.",
}

DELIVERED: Final = (
    Series("delivered", "delivered"),
    Series("waiting", "waiting"),
    Series("refused", "refused"),
    Series("uncertain", "uncertain"),
    Series("expired", "expired"),
    Series("cancelled", "cancelled"),
)
BOUNCED: Final = (
    Series("refused", "nobody there"),
    Series("uncertain", "unclear"),
    Series("waiting", "for now"),
    Series("delivered", "complaints and leaving"),
)
#: Each kind of bounce in the colour of what it means for the reader.
BOUNCE_SERIES: Final = {
    BounceKind.USER_UNKNOWN: "refused",
    BounceKind.NO_DOMAIN: "uncertain",
    BounceKind.UNDETERMINED: "uncertain",
    BounceKind.COMPLAINT: "delivered",
    BounceKind.UNSUBSCRIBE: "delivered",
    BounceKind.SUSPENDED: "refused",
}
#: What tells most of a day on which a source was asked many times: that it brought something, else
#: that it failed.
TELLING: Final = (
    Verdict.FRESH,
    Verdict.BROKEN,
    Verdict.UNREACHABLE,
    Verdict.PARTIAL,
    Verdict.STALE,
    Verdict.QUIET,
    Verdict.HOLIDAY,
)
VERDICT_KIND: Final = {
    Verdict.BROKEN: "refused",
    Verdict.UNREACHABLE: "refused",
    Verdict.PARTIAL: "uncertain",
    Verdict.STALE: "uncertain",
    Verdict.FRESH: "delivered",
    Verdict.QUIET: "calm",
    Verdict.HOLIDAY: "calm",
}
STATE_KIND: Final = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.QUEUED: "waiting",
    DeliveryState.SENDING: "waiting",
    DeliveryState.DEFERRED: "waiting",
    DeliveryState.REFUSED: "refused",
    DeliveryState.UNCERTAIN: "uncertain",
    DeliveryState.EXPIRED: "expired",
    DeliveryState.CANCELLED: "cancelled",
}
READER_KIND: Final = {
    SubscriberState.ACTIVE: "delivered",
    SubscriberState.PENDING: "waiting",
    SubscriberState.PAUSED: "calm",
    SubscriberState.SUSPENDED: "refused",
    SubscriberState.UNSUBSCRIBED: "cancelled",
}
SKIPS: Final = {
    "nothing_new": "nothing new",
    "nothing_matched": "nothing matched",
    "paused": "paused",
    "not_active": "not active",
    "suppressed": "suppressed",
    "profile_broken": "an interest cannot be read",
    "fault": "a fault; see the log",
}


def moment(at: datetime | None) -> str:
    """ "20 Nov 2026, 06:00", in UTC; "" for never."""
    return f"{at.day} {at:%b %Y, %H:%M}" if at else ""


def day(on: date | None) -> str:
    """ "20 Nov 2026" """
    return f"{on.day} {on:%b %Y}" if on else ""


def number(value: float) -> str:
    """ "12,345" """
    return f"{value:,}"


def spell(word: str) -> str:
    """A name of the program's, as people write it."""
    return word.replace("_", " ")


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 reader", "2 readers" """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
