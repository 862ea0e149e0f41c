"""The words around the papers: headline, summary, notes, subject, the standing order."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from digest.model import Cadence, Digest, Schedule, SourceNote, Verdict
from digest.rendering.frame import (
    Gist,
    alike,
    frame,
    headline,
    more,
    note,
    section_count,
    standing,
    subject,
    summary,
)
from digest.rendering.language import Language, speak
from tests.rendering import samples

EN = speak("en")


def gist(*titles: str, count: int | None = None, words: int = 600) -> Gist:
    return Gist(titles, len(titles) if count is None else count, words)


@pytest.mark.parametrize(
    ("count", "cadence", "expected"),
    [
        (0, Cadence.DAILY, "Nothing new for you today"),
        (1, Cadence.DAILY, "One paper for you today"),
        (5, Cadence.WEEKDAYS, "Five papers for you today"),
        (12, Cadence.WEEKLY, "Twelve papers for you this week"),
        (13, Cadence.MONTHLY, "13 papers for you this month"),
        (1234, Cadence.MONTHLY, "1,234 papers for you this month"),
    ],
)
def test_headline(count: int, cadence: Cadence, expected: str) -> None:
    assert headline(count, cadence, True, EN) == expected


def test_the_headline_after_a_rest() -> None:
    assert headline(0, None, True, EN) == "Nothing new for you while you were away"
    assert headline(1, None, True, EN) == "While you were away: one paper for you"
    assert headline(9, None, True, EN) == "While you were away: the best for you"
    assert headline(9, None, False, EN) == "While you were away: what was talked about"
    assert subject(gist("A tide table", "Two", count=9), None, EN) == (
        "While you were away: A tide table and 8 more"
    )
    assert subject(gist(), None, EN) == "Nothing new for you while you were away"


def test_headline_for_a_reader_without_interests() -> None:
    assert headline(1, Cadence.DAILY, False, EN) == "One paper trending today"
    assert headline(3, Cadence.WEEKLY, False, EN) == "Three papers trending this week"


@pytest.mark.parametrize(
    ("titles", "count", "expected"),
    [
        ((), 0, "Nothing new for you today"),
        (("A tide table",), 1, "A tide table"),
        (("A tide table", "B"), 2, "A tide table and 1 more"),
        (("A tide table", "B", "C"), 15, "A tide table and 14 more"),
        (("word " * 30,), 1, "word " * 12 + "word…"),
    ],
)
def test_subject(titles: tuple[str, ...], count: int, expected: str) -> None:
    text = subject(gist(*titles, count=count), Cadence.DAILY, EN)
    assert text == expected.strip() or text.startswith("word word")
    assert len(text) < 80


def digest(**changes: Any) -> Digest:
    return samples.DIGEST._replace(**changes)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("made", "interests", "papers", "expected"),
    [
        (
            digest(),
            3,
            gist("A", "B"),
            "Out of 1,284 new ones, matched to your 3 interests. About 4 minutes.",
        ),
        (
            digest(considered=1),
            1,
            gist("A", words=20),
            "Out of 1 new one, matched to your interest. About a minute.",
        ),
        (
            digest(since=samples.COMPOSED - 3 * DAY),
            2,
            gist("A", words=1),
            "Out of 1,284 new ones since Tuesday, matched to your 2 interests. About a minute.",
        ),
        (
            digest(since=samples.COMPOSED - 12 * DAY),
            2,
            gist("A", words=1),
            "Out of 1,284 new ones since 8 November 2026, matched to your 2 interests. "
            "About a minute.",
        ),
        (digest(considered=0), 2, gist(), "No source announced anything new."),
        (digest(considered=0), 2, gist("A"), "About 4 minutes."),
        (digest(), 2, gist(), "Out of 1,284 new ones, none for your 2 interests."),
        (
            digest(),
            0,
            gist("A", words=1),
            "Out of 1,284 new ones, by votes and by how many sources listed them. About a minute.",
        ),
    ],
    ids=["usual", "one", "since-weekday", "since-date", "silence", "late", "none", "trending"],
)
def test_summary(made: Digest, interests: int, papers: Gist, expected: str) -> None:
    reader = samples.letter().subscriber._replace(schedule=Schedule(), interests=interests)
    assert summary(alike(made, reader, papers), EN) == expected


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ((), ""),
        ((("arxiv", Verdict.FRESH), ("b", Verdict.QUIET)), ""),
        (
            (("arxiv", Verdict.STALE), ("biorxiv", Verdict.STALE)),
            "arXiv and bioRxiv had nothing but earlier papers. What is announced late will follow.",
        ),
        (
            (("A", Verdict.HOLIDAY), ("B", Verdict.UNREACHABLE)),
            "B could not be reached. What was missed will follow. "
            "A announced nothing: a holiday there.",
        ),
        ((("A", Verdict.PARTIAL),), "A came only in part. The rest will follow."),
        (
            (("A", Verdict.BROKEN),),
            "A sent what could not be read. What was missed will follow.",
        ),
    ],
    ids=["none", "well", "stale", "two-kinds", "partial", "broken"],
)
def test_note(notes: tuple[tuple[str, Verdict], ...], expected: str) -> None:
    assert note(tuple(SourceNote(*pair) for pair in notes), EN) == expected


def test_every_failing_verdict_is_told() -> None:
    told = [v for v in Verdict if note((SourceNote("A", v),), EN)]
    assert set(told) == set(Verdict) - {Verdict.FRESH, Verdict.QUIET}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (
            Schedule("Europe/Lisbon", Cadence.WEEKDAYS, 7, 30),
            "at 07:30 on weekdays (Europe/Lisbon)",
        ),
        (Schedule("UTC", Cadence.DAILY, 0, 5), "at 00:05 every day (UTC)"),
        (Schedule("UTC", Cadence.WEEKLY, 18, weekday=6), "at 18:00 every Sunday (UTC)"),
        (
            Schedule("UTC", Cadence.MONTHLY, 7, monthday=31),
            "at 07:00 on day 31 of each month (UTC)",
        ),
    ],
)
def test_standing(schedule: Schedule, expected: str) -> None:
    told = standing(schedule, date(2026, 5, 3), EN)
    assert told == f"You get this {expected} because you subscribed on 3 May 2026."


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [(0, ""), (1, "1 more for you, and everything else from today"), (-1, "")],
)
def test_more(hidden: int, expected: str) -> None:
    assert more(hidden, Cadence.DAILY, EN) == expected


def test_the_date_of_joining_is_the_subscribers_own() -> None:
    late = samples.COMPOSED.replace(hour=23, minute=30)
    far = samples.SUBSCRIBER._replace(
        created_at=late, schedule=Schedule(timezone="Pacific/Auckland")
    )
    words = frame(samples.DIGEST, far.addressee, gist("A"), site=samples.SITE, language=EN)
    assert "subscribed on 21 November 2026" in words.schedule


@pytest.mark.parametrize("code", ["en", "tlh", "xx-nonsense", "", "../../etc", "de\x00"])
def test_what_we_do_not_speak_is_said_in_english(code: str) -> None:
    language = speak(code)
    assert language.code == "en"
    assert language.long_date(samples.DIGEST.local_date) == "Friday, 20 November 2026"


@pytest.fixture
def german(tmp_path: Path) -> Language:
    """A catalogue of two messages."""
    catalogue = Catalog(locale="de")
    today = ("One paper for you today", "{count} papers for you today")
    catalogue.add(today, ("Ein Artikel für Sie heute", ""))
    catalogue.add(("{n} paper", "{n} papers"), ("{n} Artikel", "{n} Artikel (Mehrzahl)"))
    target = tmp_path / "de" / "LC_MESSAGES" / "digest.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)
    return speak("de", tmp_path)


def test_a_catalogue_is_all_that_a_language_needs(german: Language) -> None:
    assert german.code == "de"
    assert headline(1, Cadence.DAILY, True, german) == "Ein Artikel für Sie heute"
    assert section_count(1234, german) == "1.234 Artikel (Mehrzahl)"
    assert german.long_date(samples.DIGEST.local_date) == "Freitag, 20. November 2026"


def test_a_message_without_translation_stays_english(german: Language) -> None:
    assert headline(2, Cadence.DAILY, True, german) == "Two papers for you today"
