"""What was sent, on both engines: packed and found again, whatever became of papers and digests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st

from digest.model import DigestId, PaperId, SubscriberId
from digest.store import revisions
from digest.store.database import Database
from digest.store.packing import Packing, holds, unpack
from digest.store.purging import Keep, purge
from digest.store.schema import migrate
from digest.store.sent import digests_with, forget_sent, sent_before, store_sent
from digest.store.subscribers import delete, insert
from digest.store.tables import FetchRow, PaperRow, table
from tests import builders
from tests.fakes import START
from tests.postgres import Postgres

ADA, GRACE = SubscriberId(1), SubscriberId(2)
papers = st.lists(st.integers(1, 2**40).map(PaperId), max_size=6)


@given(papers, st.data())
def test_what_is_packed_comes_back_as_it_went(some: list[PaperId], data: st.DataObject) -> None:
    versions = {paper: data.draw(st.integers(0, 3)) for paper in some}
    packed = Packing(versions).pack(some)
    assert list(unpack(packed)) == [(paper, versions[paper]) for paper in some]
    for paper in (*some, PaperId(0), PaperId(2), PaperId(3)):
        assert holds(packed, {str(paper)}) is (paper in some)


def fill(database: Database, count: int = 9) -> None:
    """Two subscribers, and papers each of which a fetch of its own brought: N by fetch N."""
    fetches = [
        {"id": n, "source": "arxiv", "at": START, "verdict": "fresh"} for n in numbers(count)
    ]
    with database.write() as connection:
        for row in fetches:
            connection.execute(sa.insert(table(FetchRow)), row | {"seconds": 0})
        connection.execute(sa.insert(table(PaperRow)), [paper(n) for n in numbers(count)])
        insert(connection, [builders.subscriber(n) for n in (ADA, GRACE)])


def numbers(count: int) -> range:
    return range(1, count + 1)


def paper(number: int) -> dict[str, object]:
    title = f"Paper {number}"
    named = {"key": f"title:{title}", "title": title, "title_key": title.lower()}
    day = START.date() - timedelta(days=100)
    return {"id": number, "fetch_id": number, "announced_on": day} | named


def send(database: Database, owner: SubscriberId, upto: int, *packed: str) -> None:
    """Rows as composing leaves them; digests count on."""
    first = 100 * owner + upto
    rows: dict[str, Sequence[Any]] = {
        "subscriber_id": [owner] * len(packed),
        "fetch_upto": [upto] * len(packed),
        "digest_id": list(range(first, first + len(packed))),
        "papers": list(packed),
    }
    told = {one for text in packed for one, _ in unpack(text)}
    with database.write() as connection:
        store_sent(connection, told, rows)


def ask(database: Database, *some: int) -> dict[SubscriberId, dict[PaperId, int]]:
    with database.read() as connection:
        return sent_before(connection, [PaperId(one) for one in some], [ADA, GRACE])


def test_each_is_told_what_they_were_sent_and_in_its_newest_version(database: Database) -> None:
    fill(database)
    send(database, ADA, 3, "1,2,v3,3")
    send(database, ADA, 5, "4,1,v2")
    send(database, GRACE, 5, "4,v0")
    assert ask(database, 1, 2, 4, 9) == {ADA: {1: 2, 2: 3, 4: 1}, GRACE: {4: 0}}
    assert ask(database, 9) == ask(database, 77) == ask(database) == {ADA: {}, GRACE: {}}


def test_only_digests_that_can_hold_a_paper_are_looked_at(database: Database) -> None:
    """Years of them are read by the key, from the fetch that brought the paper."""
    fill(database)
    for upto in numbers(9):
        send(database, ADA, upto, str(upto))
    assert ask(database, 5, 8)[ADA] == {5: 1, 8: 1}
    with database.write() as connection:  # which nothing may hold that was composed before it
        connection.execute(sa.text("UPDATE paper SET fetch_id = 9 WHERE id = 5"))
    assert ask(database, 5) == {ADA: {}, GRACE: {}}


def test_a_paper_is_known_by_what_became_it(database: Database) -> None:
    fill(database)
    send(database, ADA, 3, "3,v2")
    send(database, GRACE, 2, "2,1")
    with database.write() as connection:
        connection.execute(
            sa.text("INSERT INTO paper_alias (key, paper_id) VALUES ('paper:3', 1), ('arxiv:3', 2)")
        )
    assert ask(database, 1) == {ADA: {1: 2}, GRACE: {1: 1}}
    with database.read() as connection:
        assert digests_with(connection, ADA, PaperId(1)) == ([DigestId(103)], {1, 3})


def test_what_is_withdrawn_is_free_for_its_subscriber_alone(database: Database) -> None:
    fill(database)
    send(database, ADA, 3, "1", "2")
    send(database, GRACE, 3, "1")
    with database.write() as connection:
        forget_sent(connection, [DigestId(103), DigestId(203)], of=[ADA])
    assert ask(database, 1, 2) == {ADA: {2: 1}, GRACE: {1: 1}}


def test_what_somebody_was_sent_goes_with_them_and_the_paper_stays(database: Database) -> None:
    fill(database, 3)
    send(database, ADA, 3, "1,3")
    with database.write() as connection:
        delete(connection, ADA)
        assert connection.scalar(sa.text("SELECT count(*) FROM sent")) == 0
    assert purge(database, Keep(papers_days=70), START)["papers"] == 1
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT id FROM paper")).scalars().all() == [1, 3]


# --- from a row for each paper --------------------------------------------------------------------


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def earlier(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[Database]:
    """A database as the revision before left it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/earlier.db"
    else:
        server: Postgres = request.getfixturevalue("postgres_server")
        url = server.empty()
    database = Database(url)
    with database.write() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(revisions.SCRIPTS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, BEFORE)
    yield database
    database.dispose()


