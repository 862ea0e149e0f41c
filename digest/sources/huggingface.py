"""Hugging Face Daily Papers: what the community submitted and voted for, one request a day.

https://huggingface.co/api/daily_papers?date=YYYY-MM-DD. A paper's id is its arXiv id, so it joins
the arXiv listing. Every day of the window is asked again, because votes keep coming; an unchanged
day costs a 304. The outer `publishedAt` is hours off, `submittedOnDailyAt` is the listing's date.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta
from urllib.parse import quote

from digest.model import Links, Listing, PaperIds, Window
from digest.sources.documents import MOST_ENTRIES, read_document, read_json
from digest.sources.reading import Draft, Reading, gather, listed
from digest.sources.values import (
    Wire,
    as_count,
    as_instant,
    as_list,
    as_object,
    as_objects,
    as_text,
)
from digest.sources.visits import JSON, PlaceSource, Visit
from digest.text import arxiv_id, canonical_url, safe_url

API = "https://huggingface.co/api/daily_papers"

_MOST_DAYS = 31
_PAGE = 100  #: the most that one answer holds


class HuggingFaceSource(PlaceSource):
    """The daily papers, all topics."""

    kind = "huggingface"

    def visit(self, visit: Visit, window: Window) -> list[Reading]:
        readings: list[Reading] = []
        for day in _days(window):
            readings.append(visit.read(self._address(day), self.parse, accept=JSON))
            if readings[-1].unreachable:
                break  # the other days would wait as long
        return readings

    def parse(self, body: bytes, content_type: str = "") -> Reading:
        return parse_daily_papers(body, source=self.name, content_type=content_type)

    def _address(self, day: date) -> str:
        return f"{(self._options.url or API).rstrip('/')}?date={day.isoformat()}&limit={_PAGE}"


def _days(window: Window) -> list[date]:
    """The window's days in UTC, newest first."""
    first, last = window.since.astimezone(UTC).date(), window.until.astimezone(UTC).date()
    count = min((last - first).days + 1, _MOST_DAYS)
    return [last - timedelta(days=n) for n in range(max(count, 1))]


def parse_daily_papers(body: bytes, *, source: str, content_type: str = "") -> Reading:
    """The listings of one day's array."""
    document = read_document(body, content_type)
    if isinstance(document, str):
        return Reading(fault=document)
    value = read_json(document.text) if document.shape == "json" else None
    if value is None:
        return Reading(fault="is not well-formed JSON; it may have broken off.")
    if isinstance(value, dict) and "error" in value:
        said = as_text(value["error"])[:200] or "no reason given"
        return Reading(fault=f"answered with an error: {said}. The next run tries again.")
    if not isinstance(value, list):
        return Reading(fault="is JSON, but no list of daily papers. Check the address under url.")
    wires = as_objects(value)[:MOST_ENTRIES]
    return gather(wires, lambda wire: _listing(wire, source), _name)


def _name(wire: Wire) -> str:
    paper = as_object(wire.get("paper"))
    return as_text(paper.get("id")) or as_text(wire.get("title"))


def _listing(wire: Wire, source: str) -> Listing | str:
    paper = as_object(wire.get("paper"))
    identity = as_text(paper.get("id"))
    found = arxiv_id(identity)
    name = found[0] if found else None
    page = f"https://huggingface.co/papers/{quote(identity)}" if identity else ""
    draft = Draft(
        ids=PaperIds(arxiv=name, url=None if name else canonical_url(page)),
        title=_either(paper, wire, "title"),
        abstract=_either(paper, wire, "summary"),
        authors=_authors(paper),
        announced_at=as_instant(_either(paper, wire, "submittedOnDailyAt"))
        or as_instant(wire.get("publishedAt")),
        published_at=as_instant(paper.get("publishedAt")),
        version=found[1] if found else None,
        links=Links(
            abstract=f"https://arxiv.org/abs/{name}" if name else safe_url(page),
            pdf=f"https://arxiv.org/pdf/{name}" if name else None,
            discussion=safe_url(page),
        ),
        votes=as_count(paper.get("upvotes")),
        comments=as_count(wire.get("numComments")),
        submitter=_person(wire.get("submittedBy")) or _person(paper.get("submittedOnDailyBy")),
        organisation=_person(paper.get("organization")) or _person(wire.get("organization")),
        markup=False,
    )
    return listed(draft, source)


def _either(paper: Wire, wire: Wire, key: str) -> str:
    return as_text(paper.get(key)) or as_text(wire.get(key))


def _authors(paper: Wire) -> list[str]:
    people = as_objects(paper.get("authors"))
    names = [as_text(person.get("name")) for person in people if person.get("hidden") is not True]
    return names or [as_text(name) for name in as_list(paper.get("authors"))]


def _person(value: object) -> str:
    person = as_object(value)
    return as_text(person.get("fullname")) or as_text(person.get("name"))
