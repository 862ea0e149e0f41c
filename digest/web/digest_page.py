"""Each digest as a page behind its signed link: the document and the view that the mail has."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.model import Digest, DigestId, Subscriber
from digest.rendering.view import View, view
from digest.tokens import Purpose
from digest.web.visit import Visit, Visiting

router = APIRouter()


@router.get("/d/{token}")
def show(visit: Visiting, token: str) -> Response:
    """The issue whose link this is; raises TokenError."""
    (number,) = visit.rooms.tokens.read(Purpose.DIGEST, token)
    digest = visit.rooms.editions.digests([DigestId(number)]).get(DigestId(number))
    readers = visit.rooms.subscribers.profiles([digest.subscriber_id]) if digest else []
    if digest is None or not readers:
        raise HTTPException(404)
    seen = view_of(visit, digest, readers[0])
    return visit.private(
        "web/digest.html.j2",
        language=seen.language,
        title=seen.frame.headline,
        frame=seen.frame,
        sections=seen.sections,
        actions=seen.links.of_frame(),
        day=visit.links.day(digest.local_date),
        left_out=digest.left_out,
    )


def view_of(visit: Visit, digest: Digest, reader: Subscriber) -> View:
    """The digest in words, with the links its mail has."""
    return view(
        digest,
        reader,
        papers=visit.rooms.papers.papers(digest.paper_ids),
        site=visit.rooms.site,
        tokens=visit.rooms.tokens.for_mail(reader.id, digest.id),
    )
