"""Reading stored documents (see `digest.store.documents`): cut up, and each line read only once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple, cast

from digest.errors import SchemaError
from digest.model import (
    Digest,
    DigestId,
    Field,
    Hit,
    InterestId,
    Item,
    PaperId,
    Reasons,
    Section,
    SourceNote,
    SubscriberId,
    Verdict,
)
from digest.shelf import Maker, Shelf
from digest.store.documents import AROUND, BEGINS, NEXT_ITEM, VERSION, Document, dump_json

_SECTIONS: Final = ',"sections":[['
_OPENS: Final = ",["
_NEXT_SECTION: Final = "]],["
_LISTS_KEPT: Final = 8_192  #: of about 0.3 kB
_LINES_KEPT: Final = 16_384  #: twice this at most, of about 0.7 kB
_ASIDES_KEPT: Final = 8_192  #: of about 0.2 kB
_HEADS_KEPT: Final = 1_024
_FIELDS: Final = {field.value: field for field in Field}  #: a dict is faster than Field(value)
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}

_as_id = cast("Callable[[str], InterestId]", int)  #: what names the kind of a number costs as much
_decoder: Final = json.JSONDecoder()

Fetch = Callable[[Collection[int]], Mapping[int, str]]


class Stored(NamedTuple):
    """A digest's row, as far as it says what a Digest is."""

    text: str
    id: DigestId
    subscriber_id: SubscriberId
    local_date: date
    composed_at: datetime


class Reading:
    """Reads documents, and keeps what it read: equal items, and equal reasons, are one value."""

    def __init__(self) -> None:
        self._listed = Shelf[str, tuple[Item, ...]](_LISTS_KEPT)
        self._numbered = Shelf[str, Item](_LINES_KEPT)
        self._alone = Maker[str, Item](_to_item, _LINES_KEPT)
        self._asides = Maker(_to_aside, _ASIDES_KEPT)
        self._heads = Maker(_to_head, _HEADS_KEPT)

    def digests(self, stored: Sequence[Stored], fetch: Fetch) -> list[Digest]:
        """The digests again; raises SchemaError for a document of a later version.

        `fetch` reads the lines with these numbers.
        """
        opened = [_open(one.text) for one in stored]
        lists = self._lists({text for _, listed in opened for text in listed}, fetch)
        return [
            self._digest(one, between, [lists[text] for text in listed])
            for one, (between, listed) in zip(stored, opened, strict=True)
        ]

    def _digest(self, stored: Stored, between: list[str], lists: list[tuple[Item, ...]]) -> Digest:
        """`between` is what stands before, between and after the sections' items."""
        head, _, between[0] = between[0].partition(_SECTIONS)
        begun = self._heads[head]
        return Digest(
            stored.id,
            stored.subscriber_id,
            stored.local_date,
            stored.composed_at,
            begun.since,
            begun.until,
            tuple(map(_section, between, lists)),  # nothing opens behind the last
            begun.considered,
            begun.left_out,
            begun.notes,
            begun.away,
        )

    def _lists(self, wanted: set[str], fetch: Fetch) -> dict[str, tuple[Item, ...]]:
        """The items of whole sections: half of them have been read before, word for word."""
        lists: dict[str, Any] = {text: self._listed.find(text) for text in wanted}
        parts = {
            text: text.split(NEXT_ITEM) if text else []
            for text, items in lists.items()
            if items is None
        }
        at_hand = self._numbered.get
        found: dict[str, list[Any]] = {text: list(map(at_hand, of)) for text, of in parts.items()}
        pairs = [
            pair
            for text, items in found.items()
            if not all(items)
            for pair in zip(parts[text], items, strict=True)
        ]
        made = self._make({part for part, item in pairs if item is None}, fetch)
        for text, items in found.items():
            if all(items):
                lists[text] = self._listed.keep(text, tuple(items))
            else:
                both = zip(parts[text], items, strict=True)
                lists[text] = tuple([item or made[part] for part, item in both])
        return lists

    def _make(self, missing: set[str], fetch: Fetch) -> dict[str, Item]:
        """The items that were not at hand, by the texts that stand for them."""
        asides = {text: _cut(text) for text in missing if text.startswith("[")}
        lines = missing.difference(asides).union([line for line, _ in asides.values()])
        made: dict[str, Any] = {line: self._numbered.find(line) for line in lines}
        new = [line for line, item in made.items() if item is None]
        numbers = [int(line) for line in new if line.isdecimal()]
        texts = fetch(numbers) if numbers else {}
        for line in new:
            if line.isdecimal():
                item = self._alone[_found(texts, int(line))]
                made[line] = self._numbered.keep(line, item)
            else:
                made[line] = self._alone[line]
        for text, (line, rest) in asides.items():
            alone, (also, revision) = made[line], self._asides[rest]
            made[text] = Item(alone.paper_id, alone.score, alone.reasons, also, revision)
        return made


