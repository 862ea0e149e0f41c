"""Feeds: of all papers, a source, a category or any query for everybody; of digests for one reader.

    /feeds                                            what there is
    /feeds/papers.atom?source=…&category=…&q=…        public (.rss, .json likewise)
    /feed/TOKEN.atom, /feed/TOKEN/INTEREST.atom       private (see `private_feeds`)

A private feed may be kept by its reader, or no tag could spare anything, but by nobody between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest import __version__
from digest.errors import QuerySyntaxError
from digest.model import Digest, Interest, InterestId, Paper, Subscriber, SubscriberId
from digest.rendering.byline import own_name
from digest.rendering.feed import MEDIA_TYPES, NAMES, Entry, Feed, Format, draw, public_path
from digest.rendering.language import speak
from digest.rendering.spans import line
from digest.searching import Order
from digest.store.archive import Span, Wanted
from digest.tokens import Purpose
from digest.web.answers import has_tag
from digest.web.archive import Name, read, today
from digest.web.digest_page import view_of
from digest.web.entries import digest_entries, paper_entry
from digest.web.headers import PUBLIC
from digest.web.visit import Visit, Visiting

MOST: Final = 200  #: papers of a public feed; whoever wants more of a day narrows it
_DAYS: Final = 30  #: how far back it reaches
_DIGESTS: Final = 14  #: of a private feed, the newest
_CATEGORIES: Final = 60  #: offered by name
_OWN: Final = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex, nofollow"}

router = APIRouter()
Asked = Annotated[str, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class Offered:
    """One feed by name, and its path in each format."""

    name: str
    formats: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which papers a public feed is of; nothing is all of them."""

    source: str | None = None
    category: str | None = None
    text: str = ""

    @property
    def is_told(self) -> bool:
        """Whether a hub is told of news in it (see `digest.hub`)."""
        return not self.category and not self.text

    def path(self, ending: Format) -> str:
        return public_path(ending, source=self.source, category=self.category, text=self.text)


@router.get("/feeds")
def show(visit: Visiting) -> Response:
    """Every feed by name, and a box for one of any query."""
    span = _lately(visit)
    sources = [name for name, _ in visit.rooms.archive.counts(span).sources]
    categories = sorted(name for name, _ in visit.rooms.archive.categories(span)[:_CATEGORIES])
    return visit.public(
        "web/feeds.html.j2",
        title=visit.language.text("Feeds"),
        whole=_offered(visit, visit.language.text("All papers"), Choice()),
        sources=[_offered(visit, own_name(one), Choice(source=one)) for one in sources],
        categories=[_offered(visit, one, Choice(category=one)) for one in categories],
    )


@router.get("/feeds/papers.{ending}")
def papers(
    visit: Visiting,
    ending: Format,
    source: Name = None,
    category: Name = None,
    q: Asked = "",
) -> Response:
    """The newest papers of a choice."""
    choice = Choice(source or None, category or None, line(q))
    tag = _tag_of(visit, choice, ending)
    if has_tag(visit.request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"Cache-Control": PUBLIC, "ETag": tag})
    rooms, language = visit.rooms, speak(visit.rooms.languages[0])
    base_url, hub = rooms.site.base_url, rooms.hub if choice.is_told else ""
    feed = Feed(
        title=": ".join([rooms.site.name, *filter(None, [_choice_name(choice)])]),
        about=language.text("New papers, as their sources announce them."),
        url=base_url + choice.path(ending),
        home=f"{base_url}/",
        publisher=rooms.site.name,
        language=language.code,
        entries=[paper_entry(one, base_url, language) for one in _found(visit, choice)],
        hub=hub,
    )
    headers = {"Cache-Control": PUBLIC, "ETag": tag}
    if hub:
        headers["Link"] = f'<{hub}>; rel="hub", <{feed.url}>; rel="self"'
    return _answer(feed, ending, headers)


@router.get("/feed/{token}.{ending}")
def everything(visit: Visiting, token: str, ending: Format) -> Response:
    """A subscriber's digests; raises TokenError."""
    reader = _reader(visit, token)
    return _private(visit, reader, f"/feed/{token}.{ending}", ending, None)


