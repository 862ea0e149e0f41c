"""What a form said: texts by field, exactly as typed, and the faults that go back beside them.

Nothing is checked here and nothing typed is lost: a page that finds fault draws the texts again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from digest.errors import DigestError, QuerySyntaxError
from digest.rendering.language import Language

_LONGEST: Final = 20_000  #: characters of one field
_MOST: Final = 600  #: fields


class Form:
    """One posted form."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._texts: dict[str, list[str]] = defaultdict(list)
        for name, text in pairs:
            self._texts[name].append(text.replace("\r\n", "\n")[:_LONGEST])

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def text(self, name: str, default: str = "") -> str:
        """The first text of a field, without the space around it."""
        found = self._texts.get(name)
        return found[0].strip() if found else default

    def texts(self, name: str) -> list[str]:
        return list(self._texts.get(name, ()))

    def lines(self, name: str) -> list[str]:
        """One entry a line; empty ones are none."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def number(self, name: str) -> int | None:
        return as_number(self.text(name))

    def numbers(self, name: str) -> list[int]:
        """The whole numbers among a field's texts, each once, in order."""
        found = (as_number(text) for text in self.texts(name))
        return list(dict.fromkeys(one for one in found if one is not None))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field and how to mend it; `pointer` shows the place."""

    text: str
    pointer: str = ""

    @classmethod
    def of(cls, error: DigestError, language: Language) -> Fault:
        pointer = error.pointer() if isinstance(error, QuerySyntaxError) else ""
        text = language.paragraph(*told(error, language))
        return cls(language.opening(text), pointer)

    @classmethod
    def of_address(cls, language: Language) -> Fault:
        """For whatever is no address: what exactly is wrong is said in English only."""
        return cls(language.text("This is no e-mail address. Write it like ada@example.org."))


Faults = Mapping[str, Fault]


def told(error: DigestError, language: Language) -> tuple[str, str]:
    """What is wrong and the mend, in a reader's language."""
    what = language.tell(error.told)
    if isinstance(error, QuerySyntaxError):
        column = language.number(error.column)
        what = language.say("{what} (column {column}).", what=what, column=column)
    return what, language.tell(error.mend)


def as_number(text: str) -> int | None:
    """A whole number that a store can hold; anything else is None."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 18 else None


async def read_form(request: Request) -> Form:
    """The form of a request; a body that is no form is a 400."""
    try:
        async with request.form(max_files=0, max_fields=_MOST) as data:
            return Form((name, text) for name, text in data.multi_items() if isinstance(text, str))
    except (ValueError, UnicodeError) as error:
        raise HTTPException(400) from error


Posted = Annotated[Form, Depends(read_form)]
