"""What a digest is of, and what that span of time is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from digest.model import Addressee, Cadence, Digest
from digest.rendering.language import message, plural


@dataclass(frozen=True, slots=True)
class Words:
    """What a cadence calls its span of time."""

    nothing: str
    some: tuple[str, str]  #: one paper, and `{count}` of them
    trending_some: tuple[str, str]
    trending: str
    everything_else: str


_TODAY: Final = Words(
    nothing=message("Nothing new for you today"),
    some=plural("One paper for you today", "{count} papers for you today"),
    trending_some=plural("One paper trending today", "{count} papers trending today"),
    trending=message("Trending today"),
    everything_else=message("everything else from today"),
)
_THIS_WEEK: Final = Words(
    nothing=message("Nothing new for you this week"),
    some=plural("One paper for you this week", "{count} papers for you this week"),
    trending_some=plural("One paper trending this week", "{count} papers trending this week"),
    trending=message("Trending this week"),
    everything_else=message("everything else from this week"),
)
_THIS_MONTH: Final = Words(
    nothing=message("Nothing new for you this month"),
    some=plural("One paper for you this month", "{count} papers for you this month"),
    trending_some=plural("One paper trending this month", "{count} papers trending this month"),
    trending=message("Trending this month"),
    everything_else=message("everything else from this month"),
)
_AWAY: Final = Words(
    nothing=message("Nothing new for you while you were away"),
    some=plural("While you were away: one paper for you", "While you were away: the best for you"),
    trending_some=plural(
        "While you were away: one paper that was talked about",
        "While you were away: what was talked about",
    ),
    trending=message("Talked about meanwhile"),
    everything_else=message("everything else from today"),
)
#: What a digest is of: a span of time by its cadence, or the gap of a rest.
Occasion = Cadence | None
WORDS: Final[Mapping[Occasion, Words]] = {
    None: _AWAY,
    Cadence.DAILY: _TODAY,
    Cadence.WEEKDAYS: _TODAY,
    Cadence.WEEKLY: _THIS_WEEK,
    Cadence.MONTHLY: _THIS_MONTH,
}


def occasion(digest: Digest, subscriber: Addressee) -> Occasion:
    """What the digest is of."""
    return None if digest.away else subscriber.schedule.cadence
