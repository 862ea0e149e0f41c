"""Any order of the same listings, however they are cut into fetches, gives the same papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel

from digest.model import (
    Announcement,
    FetchId,
    Links,
    Listing,
    Paper,
    PaperId,
    PaperIds,
    Verdict,
)
from digest.store.database import Database
from digest.store.merging import content_of, join
from digest.store.papers import Fetch, PaperStore, SourceMemory
from tests.builders import arxiv_id, listing
from tests.fakes import START

works = st.integers(1, 4)
days = st.integers(0, 20).map(lambda n: START - timedelta(days=n))
words = st.sampled_from(["", "Fog.", "Fog and lanterns.", "Fog and lanterns, at length."])


@st.composite
def sightings(draw: st.DrawFn) -> Listing:
    """One of a few works, as one of four sources would announce it."""
    number = draw(works)
    kind = draw(st.sampled_from(["arxiv", "huggingface", "journal", "index"]))
    doi, pmid = f"10.1000/lantern.{number * 100}", f"{number}"
    links = Links(abstract=f"https://{kind}.example/{number}")
    fields: dict[str, Any] = {"source": kind, "announced_at": draw(days), "links": links}
    match kind:
        case "arxiv":
            version = draw(st.integers(1, 3))
            kinds = (
                [Announcement.NEW, Announcement.CROSS]
                if version == 1
                else [Announcement.REPLACEMENT]
            )
            fields |= {"version": version, "abstract": f"Fog, version {version}."}
            fields |= {"announcement": draw(st.sampled_from(kinds))}
        case "huggingface":
            fields |= {"version": None, "votes": number, "abstract": draw(words), "categories": ()}
        case "journal":
            ids = PaperIds(doi=doi, arxiv=draw(st.sampled_from([None, arxiv_id(number)])))
            fields |= {"ids": ids, "version": None, "abstract": draw(words), "categories": ()}
        case "index":
            ids = PaperIds(pmid=pmid, doi=draw(st.sampled_from([None, doi])))
            authors = draw(st.sampled_from([("Ada Mirza",), ("Mirza A", "Lind B", "Cao C")]))
            fields |= {"ids": ids, "version": None, "abstract": "", "authors": authors}
    return listing(number, **fields)


batches = st.lists(sightings(), min_size=1, max_size=12)


def stored(fetches: Sequence[Sequence[Listing]]) -> list[Paper]:
    database = Database("sqlite://")
    with database.write() as connection:
        SQLModel.metadata.create_all(connection)
    store = PaperStore(database)
    lease = store.lease("this test")
    assert lease.acquire()
    for some in fetches:
        fetch = Fetch("any", "feed", START, Verdict.FRESH, SourceMemory())
        store.remember(fetch, some, lease)
    papers = store.window(FetchId(0), store.latest_fetch()).papers
    database.dispose()
    return list(papers)


def comparable(papers: Sequence[Paper]) -> set[Paper]:
    """Without what is a matter of order: ids, and which of several like sightings came first."""
    return {
        replace(
            paper,
            id=PaperId(0),
            categories=tuple(sorted(paper.categories)),
            sightings=tuple(
                sorted((replace(s, announced_at=START) for s in paper.sightings), key=str)
            ),
        )
        for paper in papers
    }


@settings(max_examples=25, deadline=None)
@given(batches.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))), st.data())
def test_order_does_not_matter(
    orders: tuple[list[Listing], list[Listing]], data: st.DataObject
) -> None:
    one, other = orders
    cut = data.draw(st.integers(0, len(one)))
    first = comparable(stored([one]))
    assert comparable(stored([other[:cut], other[cut:]])) == first
    assert comparable(stored([[each] for each in other])) == first


@given(sightings(), sightings(), sightings())
def test_joining_is_a_greatest_element(one: Listing, two: Listing, three: Listing) -> None:
    a, b, c = (
        replace(content_of(each, START), categories=(), votes=None) for each in (one, two, three)
    )
    assert join(a, a) is a
    assert join(a, b) == join(b, a)
    assert join(join(a, b), b) == join(a, b)
    assert join(join(a, b), c) == join(a, join(b, c))
