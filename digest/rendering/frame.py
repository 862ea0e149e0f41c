"""The words around the papers: headline, summary, honest notes, subject, the reason for the mail.

Pure functions of a digest and its subscriber. Everything here is short and repeats between
subscribers, so the joiner may ask for it once and keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from digest.clock import local_date
from digest.model import (
    Addressee,
    Cadence,
    Digest,
    Paper,
    Schedule,
    Section,
    Site,
    SourceNote,
    Verdict,
)
from digest.rendering.byline import own_name
from digest.rendering.language import Language, message
from digest.rendering.occasions import WORDS, Occasion, occasion
from digest.rendering.spans import line, shorten

_WORDS_PER_MINUTE: Final = 150  #: dense prose, and a moment to decide
_SUBJECT_TITLE: Final = 64
_PREHEADER: Final = 110
_NAME_LENGTH: Final = 80
_WEEK: Final = 7

_NUMBERS: Final = (
    "",
    message("One"),
    message("Two"),
    message("Three"),
    message("Four"),
    message("Five"),
    message("Six"),
    message("Seven"),
    message("Eight"),
    message("Nine"),
    message("Ten"),
    message("Eleven"),
    message("Twelve"),
)


# One honest line for each verdict that a reader should know of; the others need no word.
_NOTES: Final = {
    Verdict.STALE: message(
        "{sources} had nothing but earlier papers. What is announced late will follow."
    ),
    Verdict.PARTIAL: message("{sources} came only in part. The rest will follow."),
    Verdict.UNREACHABLE: message("{sources} could not be reached. What was missed will follow."),
    Verdict.BROKEN: message("{sources} sent what could not be read. What was missed will follow."),
    Verdict.HOLIDAY: message("{sources} announced nothing: a holiday there."),
}


#: A function of this module and all that it is given, but the language, which comes last.
Asked = tuple[Any, ...]


class Frame(NamedTuple):
    """Everything in a digest but its papers; every field one clean line of text, "" if unneeded."""

    language: str
    direction: str
    subject: str
    preheader: str
    date: str
    headline: str
    summary: str
    note: str
    schedule: str
    sender: str
    identity: str
    more: str = ""  #: known only once a channel knows how many papers it can hold


#: The words of a Frame that are a reader's own, and those that many of one day have alike.
OWN: Final = ("subject", "preheader", "schedule", "more")
SHARED: Final = ("date", "headline", "summary", "note", "sender", "identity")


class Alike(NamedTuple):
    """What the SHARED words depend on, besides site and language."""

    local_date: date
    since: datetime
    until: datetime
    considered: int
    notes: tuple[SourceNote, ...]
    timezone: str
    of: Occasion
    interests: int
    papers: int
    minutes: int


class Gist(NamedTuple):
    """What the frame must know of the papers that are in the digest."""

    titles: tuple[str, ...]  #: clean, in order; the first three are enough
    papers: int
    words: int  #: of all titles and abstracts together


def frame(
    digest: Digest,
    subscriber: Addressee,
    gist: Gist,
    *,
    site: Site,
    language: Language,
    hidden: int = 0,
) -> Frame:
    """The words around one digest's papers, `hidden` of which are not shown."""
    of_all = alike(digest, subscriber, gist)
    own, shared = asked(subscriber, gist, of_all.of, hidden=hidden), asked_alike(of_all, site)
    asked_for = zip((*OWN, *SHARED), (*own, *shared), strict=True)
    words = {name: say(word, language) for name, word in asked_for}
    return Frame(language=language.code, direction=language.direction, **words)


def say(word: Asked, language: Language) -> str:
    """The word that was asked for, in this language."""
    make, *values = word
    return str(make(*values, language))


def asked(subscriber: Addressee, gist: Gist, of: Occasion, *, hidden: int = 0) -> tuple[Asked, ...]:
    """What those words depend on that are a reader's own, in the order of OWN."""
    schedule, titles = subscriber.schedule, gist.titles
    return (
        (_subject, titles[0] if titles else "", gist.papers, of),
        (_preheader, titles[1:3]),
        (standing, schedule, local_date(subscriber.created_at, schedule.timezone)),
        (more, hidden, of),
    )


def alike(digest: Digest, subscriber: Addressee, gist: Gist) -> Alike:
    """All that the other words depend on."""
    return Alike(
        digest.local_date,
        digest.since,
        digest.until,
        digest.considered,
        digest.notes,
        subscriber.schedule.timezone,
        occasion(digest, subscriber),
        subscriber.interests,
        gist.papers,
        _minutes(gist),
    )


def asked_alike(alike: Alike, site: Site) -> tuple[Asked, ...]:
    """What those words depend on that many readers have alike, in the order of SHARED."""
    return (
        (_long_date, alike.local_date),
        (headline, alike.papers, alike.of, alike.interests > 0),
        _of_summary(alike),
        (note, alike.notes),
        (_own_line, site.name),
        (_own_line, site.identity),
    )


def _own_line(text: str, _language: Language) -> str:
    return line(text)


def words_of(paper: Paper) -> int:
    return len(paper.title.split()) + len(paper.abstract.split())


@lru_cache(maxsize=1024)
def section_name(name: str) -> str:
    """An interest's name, as its owner gave it."""
    return line(name, _NAME_LENGTH)


def section_title(section: Section, of: Occasion, language: Language) -> str:
    """What stands over a section: the interest's name, or that this is what is trending."""
    title = asked_trending(of) if section.interest_id is None else asked_named(section.name)
    return say(title, language)


def asked_trending(of: Occasion) -> Asked:
    return _trending, of


def asked_named(name: str) -> Asked:
    return _named, name


def _trending(of: Occasion, language: Language) -> str:
    return language.text(WORDS[of].trending)


