"""A rest and the first digest after it: whether something was missed, and how much is told. Pure.

    paused | digests missed | a date, or called back | one digest: the best of the gap | as usual

The digest after a rest is capped like any other, so it holds what scored best; it reaches back
`MOST` at most, for papers are forgotten and a window of a year would be dear to match.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from digest.clock import next_due
from digest.model import Subscriber

MOST: Final = timedelta(days=31)  #: of a rest that the first digest after it covers


def has_missed(subscriber: Subscriber, due_at: datetime) -> bool:
    """Whether a rest cost this reader a digest at least, before the one due at `due_at`."""
    gone = subscriber.away_since
    return gone is not None and next_due(gone, subscriber.schedule) < due_at


def told_since(subscriber: Subscriber, now: datetime) -> datetime:
    """From when on the digest after a rest tells what there was."""
    earliest = now - MOST
    return max(subscriber.away_since or earliest, earliest)


def still_untold(subscriber: Subscriber, since: datetime | None) -> Subscriber:
    """The subscriber whose digest after a rest nobody got: the next one has to tell it."""
    if since is None or subscriber.away_since is not None:
        return subscriber
    return subscriber._replace(away_since=since)
