"""The papers and the fetches that brought them: remembering what sources gave, finding it again.

A fetch is stored with all it brought in one transaction (guarantee 1), under the ingest lease; its
id is what windows are counted in, and rises in the order of commits. No policy: `digest.ingest`
judges a source, `digest.edition` decides what a window's papers are good for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.errors import UnknownPaper
from digest.model import (
    Announcement,
    FetchId,
    Listing,
    Paper,
    PaperId,
    PastFetch,
    SourceNote,
    Verdict,
)
from digest.store import bulk, intake
from digest.store.database import Database, insert_into
from digest.store.leases import Lease
from digest.store.rows import PAPER, SIGHTING, read_papers
from digest.store.summaries import summaries_of
from digest.store.tables import FetchRow, PaperAliasRow, SourceRow, table
from digest.text import arxiv_id, canonical_url, doi, pmid

_ALIAS: Final = table(PaperAliasRow)
_FETCH: Final = table(FetchRow)
_SOURCE: Final = table(SourceRow)
_REVISIONS: Final = tuple(kind.value for kind in Announcement if kind.is_revision)


@dataclass(frozen=True, slots=True)
class SourceMemory:
    """What is remembered of a source between fetches."""

    state: Mapping[str, str] = field(default_factory=dict)
    watermark: datetime | None = None  #: everything announced up to here is in
    failures: int = 0  #: in a row


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch as it is to be remembered; `memory` is what the source is to be told next time."""

    source: str
    kind: str
    at: datetime
    verdict: Verdict
    memory: SourceMemory
    line: str = ""
    seconds: float = 0.0
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """A committed fetch: its id, and what was new in it."""

    id: FetchId
    new_papers: int
    new_sightings: int


@dataclass(frozen=True, slots=True)
class PaperWindow:
    """Every paper seen in a span of fetches; of `revised` ones only a new version was announced."""

    papers: tuple[Paper, ...] = ()
    revised: frozenset[PaperId] = frozenset()


