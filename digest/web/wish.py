"""What somebody wants, as the forms have it: a sentence, keywords, examples, followed authors.

    typed | Wish | faults beside the fields, or the record that `digest.subscriptions` takes

Pure but for reading example papers. A faulty query is told with its column and its mend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digest.errors import InvalidSubscriber, QuerySyntaxError
from digest.matching.query import parse
from digest.model import Combine, Example, Interest, InterestId, Paper, PaperId
from digest.rendering.language import Language
from digest.rendering.spans import line, shorten
from digest.store.papers import PaperStore
from digest.subscriptions.records import check_interest
from digest.web.forms import Fault, Form

MOST_EXAMPLES: Final = 40
VOLUMES: Final = ("1", "3", "5", "10", "20")  #: papers a day that the form offers
_NAME: Final = 60
_ABSTRACT: Final = 8000
_LIMITS: Final = {"name": 120, "wants": 8000, "keywords": 4000}


@dataclass(frozen=True, slots=True)
class Wish:
    """One interest as typed; `kept` are the stored examples that stay, `added` papers picked."""

    name: str = ""
    wants: str = ""
    keywords: str = ""
    authors: str = ""
    volume: str = ""
    both: bool = False
    kept: tuple[Example, ...] = ()
    added: tuple[Paper, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.wants or self.keywords or self.authors or self.kept or self.added)

    @property
    def examples(self) -> tuple[Example, ...]:
        fresh = (Example(one.title, one.abstract[:_ABSTRACT], True, one.id) for one in self.added)
        return (*self.kept, *fresh)

    def label(self, language: Language) -> str:
        """The name it has, or the first words of what it wants."""
        titles = [example.title for example in self.examples]
        first = next(
            filter(None, (self.name, self.wants, self.keywords, *titles, self.authors)), ""
        )
        return shorten(line(first), _NAME) or language.text("My interest")

    def record(self, language: Language) -> dict[str, Any]:
        """The interest's record (see `digest.subscriptions.records`)."""
        return {
            "name": self.name or self.label(language),
            "statement": self.wants,
            "query": self.keywords,
            "authors": _lines(self.authors),
            "examples": [
                {"title": one.title, "abstract": one.abstract, "positive": one.positive}
                for one in self.examples
            ],
            "daily_volume": _volume(self.volume),
            "combine": (Combine.ALL if self.both else Combine.ANY).value,
        }

    def interest(self, language: Language) -> Interest:
        """The interest as matching takes it, before anything is stored."""
        return Interest(
            id=InterestId(0),
            name=self.label(language),
            query=self.keywords,
            statement=self.wants,
            examples=self.examples,
            authors=tuple(_lines(self.authors)),
            daily_volume=_volume(self.volume),
            combine=Combine.ALL if self.both else Combine.ANY,
        )


def typed(form: Form, papers: PaperStore, stored: Interest | None = None) -> Wish:
    """What the form says; examples of `stored` stay as far as they are still ticked."""
    ticked = set(form.numbers("kept"))
    known = enumerate(stored.examples) if stored else ()
    ids = [PaperId(one) for one in form.numbers("example")[:MOST_EXAMPLES]]
    found = papers.papers(ids) if ids else {}
    return Wish(
        name=line(form.text("name")),
        wants=form.text("wants"),
        keywords=form.text("keywords"),
        authors=form.text("authors"),
        volume=form.text("volume"),
        both=form.text("both") == "yes",
        kept=tuple(example for place, example in known if place in ticked),
        added=tuple(found[one] for one in ids if one in found),
    )


def of_interest(interest: Interest) -> Wish:
    """A stored interest as its form begins."""
    volume = interest.daily_volume
    return Wish(
        name=interest.name,
        wants=interest.statement,
        keywords=interest.query,
        authors="\n".join(interest.authors),
        volume="" if volume is None else f"{volume:g}",
        both=interest.combine is Combine.ALL,
        kept=interest.examples,
    )


def faults_of(wish: Wish, language: Language) -> dict[str, Fault]:
    """What is wrong, by field."""
    found: dict[str, Fault] = {}
    for name, most in _LIMITS.items():
        if len(getattr(wish, name)) > most:
            n = language.number(most)
            found[name] = Fault(language.say("This is too long: {n} characters are the most.", n=n))
    if fault := _query_fault(wish, language):
        found["keywords"] = fault
    if wish.volume and _volume(wish.volume) is None:
        found["volume"] = Fault(language.text("Choose one of the numbers."))
    if wish.is_empty:
        found["wants"] = Fault(
            language.text("Say what interests you: a sentence, keywords, or a paper you like.")
        )
    return found or _left_over(wish, language)


def _query_fault(wish: Wish, language: Language) -> Fault | None:
    """Exclusions alone are fine beside something else that selects."""
    if not wish.keywords:
        return None
    selects = bool(wish.wants or wish.examples or wish.authors)
    try:
        parse(wish.keywords, exclusions_alone=selects)
    except QuerySyntaxError as error:
        return Fault.of(error, language)
    return None


def _left_over(wish: Wish, language: Language) -> dict[str, Fault]:
    """Whatever the record's own check still finds."""
    try:
        check_interest(wish.record(language))
    except InvalidSubscriber as error:
        field = {"query": "keywords", "statement": "wants"}
        key = str(error).partition(":")[0].split(" ")[0].split(".")[0]
        return {field.get(key, key if key in _FIELDS else "wants"): Fault.of(error, language)}
    return {}


_FIELDS: Final = ("name", "authors", "volume")


def _volume(text: str) -> float | None:
    try:
        volume = float(text)
    except ValueError:
        return None
    return volume if 0 < volume <= 1000 else None


def _lines(text: str) -> list[str]:
    return [one.strip() for one in text.splitlines() if one.strip()]


def volumes(wish: Wish) -> Sequence[str]:
    """What the form offers, with the stored number where it is none of the usual."""
    return VOLUMES if wish.volume in ("", *VOLUMES) else (*VOLUMES, wish.volume)


def shown(faults: Mapping[str, Fault], order: Sequence[str]) -> list[tuple[str, Fault]]:
    """The faults in the order of the fields, for the summary above the form."""
    return [(name, faults[name]) for name in order if name in faults]
