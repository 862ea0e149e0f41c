"""The catalogues: every message of the code in every language, and nothing that is not said."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Message

from digest.phrases import LANGUAGES, phrase
from digest.rendering.language import speak
from tools import catalogues
from tools.catalogues import extracted, in_code, in_template, translated

MENDED = "run `python -m tools.catalogues update` and translate what is new"


def test_the_template_of_the_catalogues_is_what_the_code_says(tmp_path: Path) -> None:
    made = tmp_path / "digest.pot"
    catalogues._write(extracted(), made)
    assert catalogues.TEMPLATE.read_bytes() == made.read_bytes(), MENDED


@pytest.mark.parametrize("language", translated())
def test_every_message_is_in_every_language(language: str) -> None:
    assert list(catalogues.faults(language)) == [], MENDED


def test_there_is_a_catalogue_for_every_language_and_no_other() -> None:
    folders = {path.name for path in catalogues.FOLDER.iterdir() if path.is_dir()}
    assert {*folders, "en"} == set(LANGUAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_is_spoken(code: str) -> None:
    language = speak(code)
    assert language.code == code
    assert (language.text("Unsubscribe") == "Unsubscribe") is (code == "en")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('language.text("Save")', ["Save"]),
        ('reader.language.say("To {name}", name=it)', ["To {name}"]),
        ('self._language.count("{n} paper", "{n} papers", 3)', [("{n} paper", "{n} papers")]),
        ('LABEL = message("Save" " all")', ["Save all"]),
        ('phrase("No {what}", what=it)', ["No {what}"]),
        ('form.text("email")', []),
        ('sa.text("SELECT 1")', []),
        ("language.text(label)", []),
    ],
)
def test_what_is_a_message_in_code(source: str, found: list[object]) -> None:
    assert list(in_code(source)) == found


def test_what_is_a_message_in_a_template() -> None:
    template = '{{ _("Save") }} {{ _s("To {name}", name=x) }} {{ _n("{n} vote", "{n} votes", 2) }}'
    found = list(in_template(template.encode()))
    assert found == ["Save", "To {name}", ("{n} vote", "{n} votes")]


def test_what_operators_see_stays_english() -> None:
    places = {file for file, _ in catalogues.messages()}
    assert not [one for one in places if one.startswith(("digest/cli", "templates/web/desk"))]
    assert {"digest/web/faults.py", "templates/web/base.html.j2", "digest/notices.py"} <= places


@pytest.mark.parametrize(
    ("ids", "string", "wrong"),
    [
        ("To {name}", "An {name}", []),
        ("To {name}", "An {nam}", ["other places: ['nam']"]),
        ("To {name}", "", ["empty"]),
        ("<b>Now</b>", "Jetzt", ["other markup"]),
        ("Save", " Sichern", ["space around it"]),
        (("One vote", "{n} votes"), ("{n} Stimme", "{n} Stimmen"), []),
        (("{n} vote", "{n} votes"), ("{n} Stimme", ""), ["empty"]),
        (("{n} of {all}", "{n} of {all}"), ("{n} von", "{n} von {all}"), ["other places: ['n']"]),
    ],
)
def test_what_is_wrong_with_a_translation(
    ids: str | tuple[str, str], string: str | tuple[str, str], wrong: list[str]
) -> None:
    assert list(catalogues._wrong(Message(ids, string))) == wrong


def test_an_uncertain_translation_is_none() -> None:
    guessed = Message("Save", "Sichern", flags=["fuzzy"])
    assert list(catalogues._wrong(guessed)) == ["uncertain"]


def test_a_phrase_is_english_to_logs_and_said_again_to_readers() -> None:
    told = phrase("Did you mean {names}?", names=("Europe/Rome", "Asia/Rome", "X"))
    assert told == "Did you mean Europe/Rome or Asia/Rome or X?"
    assert speak("de").tell(told) == "Meinten Sie Europe/Rome, Asia/Rome oder X?"
    assert speak("de").tell("a text that is none") == "a text that is none"


def test_numbers_in_phrases_are_the_readers() -> None:
    told = phrase("A query may have {most} words and phrases", most=1000)
    assert told == "A query may have 1,000 words and phrases"
    assert "1.000" in speak("de").tell(told)
    assert "1\u202f000" in speak("fr").tell(told)
