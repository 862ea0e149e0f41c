"""How the sources are, in public: silence is explained (guarantee 5)."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from digest.model import Verdict
from digest.rendering.byline import own_name
from digest.rendering.language import Language
from digest.store.archive import SourceHealth
from digest.web.visit import Visiting
from digest.web.words import VERDICTS, WELL, moment, papers

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    verdict: str
    is_well: bool
    asked: str
    line: str


@router.get("/sources")
def show(visit: Visiting) -> Response:
    """Every source, when it was last asked, and what it said."""
    found = [_source(one, visit.language) for one in visit.rooms.archive.sources()]
    title = visit.language.text("Sources")
    return visit.public("web/sources.html.j2", title=title, sources=found)


def _line(one: SourceHealth, language: Language) -> str:
    """What came, or when something last did; how a fetch went wrong is for the operator."""
    if one.verdict in (Verdict.FRESH, Verdict.PARTIAL):
        return papers(one.new_papers, language)
    if one.verdict in WELL or one.last_success_at is None:
        return ""
    return language.say("last read on {moment}", moment=moment(one.last_success_at, language))


def _source(one: SourceHealth, language: Language) -> Source:
    return Source(
        name=own_name(one.source),
        verdict=language.text(VERDICTS[one.verdict]),
        is_well=one.verdict in WELL,
        asked=moment(one.at, language),
        line=_line(one, language),
    )
