"""The archive: a day's, a week's or a month's papers by votes, by date, by source, by category.

`show_period` draws them all; the home page is the newest day of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.model import Paper, PaperId
from digest.rendering.byline import own_name
from digest.rendering.language import message
from digest.store.archive import Counts, Label, Listed, Order, Wanted
from digest.web.cards import PaperCard, cards_of
from digest.web.periods import Kind, Period, neighbours, read_period
from digest.web.visit import Visit, Visiting
from digest.web.words import counted, health, papers

PAGE: Final = 40  #: papers a page
_GROUPS: Final = 8  #: sources or categories shown with papers; the others by name
_EACH: Final = 3  #: papers shown of each
_VOTED: Final = 3  #: papers with votes that make votes worth ordering by

router = APIRouter()
Name = Annotated[str | None, Query(max_length=120)]
Cursor = Annotated[str | None, Query(max_length=40)]


class Tab(StrEnum):
    TRENDING = "trending"
    NEW = "new"
    SOURCES = "sources"
    CATEGORIES = "categories"


_TABS: Final = {
    Tab.TRENDING: message("Trending"),
    Tab.NEW: message("New"),
    Tab.SOURCES: message("By source"),
    Tab.CATEGORIES: message("By category"),
}
_LABELS: Final = {Tab.SOURCES: Label.SOURCE, Tab.CATEGORIES: Label.CATEGORY}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader narrowed a period to."""

    tab: Tab | None = None
    source: str | None = None
    category: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class TabLink:
    label: str
    url: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The first papers of one source or category, and where the others are."""

    name: str
    count: str
    url: str
    cards: Sequence[PaperCard] = ()


@router.get("/papers")
def latest(visit: Visiting) -> Response:
    """The newest day of the archive."""
    return RedirectResponse(visit.links.to("/"), status_code=302)


@router.get("/papers/{when}")
def show(
    visit: Visiting,
    when: str,
    tab: Tab | None = None,
    source: Name = None,
    category: Name = None,
    after: Cursor = None,
) -> Response:
    """`/papers/2026-11-20`, `/papers/2026-W47` or `/papers/2026-11`."""
    period = read_period(when)
    if period is None:
        raise HTTPException(404)
    return show_period(visit, period, Choice(tab, source, category, after))


def show_period(visit: Visit, period: Period, choice: Choice, *, newest: bool = False) -> Response:
    """One period's page; the `newest` day also says how the sources are."""
    archive, language = visit.rooms.archive, visit.language
    counts = archive.counts(period.span)
    tab = choice.tab or _usual(counts)
    previous, following = neighbours(
        period, archive, upto=today(visit), links=visit.links, language=language
    )
    groups = _groups(visit, period, tab, counts)
    cards, more = ((), None) if tab in _LABELS else _list(visit, period, tab, choice)
    return visit.public(
        "web/archive.html.j2",
        title=period.heading(language),
        canonical=period.link(visit.desk.links),
        previous=previous,
        following=following,
        counted=counted(counts, language),
        is_empty=not counts.total,
        health=health(archive.sources(), language) if newest else "",
        tabs=_tabs(visit, period, tab),
        narrowed=_narrowed(visit, period, tab, choice),
        groups=[group for group in groups if group.cards],
        others=[group for group in groups if not group.cards],
        cards=cards,
        more=more,
        days=_days(visit, counts) if period.kind is not Kind.DAY else (),
        is_first=newest and not choice.after,
    )


def today(visit: Visit) -> date:
    """The archive is dated in UTC, as the sources' announcements are."""
    return visit.rooms.clock().date()


def _usual(counts: Counts) -> Tab:
    return Tab.TRENDING if counts.voted >= _VOTED else Tab.NEW


def _tabs(visit: Visit, period: Period, current: Tab) -> list[TabLink]:
    language, links, first = visit.language, visit.links, period.span.first
    tabs = [
        TabLink(language.text(label), period.link(links, tab=tab), tab is current)
        for tab, label in _TABS.items()
    ]
    match period.kind:
        case Kind.DAY:
            return [*tabs, TabLink(language.text(message("Week")), links.week(first))]
        case Kind.WEEK:
            return [*tabs, TabLink(language.text(message("Month")), links.month(first))]
        case Kind.MONTH:
            return tabs


def _list(
    visit: Visit, period: Period, tab: Tab, choice: Choice
) -> tuple[list[PaperCard], str | None]:
    """One page of papers, and where the next is."""
    order = Order.TRENDING if tab is Tab.TRENDING else Order.NEW
    wanted = Wanted(period.span, order, choice.source, choice.category, choice.after)
    listed = visit.rooms.archive.listed(wanted, limit=PAGE)
    found = cards_of(read(visit, listed), visit.links, visit.language)
    return found, _further(visit, period, tab, choice, listed)


def read(visit: Visit, listed: Listed) -> list[Paper]:
    found = visit.rooms.papers.papers(listed.ids)
    return [found[id] for id in listed.ids if id in found]


def _further(visit: Visit, period: Period, tab: Tab, choice: Choice, listed: Listed) -> str | None:
    if listed.next is None:
        return None
    return period.link(
        visit.links,
        tab=tab,
        source=choice.source,
        category=choice.category,
        after=listed.next,
    )


def _narrowed(visit: Visit, period: Period, tab: Tab, choice: Choice) -> TabLink | None:
    """What the list is narrowed to, and the way back to all of it."""
    names = [own_name(choice.source)] if choice.source else []
    names += [choice.category] if choice.category else []
    if not names or tab in _LABELS:
        return None
    return TabLink(visit.language.listed(names), period.link(visit.links, tab=tab))


def _groups(visit: Visit, period: Period, tab: Tab, counts: Counts) -> list[Group]:
    """Every source or category with its count; the largest with their first papers."""
    label = _LABELS.get(tab)
    if label is None:
        return []
    archive = visit.rooms.archive
    by_name = counts.sources if label is Label.SOURCE else archive.categories(period.span)
    leaders = archive.leaders(period.span, label, each=_EACH)
    largest = {name: leaders.get(name, ()) for name, _ in by_name[:_GROUPS]}
    found = visit.rooms.papers.papers(id for ids in largest.values() for id in ids)
    return [
        _group(visit, period, label, entry, _found(found, largest.get(entry[0], ())))
        for entry in by_name
    ]


def _found(papers: Mapping[PaperId, Paper], ids: Sequence[PaperId]) -> list[Paper]:
    return [papers[id] for id in ids if id in papers]


def _group(
    visit: Visit, period: Period, label: Label, entry: tuple[str, int], first: Sequence[Paper]
) -> Group:
    name, count = entry
    shown = own_name(name) if label is Label.SOURCE else name
    query: dict[str, str | None] = {label.value: name, "tab": Tab.TRENDING}
    return Group(
        name=shown,
        count=visit.language.number(count),
        url=period.link(visit.links, **query),
        cards=cards_of(first, visit.links, visit.language),
    )


def _days(visit: Visit, counts: Counts) -> list[Group]:
    """The period's days with papers, each with its count."""
    language, links = visit.language, visit.links
    return [
        Group(language.long_date(day), papers(count, language), links.day(day))
        for day, count in counts.days
    ]
