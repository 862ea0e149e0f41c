"""A day, a week or a month of the archive: read from an address, and what lies around it. Pure but
for asking the archive which days have papers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from digest.rendering.language import Language
from digest.store.archive import ArchiveStore, Span, month, week
from digest.web.links import Links
from digest.web.words import month_name, week_name

_WHEN: Final = re.compile(
    r"(\d{4})-(?:W(?P<week>\d\d)|(?P<month>\d\d)(?:-(?P<day>\d\d))?)", re.ASCII
)
_A_DAY: Final = timedelta(days=1)


class Kind(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Step:
    """A word that leads to a neighbouring period."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Period:
    """One span the archive has a page for."""

    kind: Kind
    span: Span

    def link(self, links: Links, **query: str | None) -> str:
        match self.kind:
            case Kind.DAY:
                return links.day(self.span.first, **query)
            case Kind.WEEK:
                return links.week(self.span.first, **query)
            case Kind.MONTH:
                return links.month(self.span.first, **query)

    def heading(self, language: Language) -> str:
        match self.kind:
            case Kind.DAY:
                return language.opening(language.long_date(self.span.first))
            case Kind.WEEK:
                return week_name(self.span, language)
            case Kind.MONTH:
                return language.opening(month_name(self.span.first, language))


def read_period(when: str) -> Period | None:
    """`2026-11-20`, `2026-W47` or `2026-11`; None for anything else."""
    found = _WHEN.fullmatch(when)
    if found is None:
        return None
    year = int(found[1])
    try:
        if found["week"]:
            return Period(Kind.WEEK, week(year, int(found["week"])))
        if found["day"]:
            return Period(Kind.DAY, Span.of(date.fromisoformat(when)))
        return Period(Kind.MONTH, month(year, int(found["month"])))
    except (ValueError, OverflowError):
        return None


def before(period: Period, archive: ArchiveStore) -> Period | None:
    """The nearest earlier period of the same kind that has papers."""
    day = archive.day_before(period.span.first)
    return _around(day, period.kind) if day else None


def after(period: Period, archive: ArchiveStore, *, upto: date) -> Period | None:
    """The nearest later one, none of it after `upto`."""
    day = archive.day_after(period.span.last, upto=upto)
    return _around(day, period.kind) if day else None


def _around(day: date, kind: Kind) -> Period:
    match kind:
        case Kind.DAY:
            return Period(kind, Span.of(day))
        case Kind.WEEK:
            return Period(kind, week(day.isocalendar().year, day.isocalendar().week))
        case Kind.MONTH:
            return Period(kind, month(day.year, day.month))


def neighbours(
    period: Period, archive: ArchiveStore, *, upto: date, links: Links, language: Language
) -> tuple[Step | None, Step | None]:
    """The steps back and forth, as words."""
    found = before(period, archive), after(period, archive, upto=upto)
    previous, following = (_step(one, period, links, language) for one in found)
    return previous, following


def _step(found: Period | None, here: Period, links: Links, language: Language) -> Step | None:
    if found is None:
        return None
    near = abs(found.span.first - here.span.first) < 7 * _A_DAY
    match found.kind:
        case Kind.DAY if near:
            label = language.weekday(found.span.first.weekday())
        case Kind.DAY:
            label = language.date(found.span.first)
        case Kind.WEEK:
            number = language.number(found.span.first.isocalendar().week)
            label = language.say("Week {number}", number=number)
        case Kind.MONTH:
            label = month_name(found.span.first, language)
    return Step(label, found.link(links))
