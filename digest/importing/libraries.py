"""A library becomes an interest: its newest works as examples, each once, with their abstracts.

Works are looked up among the stored papers, because a library often has only titles; what is
unknown stays as it was written. An interest that exists already keeps its examples and gets more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from digest.errors import UsageError
from digest.importing.works import Work, Works
from digest.store.database import Database
from digest.store.lookup import Stored, by_key, by_title
from digest.subscriptions.register import Subscriptions
from digest.text import title_key

USUAL = 50  #: examples taken of a library: beyond, more cost time and change little
_LONGEST = 8000  #: characters of an example's abstract
_LONGEST_TITLE = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a library: works there were, examples taken, and those known with abstract."""

    interest: str
    works: int
    examples: int
    known: int
    with_abstract: int
    titles: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The documented shape of `digest interests import --json`."""
        return {
            "interest": self.interest,
            "works": self.works,
            "examples": self.examples,
            "known_papers": self.known,
            "with_abstract": self.with_abstract,
            "titles": self.titles,
            "faults": self.faults,
        }


class Importer:
    """Makes interests from works."""

    def __init__(self, database: Database, subscriptions: Subscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions

    def take(
        self,
        email: str,
        name: str,
        library: Works,
        *,
        most: int = USUAL,
        dry_run: bool = False,
    ) -> Imported:
        """Store the interest `name` with the newest works as examples; raises UsageError for none.

        A dry run stores nothing.
        """
        stored = {
            one.name.casefold(): one for one in self._subscriptions.subscriber(email).interests
        }
        before = stored.get(name.strip().casefold())
        taken = [example.title for example in before.examples] if before else []
        chosen = choose(library.works, most=most, taken=taken)
        if not chosen:
            first = f" ({library.faults[0]})" if library.faults else ""
            mend = "All its works may be examples already." if taken else "Is it the right file?"
            raise UsageError(f"The library gives no example{first}.", mend=mend)
        filled, known = self._filled(chosen)
        if not dry_run:
            examples = [_record(one) for one in filled]
            if before is None:
                record = {"name": name, "examples": examples}
                self._subscriptions.add_interest(email, record)
            else:
                old = [
                    {"title": it.title, "abstract": it.abstract, "positive": it.positive}
                    for it in before.examples
                ]
                self._subscriptions.edit_interest(email, before.name, {"examples": old + examples})
        return Imported(
            interest=before.name if before else name,
            works=len(library.works),
            examples=len(filled),
            known=known,
            with_abstract=sum(bool(one.abstract) for one in filled),
            titles=tuple(one.title for one in filled),
            faults=library.faults,
        )

    def _filled(self, works: Sequence[Work]) -> tuple[list[Work], int]:
        """The works as the store has them, where it does, and how many it has."""
        with self._database.read() as connection:
            keyed = by_key(connection, {key for one in works for key in one.keys})
            unknown = [one.title for one in works if not any(key in keyed for key in one.keys)]
            titled = by_title(connection, unknown)
        found = [_known(one, keyed, titled) for one in works]
        filled = [
            replace(one, title=it.title, abstract=it.abstract or one.abstract) if it else one
            for one, it in zip(works, found, strict=True)
        ]
        return filled, sum(it is not None for it in found)


def _known(one: Work, keyed: dict[str, Stored], titled: dict[str, Stored]) -> Stored | None:
    return next((keyed[key] for key in one.keys if key in keyed), titled.get(one.title))


def choose(works: Iterable[Work], *, most: int, taken: Iterable[str] = ()) -> list[Work]:
    """At most `most` works, newest first, each once.

    The same work is one with an identifier or the title in common.
    """
    seen = {title_key(title) for title in taken}
    ordered = sorted(works, key=lambda one: -one.year)  # stable: as the library has them
    chosen: list[Work] = []
    for one in ordered:
        names = {*one.keys, title_key(one.title)}
        if seen.isdisjoint(names):
            chosen.append(one)
        seen |= names
    return chosen[:most]


def _record(one: Work) -> dict[str, Any]:
    return {"title": one.title[:_LONGEST_TITLE], "abstract": one.abstract[:_LONGEST]}
