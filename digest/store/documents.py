"""Stored JSON: how a Digest becomes a small document and comes back, and nothing of SQL.

    Digest -> Written.text -> {"v": 1, …} -> Reading.digest -> Digest

Version 1, everything at its default left out:

    {"v": 1, "since": "…", "until": "…", "n": considered, "more": left out,
     "notes": [[source, verdict], …], "away": true,
     "sections": [[interest id or null, name, [item, …]], …]}
    item: {"p": paper, "s": score, "also": […], "rev": true,
           "hits": [[field, start, end, term, element or nothing], …], "top": percentile,
           "like": title, "who": [followed, …], "votes": n}

What the row's own columns hold (ids, dates) is not repeated. A document of a later version than
this program knows is refused, never guessed at.

Every item stands on a line of its own, and inside JSON no line can end by chance. Subscribers who
share an interest share its items to the letter: each line is written once and read once, and kept.
What is written is joined from pieces, each of them JSON by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from json.encoder import encode_basestring
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
from digest.shelf import Maker

VERSION: Final = 1
Document = dict[str, Any]

# A line can end only between values: inside a string its end would be escaped.
_SECTIONS: Final = ',"sections":[['
_OPENS: Final = ",["
_NEXT_ITEM: Final = ","
_BETWEEN: Final = f"\n{_NEXT_ITEM}\n"
_NEXT_SECTION: Final = "]],["
_ALSO: Final = ',"also":'  #: inside a string its quotes would be escaped
_NAMED: Final = '"]'  #: the end of a list of names, or two characters of one
_LINES_KEPT: Final = 16_384  #: twice this at most, of about 0.7 kB
_NAMES_KEPT: Final = 8_192  #: lists of names, of about 0.2 kB
_HEADS_KEPT: Final = 1_024
_WRITTEN_KEPT: Final = 32_768  #: of about 0.4 kB
_FIELDS: Final = {field.value: field for field in Field}  #: a dict is faster than Field(value)
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}

_as_id = cast("Callable[[str], InterestId]", int)  #: what names the kind of a number costs as much


class Written:
    """Writes documents, and keeps what it wrote for those who share an interest.

    What is kept goes by identity: within a run the items of one find are one value, and so are the
    reasons of one match; comparing them would cost more than writing them. An item that names
    further interests is nobody else's, but apart from that its line is the one of the match.
    """

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}
        self._items: list[Item] = []  # holds them, so that nothing else gets their identities
        self._matches: dict[int, _Match] = {}
        self._notes: tuple[str, tuple[SourceNote, ...]] = ("", ())

    def text(self, digest: Digest) -> str:
        """The digest without what its row's columns hold."""
        more = f',"more":{digest.left_out}' if digest.left_out else ""
        away = ',"away":true' if digest.away else ""
        sections = [self._section(*section) for section in digest.sections]
        return (
            f'{{"v":{VERSION},"since":"{_told(digest.since)}",'
            f'"until":"{_told(digest.until)}","n":{digest.considered}{more}'
            f'{self._noted(digest.notes)}{away},"sections":[{",".join(sections)}]}}'
        )

    def _noted(self, notes: tuple[SourceNote, ...]) -> str:
        text, kept = self._notes
        if notes is not kept:
            listed = [[note.source, note.verdict.value] for note in notes]
            text = f',"notes":{dump_json(listed)}' if listed else ""
            self._notes = text, notes
        return text

    def _section(self, number: InterestId | None, name: str, items: tuple[Item, ...]) -> str:
        lines: list[Any] = list(map(self._lines.get, map(id, items)))
        if None in lines:
            lines = [line or self._line(item) for line, item in zip(lines, items, strict=True)]
        shown = "null" if number is None else number
        return f"[{shown},{_quote(name)},[\n{_BETWEEN.join(lines)}\n]]"

    def _line(self, item: Item) -> str:
        match = self._matches.get(id(item.reasons))
        if match is None or not match.fits(item):
            match = self._match(item)
        if item.also or item.revision:
            also = f',"also":[{",".join(map(_quote, item.also))}]' if item.also else ""
            new = ',"rev":true' if item.revision else ""
            return f"{match.line[: match.cut]}{also}{new}{match.line[match.cut :]}"
        if len(self._items) >= _WRITTEN_KEPT:
            self._lines.clear()
            self._items.clear()
        self._lines[id(item)] = match.line
        self._items.append(item)
        return match.line

    def _match(self, item: Item) -> _Match:
        told = dump_json(_reasons(item.reasons))[1:-1]
        rated = f'{{"p":{item.paper_id},"s":{item.score!r}'
        line = f"{rated}{',' if told else ''}{told}}}"
        if len(self._matches) >= _WRITTEN_KEPT:
            self._matches.clear()
        match = self._matches[id(item.reasons)] = _Match(item, line, len(rated))
        return match


class _Match(NamedTuple):
    """The line of an item for whoever shares the match: `also` and `rev` belong at the cut."""

    item: Item  # which holds the reasons, so that nothing else gets their identity
    line: str
    cut: int

    def fits(self, item: Item) -> bool:
        return self.item.paper_id == item.paper_id and self.item.score == item.score


