"""Finding stored papers for works that other libraries name: by identifier, else by title."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from digest.model import PaperId
from digest.store.merging import bucket_of
from digest.store.rows import PAPER, batches
from digest.store.tables import PaperAliasRow, table
from digest.text import title_key

_ALIAS: Final = table(PaperAliasRow)


@dataclass(frozen=True, slots=True)
class Stored:
    """What an example needs of a stored paper."""

    id: PaperId
    title: str
    abstract: str


def by_key(connection: sa.Connection, keys: Collection[str]) -> dict[str, Stored]:
    """The papers stored under these keys (`arxiv:…`, `doi:…`, `pmid:…`)."""
    found: dict[str, Stored] = {}
    for some in batches(keys):
        statement = (
            sa.select(_ALIAS.c.key, PAPER.c.id, PAPER.c.title, PAPER.c.abstract)
            .join(PAPER, PAPER.c.id == _ALIAS.c.paper_id)
            .where(_ALIAS.c.key.in_(some))
        )
        for key, id_, title, abstract in connection.execute(statement):
            found[key] = Stored(PaperId(id_), title, abstract)
    return found


def by_title(connection: sa.Connection, titles: Collection[str]) -> dict[str, Stored]:
    """The papers with the same title but for case, accents and punctuation, by title as asked."""
    asked: dict[str, list[str]] = defaultdict(list)
    for title in titles:
        asked[title_key(title)].append(title)
    found: dict[str, Stored] = {}
    for some in batches({bucket_of(title) for title in titles}):
        columns = (PAPER.c.id, PAPER.c.title, PAPER.c.abstract)
        for row in connection.execute(sa.select(*columns).where(PAPER.c.title_key.in_(some))):
            for title in asked.get(title_key(row.title), ()):
                found[title] = Stored(PaperId(row.id), row.title, row.abstract)
    return found
