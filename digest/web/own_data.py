"""A reader's own data: all of it in one file, or all of it gone.

What is left of who is forgotten is a salted hash that keeps anybody from adding the address again
(see `digest.subscriptions.register.remove`).
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from digest.delivery.masking import masked
from digest.subscriptions import to_record
from digest.web.headers import PRIVATE
from digest.web.reader import Reader, Reading

router = APIRouter()


@router.get("/p/{token}/export")
def export(reader: Reading) -> Response:
    """Everything that is kept about the reader, as JSON."""
    content = json.dumps(everything(reader), ensure_ascii=False, indent=2, default=str) + "\n"
    headers = {
        "Content-Disposition": 'attachment; filename="my-digest.json"',
        "Cache-Control": PRIVATE,
    }
    return Response(content, media_type="application/json", headers=headers)


@router.get("/p/{token}/delete")
def show(reader: Reading) -> Response:
    """What deleting means, with one button."""
    return reader.page("web/delete.html.j2", title=reader.language.text("Delete everything"))


@router.post("/p/{token}/delete")
def delete(reader: Reading) -> Response:
    """Forget the reader, at once."""
    language = reader.language
    reader.visit.rooms.subscriptions.remove(reader.subscriber.email)
    lines = [
        language.text("Your address, interests, feedback and digests are gone."),
        language.text(
            "A fingerprint that nobody can read an address from is kept, "
            "so that nobody can subscribe you again."
        ),
    ]
    return reader.visit.private(
        "web/told.html.j2",
        language=language,
        title=language.text("You are forgotten"),
        lines=lines,
        button=None,
    )


def everything(reader: Reader) -> dict[str, Any]:
    """Their record, what they said of papers, what their digests held, and all that is stored."""
    return {
        "subscriber": to_record(reader.subscriber),
        "feedback": _feedback(reader),
        "digests": _digests(reader),
        "stored": _stored(reader),
    }


def _stored(reader: Reader) -> dict[str, list[dict[str, Any]]]:
    """Row by row, so that nothing is left out; who has this link may not post to the channels."""
    tables = reader.visit.rooms.changing.stored(reader.subscriber)
    for row in tables.get("channel", ()):
        row["address"] = masked(row["address"])
    return tables


def _feedback(reader: Reader) -> list[dict[str, Any]]:
    rooms = reader.visit.rooms
    opinions = rooms.feedback.history(reader.subscriber.email)
    papers = rooms.papers.papers([one.paper_id for one in opinions])
    return [
        {
            "paper": papers[one.paper_id].title,
            "key": papers[one.paper_id].key,
            "liked": one.liked,
            "at": one.at.isoformat(),
        }
        for one in opinions
        if one.paper_id in papers
    ]


def _digests(reader: Reader) -> list[dict[str, Any]]:
    rooms = reader.visit.rooms
    ids = rooms.changing.issues(reader.subscriber.id)
    found = rooms.editions.digests(ids)
    digests = [found[id] for id in ids if id in found]
    papers = rooms.papers.papers(id for one in digests for id in one.paper_ids)
    return [
        {
            "date": one.local_date.isoformat(),
            "papers": [papers[id].title for id in one.paper_ids if id in papers],
        }
        for one in digests
    ]
