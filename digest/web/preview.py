"""The preview of an interest as pages show it: how much, which papers, which only nearly. Words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from digest.rendering.language import Language
from digest.web.allowances import admit_trial
from digest.web.cards import PaperCard, card_of
from digest.web.trying import Trial, Tried
from digest.web.visit import Visit
from digest.web.wish import Wish
from digest.web.words import short_day

MOST: Final = 8  #: papers shown
NEARLY: Final = 3


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


def preview_of(visit: Visit, wish: Wish, language: Language) -> Preview:
    """Try the wish on the last weeks; counts as one trial of this client."""
    admit_trial(visit)
    trial = visit.rooms.backtest.try_out(wish.interest(language), most=MOST, nearly=NEARLY)
    left = trial.total - len(trial.found)
    return Preview(
        headline=_headline(trial, language),
        volume=_volume(trial, language),
        bars=_bars(trial, language),
        cards=_cards(visit, trial.found, language),
        nearly=_cards(visit, trial.borderline, language),
        further=language.count("and {n} more", "and {n} more", left) if left > 0 else "",
    )


def _headline(trial: Trial, language: Language) -> str:
    weeks = language.count("the last week", "the last {n} weeks", max(1, trial.days // 7))
    if not trial.total:
        return language.say("In {weeks} this would have sent you nothing", weeks=weeks)
    return language.count(
        "In {weeks} this would have sent you {n} paper",
        "In {weeks} this would have sent you {n} papers",
        trial.total,
        weeks=weeks,
    )


def _volume(trial: Trial, language: Language) -> str:
    if not trial.total:
        return language.text("Say it in other words, or ask for more papers a day.")
    days = sum(1 for _, count in trial.by_day if count)
    a_day = round(trial.total / max(1, days))
    if a_day < 2:
        return language.text("About one on a day that has any.")
    return language.count(
        "About {n} on a day that has any.", "About {n} on a day that has any.", a_day
    )


def _bars(trial: Trial, language: Language) -> list[Bar]:
    highest = max((count for _, count in trial.by_day), default=0)
    if not highest:
        return []
    return [
        Bar(
            f"{short_day(day, language)}: {language.number(count)}",
            -(-10 * count // highest),
        )
        for day, count in trial.by_day
    ]


def _cards(visit: Visit, tried: Iterable[Tried], language: Language) -> list[PaperCard]:
    return [card_of(one.paper, visit.links, language, reasons=one.reasons) for one in tried]
