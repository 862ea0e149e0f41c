"""One paper's own page: what it says, who wrote it, where it was seen, and what is like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.model import Announcement, Paper, PaperId, Sighting
from digest.rendering.byline import own_name
from digest.rendering.language import Language, message
from digest.rendering.links import public_url
from digest.rendering.spans import clean, plain
from digest.rendering.view import Action, actions, clean_title, summary, summary_label
from digest.web.cards import card_of, cards_of
from digest.web.visit import Visit, Visiting
from digest.web.words import short_day

_SIMILAR: Final = 5
_AUTHORS: Final = 200  #: names shown; a collaboration of three thousand is no reading matter
_LARGEST: Final = 2**62

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=_LARGEST)]

_ANNOUNCED: Final = {
    Announcement.NEW: message("announced"),
    Announcement.CROSS: message("cross-listed"),
    Announcement.REPLACEMENT: message("new version"),
    Announcement.REPLACEMENT_CROSS: message("new version, cross-listed"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One sighting in words."""

    source: str
    how: str
    day: str


@router.get("/paper/{number}")
@router.get("/paper/{number}/{name}")
def show(visit: Visiting, number: Number, name: str = "") -> Response:
    """`/paper/12/its-title`; every other spelling leads there."""
    paper = visit.rooms.papers.papers([PaperId(number)]).get(PaperId(number))
    if paper is None:
        raise HTTPException(404)
    place = visit.links.paper(paper)
    if visit.links.to(visit.request.url.path) != place:
        return RedirectResponse(place, status_code=301)
    return _page(visit, paper)


def _page(visit: Visit, paper: Paper) -> Response:
    language, links = visit.language, visit.links
    similar = visit.rooms.search.similar(paper, limit=_SIMILAR)
    return visit.public(
        "web/paper.html.j2",
        title=clean_title(paper),
        canonical=visit.desk.links.paper(paper),
        card=card_of(paper, links, language),
        day=links.day(paper.announced_on),
        authors=[clean(author) for author in paper.authors[:_AUTHORS]],
        authors_left=max(0, len(paper.authors) - _AUTHORS),
        summary=plain(summary(paper)),
        summary_label=summary_label(paper, language),
        abstract=clean(paper.abstract),
        note=clean(paper.note),
        categories=paper.categories,
        actions=actions(paper, language),
        identifiers=_identifiers(paper),
        seen=[_seen(sighting, language) for sighting in reversed(paper.sightings)],
        published=short_day(paper.published_at.date(), language) if paper.published_at else "",
        version=paper.version or 0,
        similar=cards_of(similar, links, language),
    )


def _seen(sighting: Sighting, language: Language) -> Seen:
    how = language.text(_ANNOUNCED[sighting.announcement])
    if sighting.version and sighting.version > 1:
        how = f"{how} (v{sighting.version})"
    day = short_day(sighting.announced_at.date(), language)
    return Seen(own_name(sighting.source), how, day)


def _identifiers(paper: Paper) -> list[Action]:
    """The names under which the world knows it, each with where it leads."""
    ids = paper.ids
    named = (
        (f"arXiv:{ids.arxiv}", f"https://arxiv.org/abs/{ids.arxiv}" if ids.arxiv else None),
        (f"doi:{ids.doi}", f"https://doi.org/{ids.doi}" if ids.doi else None),
        (f"PMID {ids.pmid}", f"https://pubmed.ncbi.nlm.nih.gov/{ids.pmid}/" if ids.pmid else None),
    )
    found = ((label, public_url(url)) for label, url in named)
    return [Action(label, url) for label, url in found if url]