@router.get("/feed/{token}/{interest}.{ending}")
def one_interest(visit: Visiting, token: str, interest: int, ending: Format) -> Response:
    """What the digests brought for one interest; raises TokenError."""
    reader = _reader(visit, token)
    wanted = next((one for one in reader.interests if one.id == InterestId(interest)), None)
    if wanted is None:
        raise HTTPException(404)
    return _private(visit, reader, f"/feed/{token}/{interest}.{ending}", ending, wanted)


def _lately(visit: Visit) -> Span:
    day = today(visit)
    return Span(day - timedelta(days=_DAYS), day)


def _offered(visit: Visit, name: str, choice: Choice) -> Offered:
    root = visit.links.root
    paths = tuple((shown, root + choice.path(ending)) for ending, shown in NAMES.items())
    return Offered(name, paths)


def _tag_of(visit: Visit, choice: Choice, ending: Format) -> str:
    """Names all that a public feed is made of, so that nobody need draw it to know it is the same.

    What a query finds is as new as the index it looks in, which may be a moment behind the store.
    """
    rooms = visit.rooms
    version = rooms.search.index().version if choice.text else rooms.archive.version()
    made_of = (__version__, rooms.site, rooms.languages[0], rooms.hub, choice, ending)
    name = repr((*made_of, version, today(visit)))
    return f'W/"{hashlib.sha256(name.encode()).hexdigest()[:20]}"'


def _choice_name(choice: Choice) -> str:
    source = own_name(choice.source) if choice.source else ""
    return ", ".join(filter(None, [source, choice.category, choice.text]))


def _found(visit: Visit, choice: Choice) -> Sequence[Paper]:
    """Newest first; a query that cannot be read is a 400."""
    rooms = visit.rooms
    if not choice.text:
        wanted = Wanted(_lately(visit), source=choice.source, category=choice.category)
        return read(visit, rooms.archive.listed(wanted, limit=MOST))
    try:
        results = rooms.search.search(
            choice.text,
            until=today(visit),
            source=choice.source,
            category=choice.category,
            order=Order.DATE,
            limit=MOST,
        )
    except QuerySyntaxError as error:
        raise HTTPException(400) from error
    return [one.paper for one in results.found]


def _reader(visit: Visit, token: str) -> Subscriber:
    """Whose feed it is, unless its addresses were renewed since."""
    ids = visit.rooms.tokens.read(Purpose.FEED, token)
    if len(ids) != 2:
        raise HTTPException(404)
    readers = visit.rooms.subscribers.profiles([SubscriberId(ids[0])])
    if not readers or readers[0].feed_generation != ids[1]:
        raise HTTPException(404)
    return readers[0]


def _private(
    visit: Visit, reader: Subscriber, path: str, ending: Format, interest: Interest | None
) -> Response:
    site, language = visit.rooms.site, speak(reader.language)
    name = line(interest.name) if interest else language.text("My digest")
    feed = Feed(
        title=f"{site.name}: {name}",
        about=language.text("What your digests brought."),
        url=site.base_url + path,
        home=f"{site.base_url}/",
        publisher=site.name,
        language=language.code,
        entries=_brought(visit, reader, interest),
    )
    return _answer(feed, ending, _OWN)


def _brought(visit: Visit, reader: Subscriber, interest: Interest | None) -> list[Entry]:
    """The entries of the newest digests, as their mails show them."""
    rooms = visit.rooms
    ids = rooms.changing.issues(reader.id)[:_DIGESTS]
    stored = rooms.editions.digests(ids)
    digests = [_narrowed(stored[id], interest) for id in ids if id in stored]
    papers = dict(rooms.papers.papers({id for one in digests for id in one.paper_ids}))
    return [
        entry
        for one in digests
        for entry in digest_entries(one, view_of(visit, one, reader), papers, rooms.site.base_url)
    ]


def _narrowed(digest: Digest, interest: Interest | None) -> Digest:
    if interest is None:
        return digest
    sections = tuple(one for one in digest.sections if one.interest_id == interest.id)
    return digest._replace(sections=sections)


def _answer(feed: Feed, ending: Format, headers: dict[str, str]) -> Response:
    body = draw(feed, ending)
    drawn = {"ETag": f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'}
    media_type = f"{MEDIA_TYPES[ending]}; charset=utf-8"
    return Response(body, headers=drawn | headers, media_type=media_type)
