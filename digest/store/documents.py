"""Stored JSON: how a Digest becomes a small document and comes back, and nothing of SQL.

Version 1, everything at its default left out:

    {"v": 1, "since": "…", "until": "…", "n": considered, "more": left out,
     "notes": [[source, verdict], …],
     "sections": [[interest id or null, name, [item, …]], …]}
    item: {"p": paper, "s": score, "also": […], "rev": true,
           "hits": [[field, start, end, term, element or nothing], …], "top": percentile,
           "like": title, "who": [followed, …], "votes": n}

What the row's own columns hold (ids, dates) is not repeated. A document of a later version than
this program knows is refused, never guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

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

VERSION: Final = 1
Document = dict[str, Any]

_FIELDS: Final = {field.value: field for field in Field}  #: a dict is faster than Field(value)


def to_document(digest: Digest) -> Document:
    """The digest without what its row's columns hold."""
    document: Document = {
        "v": VERSION,
        "since": digest.since.isoformat(),
        "until": digest.until.isoformat(),
        "n": digest.considered,
        "sections": [
            [section.interest_id, section.name, [_item(item) for item in section.items]]
            for section in digest.sections
        ],
    }
    if digest.left_out:
        document["more"] = digest.left_out
    if digest.notes:
        document["notes"] = [[note.source, note.verdict.value] for note in digest.notes]
    return document


def from_document(
    document: Mapping[str, Any],
    *,
    id: DigestId,
    subscriber_id: SubscriberId,
    local_date: date,
    composed_at: datetime,
) -> Digest:
    """The digest again; raises SchemaError for a document of a later version."""
    if document["v"] > VERSION:
        raise SchemaError(
            f"Digest {int(id)} was stored in form {document['v']}, this program knows {VERSION}.",
            mend="Install the newer version again.",
        )
    return Digest(
        id=id,
        subscriber_id=subscriber_id,
        local_date=local_date,
        composed_at=composed_at,
        since=datetime.fromisoformat(document["since"]),
        until=datetime.fromisoformat(document["until"]),
        sections=tuple(_to_section(*parts) for parts in document["sections"]),
        considered=document["n"],
        left_out=document.get("more", 0),
        notes=tuple(SourceNote(name, Verdict(word)) for name, word in document.get("notes", ())),
    )


def dump_json(value: Any) -> str:
    """JSON without spaces and without escapes: what every JSON column is written with."""
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _item(item: Item) -> Document:
    document: Document = {"p": item.paper_id, "s": item.score}
    if item.also:
        document["also"] = item.also
    if item.revision:
        document["rev"] = True
    reasons = item.reasons
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


def _to_section(interest_id: int | None, name: str, items: list[Document]) -> Section:
    number = None if interest_id is None else InterestId(interest_id)
    return Section(number, name, tuple(_to_item(item) for item in items))


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
