"""Mails in every language: a frame without English, dates and numbers by CLDR, lines that fit."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from babel import Locale
from babel.numbers import format_decimal

from digest.model import Cadence, Reasons, Verdict
from digest.phrases import LANGUAGES
from digest.rendering.columns import width
from digest.rendering.environment import Templates
from digest.rendering.language import own_name, speak
from digest.rendering.message import compose_mail
from digest.rendering.plaintext import WIDTH, wrap
from digest.rendering.reasons import why
from digest.rendering.spans import plain
from digest.rendering.trial import trial_letter
from tests.rendering import samples

OTHERS = [code for code in LANGUAGES if code != "en"]
DAY = date(2026, 11, 20)
TEMPLATES = Templates()


def mail(code: str) -> EmailMessage:
    subscriber = samples.SUBSCRIBER._replace(language=code)
    letter = samples.letter()._replace(subscriber=subscriber.addressee)
    payload = compose_mail(letter, samples.SITE, templates=TEMPLATES).payload
    return message_from_bytes(payload, policy=default)


def part(code: str, kind: str) -> str:
    found = mail(code).get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("code", [*sorted(LANGUAGES), "ar-EG", "hi", "my"])
def test_numbers_are_written_as_cldr_has_them(code: str) -> None:
    language = replace(speak("en"), locale=Locale.parse(code.replace("-", "_")))
    for number in (*range(0, 1002, 7), 999, 1000, 1001, 123_456, -3, 0.5, 12.0):
        assert language.number(number) == format_decimal(number, locale=language.locale)


@pytest.mark.parametrize(
    ("code", "long", "number", "percent", "time"),
    [
        ("en", "Friday, 20 November 2026", "1,284", "1%", "07:05"),
        ("de", "Freitag, 20. November 2026", "1.284", "1\xa0%", "07:05"),
        ("fr", "vendredi 20 novembre 2026", "1\u202f284", "1\xa0%", "07:05"),
        ("es", "viernes, 20 de noviembre de 2026", "1.284", "1\xa0%", "7:05"),
        ("pt", "sexta-feira, 20 de novembro de 2026", "1.284", "1%", "07:05"),
        ("zh", "2026年11月20日星期五", "1,284", "1%", "07:05"),
        ("ja", "2026年11月20日金曜日", "1,284", "1%", "7:05"),
    ],
)  # fmt: skip
def test_dates_and_numbers(code: str, long: str, number: str, percent: str, time: str) -> None:
    language = speak(code)
    assert language.long_date(DAY) == long
    assert language.number(1284) == number
    assert language.percent(0.01) == percent
    assert language.time(7, 5) == time


@pytest.mark.parametrize(
    ("code", "one", "many"),
    [
        ("de", "1 Arbeit", "3 Arbeiten"),
        ("fr", "1 article", "3 articles"),
        ("es", "1 artículo", "3 artículos"),
        ("pt", "1 artigo", "3 artigos"),
        ("zh", "1 篇论文", "3 篇论文"),
        ("ja", "1 本", "3 本"),
    ],
)
def test_one_and_many(code: str, one: str, many: str) -> None:
    count = speak(code).count
    assert count("{n} paper", "{n} papers", 1) == one
    assert count("{n} paper", "{n} papers", 3) == many


def test_nothing_is_singular_in_french() -> None:
    assert speak("fr").count("{n} paper", "{n} papers", 0) == "0 article"
    assert speak("de").count("{n} paper", "{n} papers", 0) == "0 Arbeiten"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("de", "Unter den besten 1\xa0% aller neuen Arbeiten: nah an dem, was Sie suchen."),
        ("es", "Entre el mejor 1\xa0% de lo nuevo: cercano a lo que busca."),
        ("ja", "新着論文の上位 1%：お探しの内容に近い論文。"),
    ],
)
def test_the_why_line(code: str, told: str) -> None:
    assert plain(why(Reasons(percentile=0.004), breadth=1, language=speak(code))) == told


@pytest.mark.parametrize("code", OTHERS)
def test_no_line_of_the_frame_stays_english(code: str) -> None:
    """What stands in the English mail as well must be a paper's, an address or a name."""
    english = set(part("en", "plain").splitlines())
    words = " ".join(
        [
            *(one.title + one.abstract + one.key for one in samples.PAPERS.values()),
            *(name for one in samples.PAPERS.values() for name in one.authors),
            *(one.summary.text for one in samples.PAPERS.values() if one.summary),
            *(one.name for one in samples.SUBSCRIBER.interests),
            samples.SITE.identity,
        ]
    )
    same = {
        line.strip()
        for line in english & set(part(code, "plain").splitlines())
        if re.search("[a-z]{3}", line) and "://" not in line
    } - {"31 votes."}  # the same word in French
    ours = {line for line in same if not set(re.findall(r"[a-z]{4,}", line)) <= _words(words)}
    assert ours == set()


