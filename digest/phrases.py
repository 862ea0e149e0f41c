"""Phrases: English sentences that remember what they were made of, to be said in another language.

A fault is found far below the rooms that know languages. Its message is a phrase: to a log and to
the command line plain English text, to `digest.rendering.language` a message of the catalogues
with its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

#: What the mails and pages can be in. English is what the messages are written in; each of the
#: others has a catalogue (see `digest.rendering.language`).
LANGUAGES: Final = ("en", "de", "fr", "es", "pt", "zh", "ja")

Value = str | int | float | tuple[str, ...]  #: a tuple is several to choose from: "a, b or c"


class Phrase(str):
    """A sentence with its values filled in; `template` and `values` say it again elsewhere."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value]) -> Self:
        english = {name: _either(value) for name, value in values.items()}
        made = super().__new__(cls, template.format(**english))
        made.template, made.values = template, values
        return made


def phrase(template: str, **values: Value) -> Phrase:
    """The phrase; the catalogues have its template."""
    return Phrase(template, values)


def message(text: str) -> str:
    """Marks a text for the catalogues where it is written down, to be said later."""
    return text


def plural(one: str, many: str) -> tuple[str, str]:
    """Marks two forms of one message, to be said later with a number."""
    return one, many


def _either(value: Value) -> Value:
    if isinstance(value, tuple):
        return " or ".join(value)
    return f"{value:,}" if isinstance(value, int) else value