BEFORE = "0015"
FAR = 401  #: a subscriber in another batch
OLD = "INSERT INTO sent (subscriber_id, paper_id, version, digest_id) VALUES (:s, :p, :v, :d)"


def test_rows_of_single_papers_are_packed(earlier: Database) -> None:
    """Of digests that are kept, that were purged since, and that nobody remembers any more."""
    with earlier.write() as connection:
        for n in numbers(9):
            row = {"id": n, "source": "arxiv", "at": START, "verdict": "fresh", "seconds": 0}
            connection.execute(sa.insert(table(FetchRow)), row)
        connection.execute(sa.insert(table(PaperRow)), [paper(n) for n in numbers(9)])
        for owner in (ADA, GRACE, FAR):
            connection.execute(
                sa.text(
                    "INSERT INTO subscriber (id, email, state, cadence, created_at, name,"
                    ' state_reason, timezone, hour, minute, weekday, monthday, "limit", language,'
                    " style, trending, revisions, send_empty, muted_authors, muted_words, mail,"
                    " feed_generation) VALUES (:id, :email, 'active', 'daily', :at, '', '', 'UTC',"
                    " 7, 0, 0, 1, 12, 'en', 'full', 0, false, false, '[]', '[]', true, 0)"
                ),
                {"id": owner, "email": f"r{owner}@example.org", "at": "2026-11-20 06:00:00"},
            )
        connection.execute(
            sa.text(
                "INSERT INTO digest (id, subscriber_id, local_date, composed_at, fetch_after,"
                " fetch_upto, papers, document) VALUES (11, :s, '2026-11-20',"
                " '2026-11-20 06:00:00', 2, 7, 2, '{}')"
            ),
            {"s": ADA},
        )
        rows: list[tuple[int, int, int, int | None]]
        rows = [(ADA, 3, 1, 11), (ADA, 5, 2, 11), (ADA, 1, 1, 10), (ADA, 2, 0, 10)]
        rows += [(ADA, 5, 1, 9), (GRACE, 1, 1, None), (GRACE, 4, 3, None), (FAR, 6, 1, 12)]
        for s, p, v, d in rows:
            connection.execute(sa.text(OLD), {"s": s, "p": p, "v": v, "d": d})
    assert migrate(earlier).current == BEFORE
    with earlier.read() as connection:
        found = connection.execute(sa.text("SELECT * FROM sent ORDER BY subscriber_id, digest_id"))
        assert [(*row[:3], sorted(unpack(row[3]))) for row in found] == [
            (ADA, 5, 9, [(5, 1)]),
            (ADA, 2, 10, [(1, 1), (2, 0)]),
            (ADA, 7, 11, [(3, 1), (5, 2)]),
            (GRACE, 4, 0, [(1, 1), (4, 3)]),
            (FAR, 6, 12, [(6, 1)]),
        ]
        kept = connection.execute(sa.text("SELECT paper_id FROM sent_paper ORDER BY paper_id"))
        assert kept.scalars().all() == [1, 2, 3, 4, 5, 6]
    assert ask(earlier, 1, 2, 4, 5) == {ADA: {1: 1, 2: 0, 5: 2}, GRACE: {1: 1, 4: 3}}
