"""Search: one box for words and for meaning, what it is narrowed to, and why each paper is here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from digest.errors import QuerySyntaxError
from digest.rendering.byline import own_name
from digest.rendering.language import message
from digest.searching import Order, Results
from digest.store.archive import Label
from digest.web.archive import Name, today
from digest.web.cards import PaperCard, card_of
from digest.web.forms import told
from digest.web.visit import Visit, Visiting

PAGE: Final = 20  #: papers a page
_LATELY: Final = 7  #: days
_DEEPEST: Final = 50  #: pages; whoever has not found it by then narrows the search

router = APIRouter()
Text = Annotated[str, Query(max_length=2000)]
Day = Annotated[str, Query(max_length=10)]


_ORDERS: Final = {
    Order.RELEVANCE: message("Best match first"),
    Order.DATE: message("Newest first"),
    Order.VOTES: message("Most votes first"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What someone looks for, what it is narrowed to, and in which order."""

    text: str
    since: date | None = None
    until: date | None = None
    source: str | None = None
    category: str | None = None
    order: Order = Order.RELEVANCE


@dataclass(frozen=True, slots=True)
class Offer:
    """One choice of a filter."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search gave, as the page tells it: cards, or where the query went wrong."""

    cards: Sequence[PaperCard] = ()
    total: str = ""
    more: str | None = None
    fault: str = ""
    mend: str = ""
    pointer: str = ""


@router.get("/search")
def show(
    visit: Visiting,
    q: Text = "",
    since: Day = "",
    until: Day = "",
    source: Name = None,
    category: Name = None,
    order: Order = Order.RELEVANCE,
    page: Annotated[int, Query(ge=1, le=_DEEPEST)] = 1,
) -> Response:
    """What is found for `q`; with nothing asked, the empty form."""
    text = " ".join(q.split())
    question = Question(text, _day(since), _day(until), source or None, category or None, order)
    outcome = _ask(visit, question, page) if text else Outcome()
    sources, categories = _offers(visit)
    title = visit.language.say("Search: {text}", text=text) if text else None
    return visit.public(
        "web/search.html.j2",
        status=400 if outcome.fault else 200,
        title=title or visit.language.text("Search"),
        query=q,
        question=question,
        outcome=outcome,
        orders=[Offer(one, visit.language.text(label)) for one, label in _ORDERS.items()],
        sources=sources,
        categories=categories,
    )


def _ask(visit: Visit, question: Question, page: int) -> Outcome:
    try:
        results = visit.rooms.search.search(
            question.text,
            since=question.since,
            until=question.until,
            source=question.source,
            category=question.category,
            order=question.order,
            limit=PAGE,
            offset=(page - 1) * PAGE,
            summed_up=False,
        )
    except QuerySyntaxError as error:
        fault, mend = told(error, visit.language)
        return Outcome(fault=fault, mend=mend, pointer=error.pointer())
    return _told(visit, question, results, page)


def _told(visit: Visit, question: Question, results: Results, page: int) -> Outcome:
    language, links = visit.language, visit.links
    cards = [card_of(one.paper, links, language, reasons=one.reasons) for one in results.found]
    is_last = page * PAGE >= results.total or page >= _DEEPEST or not cards
    return Outcome(
        cards=cards,
        total=language.count("{n} paper", "{n} papers", results.total),
        more=None if is_last else _further(visit, question, page + 1),
    )


def _further(visit: Visit, question: Question, page: int) -> str:
    return visit.links.to(
        "/search",
        q=question.text,
        since=question.since.isoformat() if question.since else None,
        until=question.until.isoformat() if question.until else None,
        source=question.source,
        category=question.category,
        order=question.order if question.order is not Order.RELEVANCE else None,
        page=str(page),
    )


def _day(text: str) -> date | None:
    """A date field's value; what is no date narrows nothing."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _offers(visit: Visit) -> tuple[tuple[Offer, ...], tuple[Offer, ...]]:
    """The sources and categories seen lately, for the filters."""
    version = getattr(visit.request.state, "version", None)
    names = visit.rooms.archive.names(upto=today(visit), days=_LATELY, version=version)
    return _offered(names[Label.SOURCE], own_name), _offered(names[Label.CATEGORY], str)


@lru_cache(maxsize=8)
def _offered(names: tuple[str, ...], call: Callable[[str], str]) -> tuple[Offer, ...]:
    return tuple(Offer(name, call(name)) for name in names)