def _found(texts: Mapping[int, str], number: int) -> str:
    try:
        return texts[number]
    except KeyError:
        raise SchemaError(
            f"A digest names line {number}, which is not stored.",
            mend="Put a whole copy of the database back.",
        ) from None


def _open(text: str) -> tuple[list[str], list[str]]:
    """What stands around the sections' items, and each section's items."""
    parts = text.split(AROUND)
    if len(parts) < 2 or not text.startswith(BEGINS):
        parts = _laid_out(json.loads(text)).split(AROUND)
    return parts[::2], parts[1::2]


def _laid_out(document: Document) -> str:
    """A document of any version, or without its ends of lines, as it would be written now."""
    _refuse_later(document)
    is_first = document["v"] < VERSION
    sections = [
        f"[{dump_json([number, name])[1:-1]},[{AROUND}"
        f"{NEXT_ITEM.join(dump_json(_of_first(one) if is_first else one) for one in items)}"
        f"{AROUND}]]"
        for number, name, items in document["sections"]
    ]
    begin = dump_json(document | {"v": VERSION, "sections": []}).removesuffix("]}")
    return f"{begin}{','.join(sections)}]}}"


def _of_first(item: Document) -> list[Any]:
    """An item of version 1."""
    line = {key: value for key, value in item.items() if key not in ("also", "rev")}
    return [line, item.get("also", []), item.get("rev", False)]


def _cut(text: str) -> tuple[str, str]:
    """The line of an item that says more, and the rest of it."""
    end = text.index(",") if text[1] != "{" else _decoder.raw_decode(text, 1)[1]
    return text[1:end], text[end + 1 :]


def _to_aside(rest: str) -> tuple[tuple[str, ...], bool]:
    also, *revision = json.loads(f"[{rest}")
    return tuple(also), revision == [True]


def _section(opening: str, items: tuple[Item, ...]) -> Section:
    """`opening` is `145,"name",[`, or the same after the end of the section before it."""
    number, _, name = opening.removeprefix(_NEXT_SECTION).partition(",")
    name = name.removesuffix(_OPENS)
    return Section(
        None if number == "null" else _as_id(number),
        json.loads(name) if "\\" in name else name[1:-1],
        items,
    )


class _Head(NamedTuple):
    """What a document says besides its sections."""

    since: datetime
    until: datetime
    considered: int
    left_out: int
    notes: tuple[SourceNote, ...]
    away: bool


def _to_head(text: str) -> _Head:
    """Of a document cut off before its sections."""
    document = json.loads(text if text.endswith("}") else text + "}")
    notes = [SourceNote(name, _VERDICTS[word]) for name, word in document.get("notes", ())]
    return _Head(
        datetime.fromisoformat(document["since"]),
        datetime.fromisoformat(document["until"]),
        document["n"],
        document.get("more", 0),
        tuple(notes),
        document.get("away", False),
    )


def _refuse_later(document: Document) -> None:
    if document["v"] > VERSION:  # whatever else it says may mean something else
        raise SchemaError(
            f"A digest was stored in form {document['v']}, this program knows {VERSION}.",
            mend="Install the newer version again.",
        )


def _to_item(line: str) -> Item:
    document = json.loads(line)
    get = document.get
    reasons = Reasons(
        hits=tuple(Hit(_FIELDS[field], *place) for field, *place in get("hits", ())),
        percentile=get("top"),
        resembles=get("like"),
        followed=tuple(get("who", ())),
        votes=get("votes"),
    )
    return Item(PaperId(document["p"]), document["s"], reasons)