class PaperStore:
    """What ingest and composing need of the stored papers.

    Papers that are asked for by their ids come with a summary by the first of `makers` that made
    one; windows, which are read to be matched, never do.
    """

    def __init__(self, database: Database, *, makers: Sequence[str] = ()) -> None:
        self._database = database
        self._makers = tuple(makers)

    # --- what ingest needs ----------------------------------------------------------------------

    def lease(self, holder: str) -> Lease:
        """The one ingest's lease, for `holder` to acquire."""
        return Lease(self._database, "ingest", holder)

    def source_memory(self, source: str) -> SourceMemory:
        columns = sa.select(_SOURCE.c.state, _SOURCE.c.watermark, _SOURCE.c.failures)
        with self._database.read() as connection:
            row = connection.execute(columns.where(_SOURCE.c.name == source)).one_or_none()
        return SourceMemory(*row) if row else SourceMemory()

    def history(self, source: str, *, since: datetime) -> tuple[PastFetch, ...]:
        """A source's fetches from `since` on, newest first."""
        columns = (_FETCH.c.at, _FETCH.c.verdict, _FETCH.c.listings, _FETCH.c.new_papers)
        past = sa.select(*columns).where(_FETCH.c.source == source, _FETCH.c.at >= since)
        with self._database.read() as connection:
            rows = connection.execute(past.order_by(_FETCH.c.id.desc())).all()
        return tuple(PastFetch(row.at, Verdict(row.verdict), *row[2:]) for row in rows)

    def known_keys(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of `keys` under which some paper is stored."""
        with self._database.read() as connection:
            return frozenset(intake.known_keys(connection, keys))

    def remember(self, fetch: Fetch, listings: Sequence[Listing], lease: Lease) -> Remembered:
        """Store a fetch and all it brought; raises LeaseLost if the lease is another's by now."""
        with self._database.write() as connection:
            lease.hold(connection)
            fold = intake.fold_listings(connection, listings, fetch.at)
            counts = intake.count_fresh(fold)
            fetch_id = _insert_fetch(connection, fetch, len(listings), counts)
            intake.write(connection, fold, fetch_id)
            _keep_memory(connection, fetch)
        return Remembered(fetch_id, counts.papers, counts.sightings)

    # --- what composing needs -------------------------------------------------------------------

    def latest_fetch(self) -> FetchId:
        """The newest fetch; 0 before the first."""
        with self._database.read() as connection:
            return _largest_fetch(connection)

    def fetch_before(self, instant: datetime) -> FetchId:
        """The newest fetch made before `instant`; 0 if there is none."""
        with self._database.read() as connection:
            return _largest_fetch(connection, _FETCH.c.at < instant)

    def latest_verdicts(self) -> tuple[SourceNote, ...]:
        """Every source's newest verdict, by name."""
        newest = sa.select(sa.func.max(_FETCH.c.id)).group_by(_FETCH.c.source)
        columns = sa.select(_FETCH.c.source, _FETCH.c.verdict).where(_FETCH.c.id.in_(newest))
        with self._database.read() as connection:
            rows = connection.execute(columns.order_by(_FETCH.c.source)).all()
        return tuple(SourceNote(row.source, Verdict(row.verdict)) for row in rows)

    def window(self, after: FetchId, upto: FetchId) -> PaperWindow:
        """The papers sighted in fetches (after, upto], in the order of their ids."""
        is_new = sa.case((SIGHTING.c.announcement.in_(_REVISIONS), 0), else_=1)
        seen = (
            sa.select(SIGHTING.c.paper_id, sa.func.max(is_new).label("is_new"))
            .where(SIGHTING.c.fetch_id > after, SIGHTING.c.fetch_id <= upto)
            .group_by(SIGHTING.c.paper_id)
            .order_by(SIGHTING.c.paper_id)
        )
        with self._database.read() as connection:
            found = {row.paper_id: row.is_new for row in connection.execute(seen)}
            papers = read_papers(connection, found)
        revised = frozenset(PaperId(id) for id, is_new in found.items() if not is_new)
        return PaperWindow(tuple(papers.values()), revised)

    def announced(
        self, since: date, until: date, *, source: str | None = None, limit: int = 1000
    ) -> tuple[Paper, ...]:
        """Papers first announced on the days [since, until], newest first."""
        newest = (
            sa.select(PAPER.c.id)
            .where(PAPER.c.announced_on >= since, PAPER.c.announced_on <= until)
            .order_by(PAPER.c.announced_on.desc(), PAPER.c.id.desc())
            .limit(limit)
        )
        if source is not None:
            seen = sa.select(SIGHTING.c.paper_id).where(SIGHTING.c.source == source)
            newest = newest.where(PAPER.c.id.in_(seen))
        with self._database.read() as connection:
            ids = connection.execute(newest).scalars().all()
            papers = read_papers(connection, ids)
        return tuple(papers[PaperId(id)] for id in ids)

    # --- finding --------------------------------------------------------------------------------

    def papers(self, ids: Iterable[PaperId], *, summed_up: bool = True) -> dict[PaperId, Paper]:
        """The papers of `ids`, each under the id it was asked for by; unknown ids are left out.

        `summed_up`: whether their summaries are wanted.
        """
        wanted = list(dict.fromkeys(ids))
        with self._database.glance() as view:
            there = read_papers(view, wanted)
            there = self._summed_up(view, there) if summed_up else there
        if len(there) == len(wanted):
            return {id: there[id] for id in wanted}
        return self._followed(wanted)

    def _followed(self, wanted: Sequence[PaperId]) -> dict[PaperId, Paper]:
        """`papers`, where some may have become part of others."""
        with self._database.read() as connection:
            found = read_papers(connection, wanted)
            moved = _moved(connection, [id for id in wanted if id not in found])
            others = read_papers(connection, set(moved.values()) - found.keys())
            there = self._summed_up(connection, found | others)
        return {id: there[moved.get(id, id)] for id in wanted if moved.get(id, id) in there}

    def find(self, text: str) -> Paper:
        """The paper that `text` names: an arXiv id, DOI, PMID, address or store id in any spelling.

        Raises UnknownPaper.
        """
        with self._database.read() as connection:
            owners = intake.known_keys(connection, keys := _keys_in(text))
            id = next((owners[key] for key in keys if key in owners), None)
            found = read_papers(connection, [id or _store_id(text)])
            found = self._summed_up(connection, found)
        for paper in found.values():
            return paper
        raise UnknownPaper(
            f"No stored paper is called {text[:80]!r}.",
            mend="Give an arXiv id, a DOI, a PubMed id, an address or a number of `papers list`.",
        )

    def _summed_up(
        self, connection: bulk.Asked, papers: dict[PaperId, Paper]
    ) -> dict[PaperId, Paper]:
        made = summaries_of(connection, papers, self._makers)
        return papers | {id: replace(papers[id], summary=one) for id, one in made.items()}


def current_ids(connection: sa.Connection, ids: Iterable[PaperId]) -> dict[PaperId, PaperId]:
    """Where each of `ids` lives now, fixed until the transaction ends; unknown ids are left out.

    Two papers can become one while a digest is composed from them. Who stores paper ids in a write
    transaction asks here first.
    """
    wanted = sorted(set(ids))
    held = "" if connection.dialect.name == "sqlite" else " FOR KEY SHARE"
    rows = bulk.query(connection, f"SELECT id FROM paper WHERE id IN ? ORDER BY id{held}", wanted)
    there = {id: id for (id,) in rows}
    return there | _moved(connection, [id for id in wanted if id not in there])


def _largest_fetch(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> FetchId:
    return FetchId(connection.scalar(sa.select(sa.func.max(_FETCH.c.id)).where(*where)) or 0)


def _insert_fetch(
    connection: sa.Connection, fetch: Fetch, listings: int, counts: intake.Counts
) -> FetchId:
    statement = sa.insert(_FETCH).returning(_FETCH.c.id)
    values = {
        "run_id": fetch.run_id,
        "source": fetch.source,
        "at": fetch.at,
        "seconds": fetch.seconds,
        "verdict": fetch.verdict.value,
        "listings": listings,
        "new_papers": counts.papers,
        "new_sightings": counts.sightings,
        "detail": fetch.line,
    }
    return FetchId(connection.execute(statement, values).scalar_one())


def _keep_memory(connection: sa.Connection, fetch: Fetch) -> None:
    memory = fetch.memory
    values: dict[str, Any] = {
        "kind": fetch.kind,
        "state": dict(memory.state),
        "watermark": memory.watermark,
        "failures": memory.failures,
    }
    if fetch.verdict.moves_watermark:
        values["last_success_at"] = fetch.at
    statement = insert_into(connection, _SOURCE).values(name=fetch.source, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def _moved(connection: sa.Connection, ids: Iterable[int]) -> dict[PaperId, PaperId]:
    """Where the papers went that have since become part of another."""
    owners = intake.known_keys(connection, (f"paper:{id}" for id in ids))
    return {PaperId(int(key.partition(":")[2])): PaperId(id) for key, id in owners.items()}


def _keys_in(text: str) -> list[str]:
    """Every key that `text` may spell, strongest first."""
    arxiv = arxiv_id(text)
    found = {
        "arxiv": arxiv[0] if arxiv else None,
        "doi": doi(text),
        "pmid": pmid(text),
        "url": canonical_url(text),
        "paper": text.strip() if text.strip().isdecimal() else None,
    }
    return [f"{kind}:{value}" for kind, value in found.items() if value]


def _store_id(text: str) -> int:
    """`text` as a store id; 0, which is nobody's, where it is none."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 18 else 0
