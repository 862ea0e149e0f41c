"""The preview of an interest as pages show it: how much, which papers, which only nearly. Words.

What it would have sent is `digest.backtest`'s finding; here it is put into sentences and cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from digest.backtest import Backtest, Pick
from digest.clock import local_date
from digest.model import Subscriber
from digest.rendering.language import Language
from digest.web.allowances import admit_trial
from digest.web.cards import PaperCard, card_of
from digest.web.visit import Visit
from digest.web.wish import Wish
from digest.web.words import short_day

DAYS: Final = 14  #: tried
MOST: Final = 6  #: papers shown, the best of all days
NEARLY: Final = 3
_STEPS: Final = 10  #: heights a day's bar can have


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the little chart; `step` is its height, 0 to 10."""

    label: str
    step: int


@dataclass(frozen=True, slots=True)
class Preview:
    headline: str
    volume: str
    bars: Sequence[Bar]
    cards: Sequence[PaperCard]
    nearly: Sequence[PaperCard]
    further: str


def preview_of(
    visit: Visit, wish: Wish, language: Language, reader: Subscriber | None = None
) -> Preview:
    """Try the wish on the last weeks, as `reader` would get it; one trial of this client."""
    admit_trial(visit)
    who = reader or visit.rooms.subscriptions.blank("")
    tried = visit.rooms.backtester.run(
        wish.interest(language),
        until=local_date(visit.rooms.clock(), "UTC"),
        days=DAYS,
        mutes=who.mutes,
        limit=who.limit,
    )
    picks = sorted((pick for day in tried.days for pick in day.picks), key=lambda it: -it.score)
    left = len(picks) - MOST
    outside = [one.pick for one in tried.borderline if not one.inside]
    return Preview(
        headline=_headline(tried, language),
        volume=_volume(tried, language),
        bars=_bars(tried, language),
        cards=_cards(visit, picks[:MOST], language),
        nearly=_cards(visit, outside[:NEARLY], language),
        further=language.count("and {n} more", "and {n} more", left) if left > 0 else "",
    )


def _headline(tried: Backtest, language: Language) -> str:
    if not tried.sent:
        return language.text("In the last two weeks this would have sent you nothing")
    return language.count(
        "In the last two weeks this would have sent you {n} paper",
        "In the last two weeks this would have sent you {n} papers",
        tried.sent,
    )


def _volume(tried: Backtest, language: Language) -> str:
    if not tried.sent:
        return language.text("Say it in other words, or ask for more papers a day.")
    a_day = round(tried.a_day)
    if a_day < 1:
        return language.text("Less than one a day.")
    return language.count("About {n} a day.", "About {n} a day.", a_day)


def _bars(tried: Backtest, language: Language) -> list[Bar]:
    highest = max((len(day.picks) for day in tried.days), default=0)
    if not highest:
        return []
    return [
        Bar(
            language.say(
                "{day}: {number}",
                day=short_day(day.day, language),
                number=language.number(len(day.picks)),
            ),
            -(-_STEPS * len(day.picks) // highest),
        )
        for day in tried.days
    ]


def _cards(visit: Visit, picks: Iterable[Pick], language: Language) -> list[PaperCard]:
    return [card_of(one.paper, visit.links, language, reasons=one.reasons) for one in picks]
