"""Languages: the one seam through which every word a reader sees passes.

A message is its English text (gettext), which also stands in where a catalogue lacks it. Numbers,
dates and lists come from CLDR through babel. Catalogues lie in
`locale/<language>/LC_MESSAGES/digest.mo` beside this module. Nothing here knows about papers.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_day_names
from babel.lists import format_list
from babel.numbers import format_decimal

from digest.rendering.spans import Spans, fill

_CATALOGUES: Final = Path(__file__).parent / "locale"
# American order is one of many in English; the day before the month is understood everywhere.
_LONG_DATE: Final = {"en": "EEEE, d MMMM y"}
_DATE: Final = {"en": "d MMMM y"}


def message(text: str) -> str:
    """Marks a text for the catalogues where it is written down, to be said later."""
    return text


@dataclass(frozen=True, eq=False)
class Language:
    """How to say things in one language; `code` is its BCP 47 tag for mail and HTML."""

    code: str
    locale: Locale
    catalogue: gettext.NullTranslations

    @property
    def direction(self) -> str:
        return self.locale.text_direction

    def text(self, message: str) -> str:
        """The message in this language; templates know it as `_`."""
        return self.catalogue.gettext(message) if message else ""

    def say(self, message: str, **values: str) -> str:
        return self.text(message).format(**values) if values else self.text(message)

    def count(self, one: str, many: str, number: int, **values: str) -> str:
        """The form that fits `number`, which both forms may name as `{n}`."""
        form = self.catalogue.ngettext(one, many, number)
        return form.format(n=self.number(number), **values)

    def number(self, number: int) -> str:
        return _decimal(number, self.locale)

    def long_date(self, day: date) -> str:
        """With the weekday: "Friday, 20 November 2026"."""
        return format_date(day, _LONG_DATE.get(self.code, "full"), self.locale)

    def date(self, day: date) -> str:
        return format_date(day, _DATE.get(self.code, "long"), self.locale)

    def weekday(self, number: int) -> str:
        """The name of a weekday, 0 being Monday."""
        return str(get_day_names("wide", locale=self.locale)[number])

    def time(self, hour: int, minute: int) -> str:
        return format_time(time(hour, minute), "HH:mm", locale=self.locale)

    def join(self, parts: Sequence[Spans]) -> Spans:
        """ "a, b and c", each part with its own emphasis."""
        if len(parts) == 1:
            return parts[0]
        places = tuple([f"p{n}" for n in range(len(parts))])
        return fill(_list_pattern(places, self.locale), **dict(zip(places, parts, strict=True)))


@lru_cache(maxsize=8192)
def _decimal(number: int, locale: Locale) -> str:
    return format_decimal(number, locale=locale)


@lru_cache(maxsize=256)
def _list_pattern(names: tuple[str, ...], locale: Locale) -> str:
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
