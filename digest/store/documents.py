"""Stored JSON: how a Digest becomes a small document and comes back, and nothing of SQL.

    Digest -> Written.pages -> {"v": 2, …} and lines -> Reading.digests -> Digest

Version 2, everything at its default left out:

    {"v": 2, "since": "…", "until": "…", "n": considered, "more": left out,
     "notes": [[source, verdict], …], "away": true,
     "sections": [[interest id or null, name, [item, …]], …]}
    item: line, or [line, [also, …]], or [line, [also, …], true] for a revision
    line: the number of a stored line, or the line itself:
          {"p": paper, "s": score,
           "hits": [[field, start, end, term, element or nothing], …], "top": percentile,
           "like": title, "who": [followed, …], "votes": n}

What the row's own columns hold (ids, dates) is not repeated, nor is what others have been told
already: subscribers who share an interest share its lines to the letter. The first of them has a
line in their own document; when a second one comes, it is stored for all who follow and has a
number. So what only one subscriber has stands in their document alone and goes with it, and a
stored line holds nobody's name for anything: not the interest's, nor others that matched.

Version 1 had every line in every document, with "also" and "rev" in it. A document of a later
version than this program knows is refused, never guessed at.

Items stand on lines of their own, sections between empty ones, and inside JSON no line can end by
chance: so a document is read by cutting it up, and each line of it only once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, Final, NamedTuple

from digest.model import Digest, Hit, Item, PaperId, Reasons, SourceNote, Variant
from digest.store.packing import BETWEEN, Packing

VERSION: Final = 2
Document = dict[str, Any]
Versions = Mapping[PaperId, int]

BEGINS: Final = f'{{"v":{VERSION},'
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_AWAY: Final = ',"away":true'
NEXT_ITEM: Final = ",\n"
AROUND: Final = "\n\n"  #: a section's items
_LISTED: Final = f",[{AROUND}"
_ENDED: Final = f"{AROUND}]]"
_WRITTEN_KEPT: Final = 32_768  #: of about 0.4 kB
_LISTS_KEPT: Final = 8_192  #: of about 0.6 kB beside their items
_WINDOWS_KEPT: Final = 8

#: Items as they are written, their papers packed, their lines, and themselves, which are held so
#: that nothing else gets their identity.
_List = tuple[str, str, list[str], tuple[Item, ...]]


class Line(NamedTuple):
    """What several digests composed at one instant say of a paper."""

    number: int
    at: datetime
    text: str


class Pages(NamedTuple):
    """Digests as they are stored: each one's document, and its papers packed (see `packing`).

    `lines` are to be stored with them, and `papers` those that had not been told of before.
    """

    documents: list[str]
    packed: list[str]
    lines: list[Line]
    papers: list[PaperId]


def named(document: Document) -> list[int]:
    """The numbers of the lines that a decoded document names."""
    lines = [item[0] if isinstance(item, list) else item for item in _listed(document)]
    return [line for line in lines if isinstance(line, int)]


def _listed(document: Document) -> Iterator[Any]:
    for _, _, items in document.get("sections", ()):
        yield from items


class Written:
    """Writes documents, and keeps what it wrote for those who share an interest.

    What is kept goes by identity: within a run the items of one find are one value, often a whole
    list of them is, and so are the reasons of one match; comparing them would cost more than
    writing them. An item that names further interests is nobody else's, but apart from that its
    line is the one of the match, and a `Variant`'s lines are those of the list it is like.

    A line's number may be named by digests of the same instant only, and only once the transaction
    is committed that stores it: after another end, let go of this and begin a new one.
    """

    def __init__(self) -> None:
        self._at = _NEVER
        self._notes: tuple[str, tuple[SourceNote, ...]] = ("", ())
        self._told: set[PaperId] = set()
        self._forget()

    def _forget(self) -> None:
        self._packing = Packing({})
        self._lines: dict[int, str] = {}  #: numbers of items without anything aside
        self._items: list[Item] = []  # holds them, so that nothing else gets their identities
        self._lists: dict[int, _List] = {}  #: of the window that `_packing` is of
        self._windows: dict[int, tuple[Packing, dict[int, _List]]] = {}
        self._seen: set[int] = set()  # identities of lists, some of which may be gone
        # An item of the match, which holds its reasons; its line, or the number of that
        self._matches: dict[int, tuple[Item, str, str]] = {}

    def pages(
        self, digests: Iterable[Digest], versions: Iterable[Versions], numbers: Iterator[int]
    ) -> Pages:
        """The digests without what their rows' columns hold.

        `versions` are those of each one's papers, and may know others; `numbers` are for new lines.
        """
        new = Pages([], [], [], [])
        for digest, of in zip(digests, versions, strict=True):
            at = digest.composed_at
            if at is not self._at and at != self._at:
                self._at = at
                self._forget()
            if of is not self._packing.versions:
                self._turn_to(of)
            self._page(digest, numbers, new)
        return new

    def _turn_to(self, versions: Versions) -> None:
        """Another window, whose lists are others."""
        if id(versions) not in self._windows:
            if len(self._windows) >= _WINDOWS_KEPT:
                self._windows.clear()
            self._windows[id(versions)] = Packing(versions), {}
        self._packing, self._lists = self._windows[id(versions)]

    def _page(self, digest: Digest, numbers: Iterator[int], new: Pages) -> None:
        _, _, _, _, since, until, sections, considered, left_out, notes, away = digest
        lists, written, told = self._lists, [], []
        for number, name, items in sections:
            like = items.like if type(items) is Variant else items
            kept = lists.get(id(like))
            if kept is None:
                listed, packed = self._anew(items, like, numbers, new)
            else:
                listed, packed, lines, _ = kept
                if like is not items:
                    listed = _joined(lines, items)
            shown = "null" if number is None else number
            written.append(f"[{shown},{_quote(name)}{listed}")
            told.append(packed)
        new.packed.append(BETWEEN.join(filter(None, told)))
        noted, known = self._notes
        if notes is not known:
            noted = self._noted(notes)
        more = f',"more":{left_out}' if left_out else ""
        new.documents.append(
            f"{_begun(since, until, considered)}{more}"
            f'{noted}{_AWAY if away else ""},"sections":[{",".join(written)}]}}'
        )

    def _noted(self, notes: tuple[SourceNote, ...]) -> str:
        listed = [[note.source, note.verdict.value] for note in notes]
        text = f',"notes":{dump_json(listed)}' if listed else ""
        self._notes = text, notes
        return text

    def _anew(
        self,
        items: tuple[Item, ...],
        like: tuple[Item, ...],
        numbers: Iterator[int],
        new: Pages,
    ) -> tuple[str, str]:
        """Items whose list is not kept; from now on it is, when several seem to have it."""
        known, packed = self._lines.get, self._packing.pack(map(_paper_id, like))
        lines: list[Any] = list(map(known, map(id, like)))
        if not all(lines):
            for at, line in enumerate(lines):
                if not line:
                    lines[at] = self._line(like[at], numbers, new)
            if not all(map(known, map(id, like))):
                return _framed(map(_with_aside, lines, items)), packed
        if id(like) in self._seen:
            self._keep((_framed(lines), packed, lines, like))
        else:
            if len(self._seen) >= _WRITTEN_KEPT:
                self._seen.clear()
            self._seen.add(id(like))
        return _joined(lines, items), packed

    def _keep(self, listed: _List) -> None:
        if sum(len(lists) for _, lists in self._windows.values()) >= _LISTS_KEPT:
            for _, lists in self._windows.values():
                lists.clear()
        self._lists[id(listed[-1])] = listed

    def _line(self, item: Item, numbers: Iterator[int], new: Pages) -> str:
        """The line of an item for whoever shares the match; a number once somebody does."""
        paper, score, reasons, also, revision = item
        kept = self._matches.get(id(reasons))
        if kept is None or kept[0].score != score or kept[0].paper_id != paper:
            text = f'{{"p":{paper},"s":{score!r}{_told(reasons)}}}'
            if len(self._matches) >= _WRITTEN_KEPT:
                self._matches.clear()
            if paper not in self._told:
                self._told.add(paper)
                new.papers.append(paper)
            self._matches[id(reasons)] = item, text, ""
            return text
        first, text, number = kept
        if not number:
            new.lines.append(Line(next(numbers), self._at, text))
            number = str(new.lines[-1].number)
            self._matches[id(reasons)] = first, "", number
        if not (also or revision):
            if len(self._items) >= _WRITTEN_KEPT:
                self._lines.clear()
                self._items.clear()
            self._lines[id(item)] = number
            self._items.append(item)
        return number


@lru_cache(maxsize=1024)  # thousands share a window
def _begun(since: datetime, until: datetime, considered: int) -> str:
    return f'{BEGINS}"since":"{since.isoformat()}","until":"{until.isoformat()}","n":{considered}'


def _joined(lines: list[str], items: tuple[Item, ...]) -> str:
    """Of items that are those of `lines`, which have nothing aside, but for what these have.

    Only what differs is looked at: the others need not be in the processor's cache.
    """
    if type(items) is Variant:
        lines = lines.copy()
        for at in items.apart:
            if also := items[at].also:
                lines[at] = f"[{lines[at]},[{','.join(map(_quote, also))}]]"
    return f"{_LISTED}{NEXT_ITEM.join(lines)}{_ENDED}"


def _framed(lines: Iterable[str]) -> str:
    return f"{_LISTED}{NEXT_ITEM.join(lines)}{_ENDED}"


def _with_aside(line: str, item: Item) -> str:
    _, _, _, also, revision = item
    if not (also or revision):
        return line
    return f"[{line},[{','.join(map(_quote, also))}]{',true' if revision else ''}]"


def dump_json(value: Any) -> str:
    """JSON without spaces and without escapes: what every JSON column is written with."""
    return _encode(value)


_paper_id: Final = itemgetter(Item._fields.index("paper_id"))
_quote = encode_basestring  # what `dump_json` does with a string, without its preparations
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _told(reasons: Reasons) -> str:
    """The rest of a line, after its first members: what `dump_json` would write, in fewer steps."""
    hits, percentile, resembles, followed, votes = reasons
    told = f',"hits":[{",".join(map(_hit, hits))}]' if hits else ""
    if percentile is not None:
        told += f',"top":{percentile!r}'
    if resembles is not None:
        told += f',"like":{_quote(resembles)}'
    if followed:
        told += f',"who":[{",".join(map(_quote, followed))}]'
    if votes is not None:
        told += f',"votes":{votes}'
    return told


def _hit(hit: Hit) -> str:
    field, start, end, term, element = hit
    last = f",{element}" if element else ""
    return f"[{_quote(field)},{start},{end},{_quote(term)}{last}]"