def _named(name: str, _language: Language) -> str:
    return section_name(name)


@lru_cache(maxsize=1024)
def section_count(number: int, language: Language) -> str:
    return language.count("{n} paper", "{n} papers", number)


def subject(gist: Gist, of: Occasion, language: Language) -> str:
    """The lead paper's title and how many follow it: a subject that says something."""
    return _subject(gist.titles[0] if gist.titles else "", gist.papers, of, language)


def _subject(title: str, papers: int, of: Occasion, language: Language) -> str:
    if not title:
        return language.text(WORDS[of].nothing)
    lead = _lead(title, papers, language)
    return lead if of is not None else language.say("While you were away: {subject}", subject=lead)


def _lead(title: str, count: int, language: Language) -> str:
    title = shorten(title, _SUBJECT_TITLE)
    if count == 1:
        return title
    return language.count("{title} and {n} more", "{title} and {n} more", count - 1, title=title)


def _preheader(titles: Sequence[str], language: Language) -> str:
    """What an inbox shows beside the subject: the next titles, not the same words again."""
    if not titles:
        return ""
    first, *further = [shorten(title, _PREHEADER // 2) for title in titles]
    if not further:
        return language.say("Also: {title}", title=first)
    return language.say("Also: {title}; {next}", title=first, next=further[0])


@lru_cache(maxsize=1024)
def headline(count: int, of: Occasion, matched: bool, language: Language) -> str:
    words = WORDS[of]
    if not count:
        return language.text(words.nothing)
    one, many = words.some if matched else words.trending_some
    spelled = language.text(_NUMBERS[count]) if count < len(_NUMBERS) else language.number(count)
    return language.opening(language.count(one, many, count, count=spelled))


def summary(alike: Alike, language: Language) -> str:
    """ "Out of 1,284 new ones since Friday, matched to your 3 interests. About 7 minutes." """
    return say(_of_summary(alike), language)


def _of_summary(alike: Alike) -> Asked:
    since, days = _span(alike.since, alike.until, alike.timezone)
    of_span = since if days > 1 else None, days
    return _summary, alike.considered, *of_span, alike.interests, alike.minutes


def _minutes(gist: Gist) -> int:
    return max(1, round(gist.words / _WORDS_PER_MINUTE)) if gist.papers else 0


def _span(since: datetime, until: datetime, timezone: str) -> tuple[date, int]:
    """The first local day, and how many days follow it."""
    first = local_date(since, timezone)
    return first, (local_date(until, timezone) - first).days


@lru_cache(maxsize=1024)
def _summary(
    considered: int, since: date | None, days: int, interests: int, minutes: int, language: Language
) -> str:
    choice = _choice(interests, bool(minutes), language)
    if considered > 0:
        clause = language.count("Out of {n} new one", "Out of {n} new ones", considered)
        if since is not None:
            clause = _since(clause, since, days, language)
        sentence = language.say("{first}, {second}.", first=clause, second=choice)
    else:
        sentence = language.text("No source announced anything new.") if not minutes else ""
    if not minutes:
        return sentence
    told = language.count("About a minute.", "About {n} minutes.", minutes)
    return language.paragraph(sentence, told)


def _choice(interests: int, found: bool, language: Language) -> str:
    if not interests:
        return language.text("by votes and by how many sources listed them")
    if not found:
        return language.count("none for your interest", "none for your {n} interests", interests)
    return language.count("matched to your interest", "matched to your {n} interests", interests)


def _since(clause: str, since: date, days: int, language: Language) -> str:
    if days < _WEEK:
        weekday = language.weekday(since.weekday())
        return language.say("{clause} since {weekday}", clause=clause, weekday=weekday)
    return language.say("{clause} since {date}", clause=clause, date=language.date(since))


@lru_cache(maxsize=256)
def note(notes: Sequence[SourceNote], language: Language) -> str:
    """One honest line on the sources that were not fresh; empty when all is well."""
    by_verdict: dict[Verdict, list[str]] = {}
    for source_note in notes:
        by_verdict.setdefault(source_note.verdict, []).append(own_name(source_note.source))
    told = [
        language.say(text, sources=language.listed(by_verdict[verdict]))
        for verdict, text in _NOTES.items()
        if verdict in by_verdict
    ]
    return language.paragraph(*told)


def more(hidden: int, of: Occasion, language: Language) -> str:
    """The line to the rest, when there is a rest."""
    if hidden <= 0:
        return ""
    rest = language.text(WORDS[of].everything_else)
    return language.count(
        "{n} more for you, and {rest}", "{n} more for you, and {rest}", hidden, rest=rest
    )


@lru_cache(maxsize=1024)
def standing(schedule: Schedule, joined_on: date, language: Language) -> str:
    """Why this mail came: the standing order, in the subscriber's own zone."""
    return language.say(
        "You get this at {time} {rhythm} ({zone}) because you subscribed on {date}.",
        time=language.time(schedule.hour, schedule.minute),
        rhythm=_rhythm(schedule, language),
        zone=schedule.timezone,
        date=language.date(joined_on),
    )


def _rhythm(schedule: Schedule, language: Language) -> str:
    match schedule.cadence:
        case Cadence.DAILY:
            return language.text("every day")
        case Cadence.WEEKDAYS:
            return language.text("on weekdays")
        case Cadence.WEEKLY:
            return language.say("every {weekday}", weekday=language.weekday(schedule.weekday))
        case Cadence.MONTHLY:
            day = language.number(schedule.monthday)
            return language.say("on day {day} of each month", day=day)


@lru_cache(maxsize=1024)
def _long_date(day: date, language: Language) -> str:
    return language.opening(language.long_date(day))
