"""Each digest as a page behind its signed link: the document and the view that the mail has."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.model import Digest, DigestId, Subscriber
from digest.rendering.links import FrameLinks
from digest.rendering.view import View, view
from digest.tokens import Purpose
from digest.web.visit import Visit, Visiting

router = APIRouter()


@router.get("/d/{token}")
def show(visit: Visiting, token: str) -> Response:
    """The issue whose link this is; raises TokenError."""
    seen, digest = _opened(visit, Purpose.DIGEST, token)
    return page(visit, seen, digest, actions=seen.links.of_frame())


@router.get("/s/{token}")
def show_shared(visit: Visiting, token: str) -> Response:
    """The issue as everybody in a channel may see it: without its owner's links."""
    seen, digest = _opened(visit, Purpose.SHARED, token)
    return page(visit, powerless(seen), digest, actions=None)


def powerless(seen: View) -> View:
    """The view without what acts in its owner's name."""
    sections = tuple(
        replace(section, cards=tuple(replace(card, feedback=()) for card in section.cards))
        for section in seen.sections
    )
    return replace(seen, sections=sections, frame=seen.frame._replace(schedule=""))


def _opened(visit: Visit, purpose: Purpose, token: str) -> tuple[View, Digest]:
    (number,) = visit.rooms.tokens.read(purpose, token)
    digest = visit.rooms.editions.digests([DigestId(number)]).get(DigestId(number))
    readers = visit.rooms.subscribers.profiles([digest.subscriber_id]) if digest else []
    if digest is None or not readers:
        raise HTTPException(404)
    return view_of(visit, digest, readers[0]), digest


def page(visit: Visit, seen: View, digest: Digest, *, actions: FrameLinks | None) -> Response:
    """The issue; `actions` are what its owner may do with it."""
    return visit.private(
        "web/digest.html.j2",
        language=seen.language,
        title=seen.frame.headline,
        frame=seen.frame,
        sections=seen.sections,
        actions=actions,
        day=visit.links.day(digest.local_date),
        left_out=digest.left_out,
    )


def view_of(visit: Visit, digest: Digest, reader: Subscriber) -> View:
    """The digest in words, with the links its mail has."""
    own = reader.addressee._replace(language=visit.speaking(reader.language).code)
    return view(
        digest,
        own,
        papers=visit.rooms.papers.papers(digest.paper_ids),
        site=visit.rooms.site,
        tokens=visit.rooms.tokens.for_mail(reader.id, digest.id),
    )