def _words(text: str) -> set[str]:
    # Names of places, and an excerpt's last word cut short.
    return {*re.findall(r"[a-z]{4,}", text), "rxiv", "ournal", "journal"} | _names()


def _names() -> set[str]:
    return {
        word
        for one in samples.PAPERS.values()
        for name in (*one.sources, *one.categories, one.organisation or "")
        for word in re.findall(r"[a-z]{4,}", name)
    }


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_mail_says_its_language(code: str) -> None:
    assert mail(code)["Content-Language"] == code
    assert f'<html lang="{code}"' in part(code, "html")


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_line_of_text_is_wider_than_a_terminal(code: str) -> None:
    long = [
        line
        for line in part(code, "plain").splitlines()
        if width(line) > WIDTH and "://" not in line and " " in line.strip()
    ]
    assert long == []


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("cadence", list(Cadence))
def test_every_rhythm_and_every_note_can_be_said(code: str, cadence: Cadence) -> None:
    schedule = replace(samples.SUBSCRIBER.schedule, cadence=cadence)
    subscriber = samples.SUBSCRIBER._replace(language=code, schedule=schedule)
    notes = tuple(replace(samples.DIGEST.notes[0], verdict=one) for one in Verdict)
    digest = samples.DIGEST._replace(notes=notes)
    letter = samples.letter()._replace(subscriber=subscriber.addressee, digest=digest)
    payload = compose_mail(letter, samples.SITE, templates=TEMPLATES).payload
    assert b"{" not in payload.partition(b"text/html")[0]


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_trial_mail(code: str) -> None:
    compose_mail(trial_letter(code), samples.SITE, templates=TEMPLATES)


def test_languages_are_called_as_their_speakers_call_them() -> None:
    assert [own_name(code) for code in LANGUAGES] == [
        "English",
        "Deutsch",
        "Français",
        "Español",
        "Português",
        "中文",
        "日本語",
    ]
    assert own_name("nonsense!") == "nonsense!"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("短い文です。", ["短い文です。"]),
        ("あ" * 40, ["あ" * 36, "あ" * 4]),
        ("あ" * 36 + "。", ["あ" * 35, "あ。"]),
        ("あ" * 35 + "「い」", ["あ" * 35, "「い」"]),
        ("汉" * 34 + "Europe/Lisbon", ["汉" * 34, "Europe/Lisbon"]),
        ("汉字 and words", ["汉字 and words"]),
        ("x" * 90 + "汉", ["x" * 90, "汉"]),
    ],
)
def test_chinese_and_japanese_are_broken_by_their_width(text: str, lines: list[str]) -> None:
    assert wrap(text, indent="").split("\n") == lines


def test_a_french_colon_stays_with_its_word() -> None:
    words = "mot " * 17 + "dit\xa0: oui"
    assert wrap(words, indent="").split("\n")[1] == "dit\xa0: oui"


def test_sentences_stand_beside_one_another_as_they_are_written() -> None:
    assert speak("de").paragraph("Eins.", "", "Zwei.") == "Eins. Zwei."
    assert speak("ja").paragraph("一。", "二。", "三。") == "一。二。三。"


def test_what_a_width_is() -> None:
    assert [width(text) for text in ("abc", "日本", "é", "e\u0301", "ｱ", "Ａ")] == [
        3,
        4,
        1,
        1,
        1,
        2,
    ]
