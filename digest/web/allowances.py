"""How often readers may ask: generous to people, tight where a mail to somebody would follow."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from digest.model import SubscriberId
from digest.web.limiting import Limit, admit
from digest.web.visit import Visit

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

#: What sends a mail: to one address, by one client, over all.
MAILS: Final = (Limit(5, _DAY), Limit(20, _HOUR), Limit(500, _HOUR))
#: What only computes: by one client, over all.
TRIALS: Final = (Limit(120, timedelta(minutes=10)), Limit(3000, timedelta(minutes=10)))
#: What may post to somebody's channel: by one reader, over all.
POSTS: Final = (Limit(20, _HOUR), Limit(500, _HOUR))
#: Tokens made: by one reader.
GRANTS: Final = Limit(30, _DAY)
#: Calls of mail providers, which come in bursts: by one client.
CALLS: Final = Limit(6000, timedelta(minutes=10))


def admit_mail(visit: Visit, address: str) -> None:
    """Count one mail asked for `address` (normalised); a 429 beyond what is allowed."""
    to_one, by_one, over_all = MAILS
    admit(visit, "mail client", visit.client, by_one)
    admit(visit, "mail address", address.casefold(), to_one)
    admit(visit, "mail", "", over_all)


def admit_trial(visit: Visit) -> None:
    """Count one preview; a 429 beyond what is allowed."""
    by_one, over_all = TRIALS
    admit(visit, "trial client", visit.client, by_one)
    admit(visit, "trial", "", over_all)


def admit_post(visit: Visit, reader: SubscriberId) -> None:
    """Count one post of a reader's own to a channel; a 429 beyond what is allowed."""
    by_one, over_all = POSTS
    admit(visit, "post reader", str(reader), by_one)
    admit(visit, "post", "", over_all)


def admit_grant(visit: Visit, reader: SubscriberId) -> None:
    """Count one token of a reader's own; a 429 beyond what is allowed."""
    admit(visit, "grant reader", str(reader), GRANTS)


def admit_call(visit: Visit) -> None:
    """Count one call of a provider; a 429 beyond what is allowed, and they try again."""
    admit(visit, "call client", visit.client, CALLS)
