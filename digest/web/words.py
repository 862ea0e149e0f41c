"""The sentences of the archive's pages: headings, counts, and the honest line on the sources. Pure.

Texts go through `Language`, so that a catalogue can say them otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_datetime, format_interval, format_skeleton

from digest.model import Verdict
from digest.rendering.byline import own_name
from digest.rendering.language import Language, message
from digest.store.archive import Counts, SourceHealth, Span

WELL: Final = (Verdict.FRESH, Verdict.QUIET, Verdict.HOLIDAY)
_NAMED: Final = 3  #: sources named in one line

VERDICTS: Final = {
    Verdict.FRESH: message("fresh"),
    Verdict.QUIET: message("quiet"),
    Verdict.HOLIDAY: message("holiday"),
    Verdict.STALE: message("nothing but earlier papers"),
    Verdict.PARTIAL: message("came only in part"),
    Verdict.UNREACHABLE: message("could not be reached"),
    Verdict.BROKEN: message("sent what could not be read"),
}


def _dates(language: Language) -> Locale:
    # As in `Language.date`: the day before the month is understood everywhere.
    return Locale("en", "GB") if language.code == "en" else language.locale


@lru_cache(maxsize=1024)
def month_name(day: date, language: Language) -> str:
    """ "November 2026" """
    return format_skeleton("yMMMM", day, locale=_dates(language))


def week_name(span: Span, language: Language) -> str:
    """ "Week 47: 16–22 Nov 2026"""
    number = language.number(span.first.isocalendar().week)
    return language.say("Week {number}: {days}", number=number, days=interval(span, language))


def interval(span: Span, language: Language) -> str:
    """ "16–22 Nov 2026" """
    return format_interval(span.first, span.last, "yMMMd", locale=_dates(language))


@lru_cache(maxsize=4096)
def short_day(day: date, language: Language) -> str:
    """ "20 Nov 2026" """
    return format_skeleton("yMMMd", day, locale=_dates(language))


def moment(at: datetime, language: Language) -> str:
    """ "20 Nov 2026, 06:00 UTC" """
    day = short_day(at.date(), language)
    time = format_datetime(at, "HH:mm", locale=_dates(language))
    return language.say("{day}, {time} UTC", day=day, time=time)


def votes_word(number: int, language: Language) -> str:
    """What stands under the number of votes."""
    return language.count("vote", "votes", number)


def counted(counts: Counts, language: Language) -> str:
    """ "1,284 new papers from 5 sources" """
    return language.say(
        "{papers} from {sources}",
        papers=papers(counts.total, language),
        sources=language.count("{n} source", "{n} sources", len(counts.sources)),
    )


def papers(number: int, language: Language) -> str:
    return language.count("{n} new paper", "{n} new papers", number)


def health(sources: Sequence[SourceHealth], language: Language) -> str:
    """ "all sources fine but cs.AI"; nothing where there are no sources."""
    if not sources:
        return ""
    late = [own_name(one.source) for one in sources if one.verdict not in WELL]
    if not late:
        return language.text("all sources fine")
    if len(late) > _NAMED:
        return language.count("all sources fine but {n}", "all sources fine but {n}", len(late))
    return language.say("all sources fine but {sources}", sources=language.listed(late))
