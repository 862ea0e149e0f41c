"""A paper as a list shows it: every word ready, so that a template only lays them out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from digest.model import Item, Paper, Reasons
from digest.rendering.byline import byline, places
from digest.rendering.excerpt import excerpt
from digest.rendering.language import Language
from digest.rendering.reasons import why
from digest.rendering.spans import Spans, line
from digest.rendering.view import title
from digest.web.links import Links
from digest.web.words import short_day, votes_word

_NOTHING = Reasons()
_ORGANISATION = 60  #: characters


@dataclass(frozen=True, slots=True)
class PaperCard:
    """Empty parts are left out; `votes` and `comments` are "" where there are none.

    `voted` is the word that belongs to the number of votes.
    """

    url: str
    title: Spans
    authors: Spans
    places: tuple[str, ...]
    organisation: str
    votes: str
    voted: str
    comments: str
    day: str
    excerpt: Spans
    why: Spans = ()


def card_of(
    paper: Paper, links: Links, language: Language, *, reasons: Reasons = _NOTHING
) -> PaperCard:
    """The card; with `reasons`, what matched is marked and the why is told."""
    item = Item(paper.id, 0.0, reasons)
    return PaperCard(
        url=links.paper(paper),
        title=title(paper, item),
        authors=byline(paper.authors, reasons, language),
        places=tuple(places(paper)),
        organisation=line(paper.organisation or "", _ORGANISATION),
        votes=language.number(paper.votes) if paper.votes else "",
        voted=votes_word(paper.votes, language) if paper.votes else "",
        comments=_comments(paper, language),
        day=short_day(paper.announced_on, language),
        excerpt=excerpt(paper.abstract, reasons.hits),
        why=() if reasons is _NOTHING else why(reasons, breadth=0, language=language),
    )


def cards_of(papers: Iterable[Paper], links: Links, language: Language) -> list[PaperCard]:
    return [card_of(paper, links, language) for paper in papers]


def _comments(paper: Paper, language: Language) -> str:
    if not paper.comments:
        return ""
    return language.count("{n} comment", "{n} comments", paper.comments)
