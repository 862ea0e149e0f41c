"""Examples given by id: `2508.13426` or a DOI becomes the stored paper's title and abstract.

An id that no stored paper has stays as it was written; it may be the title of something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from digest import identifiers
from digest.model import Example, Interest, Subscriber
from digest.store.interests import papers_by_key


def resolved(connection: sa.Connection, subscribers: Iterable[Subscriber]) -> list[Subscriber]:
    """The subscribers with every example that is an id of a stored paper filled in."""
    people = list(subscribers)
    keys = {
        key
        for person in people
        for interest in person.interests
        for example in interest.examples
        if (key := _key(example))
    }
    papers = papers_by_key(connection, keys)
    return [_filled(person, papers) for person in people] if papers else people


def _key(example: Example) -> str | None:
    if example.abstract or example.paper_id or " " in example.title.strip():
        return None
    if arxiv := identifiers.arxiv_id(example.title):
        return f"arxiv:{arxiv[0]}"
    if doi := identifiers.doi(example.title):
        return f"doi:{doi}"
    pmid = identifiers.pmid(example.title)
    return f"pmid:{pmid}" if pmid else None


def _filled(person: Subscriber, papers: Mapping[str, Example]) -> Subscriber:
    return person._replace(interests=tuple(_taught(one, papers) for one in person.interests))


def _taught(interest: Interest, papers: Mapping[str, Example]) -> Interest:
    def known(example: Example) -> Example:
        paper = papers.get(_key(example) or "")
        return replace(paper, positive=example.positive) if paper else example

    return interest._replace(examples=tuple(known(example) for example in interest.examples))
