"""A subscriber's digests: every issue as it was stored, with its papers and why each is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from digest import model
from digest.model import DigestId, PaperId, Verdict
from digest.tokens import Purpose
from digest.web.api import paging
from digest.web.api.door import Caller, Owner
from digest.web.api.paging import Cursor, Limit, Page, page
from digest.web.api.problems import Kind, Trouble
from digest.web.api.shapes import Paper, Reasons

router = APIRouter(prefix="/me/digests", tags=["Digests"])

_LARGEST: Final = 2**62
Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The digest's `id`.")]


class Issue(BaseModel):
    """One digest, without its papers."""

    id: int
    date: dt.date = Field(description="In the subscriber's zone; one digest a date.")
    composed_at: datetime
    since: datetime = Field(description="What it covers, for people …")
    until: datetime
    papers: int
    considered: int = Field(description="Papers announced meanwhile.")
    left_out: int = Field(description="Papers that matched beyond the limits.")


class Item(BaseModel):
    """One paper's place in a digest."""

    paper: Paper
    score: float
    reasons: Reasons
    also: list[str] = Field(description="Further interests that it matches.")
    revision: bool = Field(description="A new version of a paper sent before.")


class Section(BaseModel):
    """What one interest brought; without one: what is trending."""

    interest_id: int | None
    name: str
    items: list[Item]


class Note(BaseModel):
    """How a source was when the digest was composed."""

    source: str
    verdict: Verdict


class Digest(Issue):
    """One digest as it was stored; mail, page and feed are drawn from the same."""

    page: str = Field(description="Its page, for whoever has this address.")
    sections: list[Section]
    notes: list[Note]


@router.get("", summary="Your digests")
def list_digests(caller: Owner, limit: Limit = 50, cursor: Cursor = None) -> Page[Issue]:
    """Newest first."""
    rooms, before = caller.visit.rooms, paging.decode(cursor, paging.day)
    ids = rooms.changing.issues(
        caller.subscriber.id, before=before[0] if before else None, limit=limit + 1
    )
    stored = rooms.editions.digests(ids)
    found = [stored[id] for id in ids if id in stored]
    kept, after = paging.cut(found, limit, lambda one: (one.local_date,))
    return page(caller, [Issue(**_head(one)) for one in kept], after)


@router.get("/{number}", summary="One digest")
def show_digest(caller: Owner, number: Number) -> Digest:
    """A paper that was purged since is left out."""
    rooms, subscriber = caller.visit.rooms, caller.subscriber
    digest = rooms.editions.digests([DigestId(number)]).get(DigestId(number))
    if digest is None or digest.subscriber_id != subscriber.id:
        raise Trouble(Kind.NOT_FOUND, "There is no such digest.")
    papers = rooms.papers.papers(digest.paper_ids)
    token = rooms.tokens.sign(Purpose.DIGEST, digest.id)
    return Digest(
        **_head(digest),
        page=f"{rooms.site.base_url}/d/{token}",
        sections=[_section(caller, one, papers, subscriber.language) for one in digest.sections],
        notes=[Note(source=one.source, verdict=one.verdict) for one in digest.notes],
    )


def _head(digest: model.Digest) -> dict[str, Any]:
    return {
        "id": digest.id,
        "date": digest.local_date,
        "composed_at": digest.composed_at,
        "since": digest.since,
        "until": digest.until,
        "papers": len(digest.paper_ids),
        "considered": digest.considered,
        "left_out": digest.left_out,
    }


def _section(
    caller: Caller,
    section: model.Section,
    papers: Mapping[PaperId, model.Paper],
    language: str,
) -> Section:
    return Section(
        interest_id=section.interest_id,
        name=section.name,
        items=[
            _item(caller, one, papers[one.paper_id], language)
            for one in section.items
            if one.paper_id in papers
        ],
    )


def _item(caller: Caller, item: model.Item, paper: model.Paper, language: str) -> Item:
    return Item(
        paper=Paper.of(paper, caller.visit),
        score=item.score,
        reasons=Reasons.of(item.reasons, breadth=len(paper.sources), language=language),
        also=list(item.also),
        revision=item.revision,
    )