class Reading:
    """Reads documents, and keeps what it read: equal items, and equal reasons, are one value."""

    def __init__(self) -> None:
        self._alone = Maker[str, Item](lambda line: _to_item(json.loads(line)), _LINES_KEPT)
        self._names = Maker(_to_names, _NAMES_KEPT)
        self._heads = Maker(_to_head, _HEADS_KEPT)

    def digest(
        self,
        text: str,
        *,
        id: DigestId,
        subscriber_id: SubscriberId,
        local_date: date,
        composed_at: datetime,
    ) -> Digest:
        """The digest again; raises SchemaError for a document of a later version."""
        lines = text.split("\n")
        if len(lines) < 2:  # there are no sections, or it is all in one line
            return from_document(
                json.loads(text),
                id=id,
                subscriber_id=subscriber_id,
                local_date=local_date,
                composed_at=composed_at,
            )
        head, _, lines[0] = lines[0].partition(_SECTIONS)
        begun = self._heads[head]
        return Digest(
            id,
            subscriber_id,
            local_date,
            composed_at,
            begun.since,
            begun.until,
            self._sections(lines[1::2], lines[::2]),
            begun.considered,
            begun.left_out,
            begun.notes,
            begun.away,
        )

    def _sections(self, written: list[str], between: list[str]) -> tuple[Section, ...]:
        """Items stand on every second line; a section opens where more than a comma is between.

        Nearly every item has been read before.
        """
        items: list[Any] = list(map(self._alone.get, written))
        if not all(items):
            make = self._item
            items = [item or make(line) for item, line in zip(items, written, strict=True)]
        *opened, end = [at for at, mark in enumerate(between) if mark != _NEXT_ITEM]
        return tuple(
            [
                _section(between[begin], items[begin:stop])
                for begin, stop in zip(opened, (*opened[1:], end), strict=True)
            ]
        )

    def _item(self, line: str) -> Item | None:
        """An item that is not at hand; apart from `also`, it is that of all who share the interest.

        The list of names ends where a string does, but a name may have the same two characters.
        """
        head, mark, rest = line.partition(_ALSO)
        if not mark:
            return self._alone[line] if line else None  # the only line of an empty section
        listed, _, tail = rest.partition(_NAMED)
        try:
            names = self._names[listed]
        except ValueError:  # cut within a name
            names, end = _decoder.raw_decode(rest)
            names, tail = tuple(names), rest[end:]
        alone = self._alone[head + tail]
        return Item(alone.paper_id, alone.score, alone.reasons, names, alone.revision)


def _section(opening: str, items: list[Item]) -> Section:
    """`opening` is `145,"name",[`, or the same after the end of the section before it."""
    number, _, name = opening.removeprefix(_NEXT_SECTION).partition(",")
    name = name.removesuffix(_OPENS)
    return Section(
        None if number == "null" else _as_id(number),
        json.loads(name) if "\\" in name else name[1:-1],
        tuple(items) if items[0] else (),
    )


def from_document(
    document: Document,
    *,
    id: DigestId,
    subscriber_id: SubscriberId,
    local_date: date,
    composed_at: datetime,
) -> Digest:
    """The digest of a decoded document; raises SchemaError for one of a later version."""
    head = _head_of(document)
    return Digest(
        id=id,
        subscriber_id=subscriber_id,
        local_date=local_date,
        composed_at=composed_at,
        since=head.since,
        until=head.until,
        sections=tuple(_to_section(*parts) for parts in document["sections"]),
        considered=head.considered,
        left_out=head.left_out,
        notes=head.notes,
        away=head.away,
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
    return _head_of(json.loads(text if text.endswith("}") else text + "}"))


def _to_names(listed: str) -> tuple[str, ...]:
    """Of a list cut off before its end; raises ValueError where that was within a name."""
    return tuple(json.loads(listed + _NAMED))


def _head_of(document: Document) -> _Head:
    if document["v"] > VERSION:  # whatever else it says may mean something else
        raise SchemaError(
            f"A digest was stored in form {document['v']}, this program knows {VERSION}.",
            mend="Install the newer version again.",
        )
    notes = [SourceNote(name, _VERDICTS[word]) for name, word in document.get("notes", ())]
    return _Head(
        datetime.fromisoformat(document["since"]),
        datetime.fromisoformat(document["until"]),
        document["n"],
        document.get("more", 0),
        tuple(notes),
        document.get("away", False),
    )


def dump_json(value: Any) -> str:
    """JSON without spaces and without escapes: what every JSON column is written with."""
    return _encode(value)


_told = lru_cache(maxsize=1024)(datetime.isoformat)  # thousands share a window
_quote = encode_basestring  # what `dump_json` does with a string, without its preparations
_decoder = json.JSONDecoder()
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _reasons(reasons: Reasons) -> Document:
    document: Document = {}
    if reasons.hits:
        document["hits"] = [_hit(hit) for hit in reasons.hits]
    if reasons.percentile is not None:
        document["top"] = reasons.percentile
    if reasons.resembles is not None:
        document["like"] = reasons.resembles
    if reasons.followed:
        document["who"] = reasons.followed
    if reasons.votes is not None:
        document["votes"] = reasons.votes
    return document


def _hit(hit: Hit) -> tuple[str | int, ...]:
    place = (hit.field, hit.start, hit.end, hit.term)
    return (*place, hit.element) if hit.element else place


def _to_section(interest_id: int | None, name: str, items: list[Document | Item]) -> Section:
    number = None if interest_id is None else InterestId(interest_id)
    read = [item if isinstance(item, Item) else _to_item(item) for item in items]
    return Section(number, name, tuple(read))


def _to_item(document: Document) -> Item:
    get = document.get
    reasons = Reasons(
        hits=tuple(Hit(_FIELDS[field], *place) for field, *place in get("hits", ())),
        percentile=get("top"),
        resembles=get("like"),
        followed=tuple(get("who", ())),
        votes=get("votes"),
    )
    paper = PaperId(document["p"])
    return Item(paper, document["s"], reasons, tuple(get("also", ())), get("rev", False))
