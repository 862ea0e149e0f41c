"""Languages: the one seam through which every word a reader sees passes.

A message is its English text (gettext), which also stands in where a catalogue lacks it; a test
sees that none does. Numbers, dates and lists come from CLDR through babel. Catalogues lie in
`locale/<language>/LC_MESSAGES/digest.mo` beside this module, made from the `.po` next to each by
`python -m tools.catalogues`. Nothing here knows about papers.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, get_day_names
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from digest.phrases import Phrase, Value
from digest.phrases import message as message
from digest.phrases import plural as plural
from digest.rendering.spans import Spans, fill, plain
from digest.rendering.spans import say as spans_of

_CATALOGUES: Final = Path(__file__).parent / "locale"
# American order is one of many in English; the day before the month is understood everywhere.
_LONG_DATE: Final = {"en": "EEEE, d MMMM y"}
_DATE: Final = {"en": "d MMMM y"}
_GROUPED: Final = 1000  #: from here on, digits of a whole number may stand in groups


@dataclass(frozen=True, eq=False)
class Language:
    """How to say things in one language; `code` is its BCP 47 tag for mail and HTML."""

    code: str
    locale: Locale
    catalogue: gettext.NullTranslations

    @cached_property
    def direction(self) -> str:
        return self.locale.text_direction

    def text(self, message: str) -> str:
        """The message in this language; templates know it as `_`."""
        return self.catalogue.gettext(message) if message else ""

    def say(self, message: str, **values: str) -> str:
        return self.text(message).format(**values) if values else self.text(message)

    def tell(self, text: str) -> str:
        """A phrase in this language; whatever is none stays as it is."""
        if not isinstance(text, Phrase):
            return text
        values = {name: self._value(one) for name, one in text.values.items()}
        return self.text(text.template).format(**values)

    def _value(self, value: Value) -> str:
        match value:
            case str():
                return value
            case tuple():
                return format_list(value, style="or", locale=self.locale)
            case _:
                return self.number(value)

    def count(self, one: str, many: str, number: int, **values: str) -> str:
        """The form that fits `number`, which both forms may name as `{n}`."""
        form = self.catalogue.ngettext(one, many, number)
        return form.format(n=self.number(number), **values)

    def number(self, number: float) -> str:
        if type(number) is int and 0 <= number < _GROUPED and self._has_usual_digits:
            return str(number)
        return _decimal(number, self.locale)

    @cached_property
    def _has_usual_digits(self) -> bool:
        """Whether whole numbers that need no grouping are written as everywhere."""
        return all([_decimal(n, self.locale) == str(n) for n in (0, 123, 456, 789)])

    def percent(self, share: float) -> str:
        """A share as a whole number of percents: "1%", "1 %"."""
        return format_percent(share, locale=self.locale)

    def long_date(self, day: date) -> str:
        """With the weekday: "Friday, 20 November 2026"."""
        return format_date(day, _LONG_DATE.get(self.code, "full"), self.locale)

    def date(self, day: date) -> str:
        return format_date(day, _DATE.get(self.code, "long"), self.locale)

    def weekday(self, number: int) -> str:
        """The name of a weekday, 0 being Monday."""
        return str(get_day_names("wide", locale=self.locale)[number])

    def time(self, hour: int, minute: int) -> str:
        """By 24 hours, as a timetable: "07:30"."""
        return _time(hour, minute, self.locale)

    def join(self, parts: Sequence[Spans]) -> Spans:
        """ "a, b and c", each part with its own emphasis."""
        if len(parts) == 1:
            return parts[0]
        places = tuple([f"p{n}" for n in range(len(parts))])
        return fill(_list_pattern(places, self), **dict(zip(places, parts, strict=True)))

    def listed(self, names: Sequence[str]) -> str:
        """The same for bare texts."""
        return plain(self.join([spans_of(name) for name in names])) if names else ""

    def paragraph(self, *sentences: str) -> str:
        """Whole sentences, one after the other; empty ones are left out."""
        told, both = "", message("{sentence} {next}")  # with no space where there are none
        for one in filter(None, sentences):
            told = self.say(both, sentence=told, next=one) if told else one
        return told

    def opening(self, text: str) -> str:
        """The text as a heading begins: with a capital, where the language has them."""
        return text[:1].upper() + text[1:]


@lru_cache(maxsize=256)
def own_name(code: str) -> str:
    """A language as its speakers call it, as a list of languages has it: "Français"."""
    try:
        name = Locale.parse(code.replace("-", "_")).get_display_name() or code
    except (UnknownLocaleError, ValueError, TypeError):
        return code
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=256)
def _time(hour: int, minute: int, locale: Locale) -> str:
    return format_skeleton("Hm", time(hour, minute), locale=locale)


@lru_cache(maxsize=8192)
def _decimal(number: float, locale: Locale) -> str:
    return format_decimal(number, locale=locale)


@lru_cache(maxsize=256)
def _list_pattern(names: tuple[str, ...], language: Language) -> str:
    locale = language.locale
    # British English has no comma before the "and"; the American rule is one language's habit.
    house = Locale("en", "GB") if locale == Locale("en") else locale
    return format_list([f"{{{name}}}" for name in names], locale=house) if names else ""


@lru_cache(maxsize=64)
def speak(code: str, catalogues: Path = _CATALOGUES) -> Language:
    """The language called `code` ("en", "pt-BR"); English when we do not speak it.

    A language without a catalogue is not spoken at all: its dates in English sentences would help
    nobody.
    """
    try:
        locale = Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return speak("en", catalogues)
    names = [str(locale), locale.language]
    catalogue = gettext.translation("digest", catalogues, languages=names, fallback=True)
    if locale.language != "en" and type(catalogue) is gettext.NullTranslations:
        return speak("en", catalogues)
    return Language(code=str(locale).replace("_", "-"), locale=locale, catalogue=catalogue)
