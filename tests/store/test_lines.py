"""Lines that digests share, on both engines: stored once, with the digests, and as long as they."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from digest.model import (
    Digest,
    DigestId,
    FetchId,
    Item,
    PaperId,
    Reasons,
    SubscriberId,
    SubscriberState,
)
from digest.store import bulk
from digest.store.database import Database
from digest.store.editions import Due, EditionStore, Issue
from digest.store.line_tables import LineRow, table
from digest.store.person import stored_about
from digest.store.purging import COMPOSED, Keep, purge
from digest.store.subscribers import delete, insert
from tests import builders
from tests.fakes import START

_line = table(LineRow)
DAY = timedelta(days=1)


@pytest.fixture
def store(database: Database) -> EditionStore:
    readers = [
        builders.subscriber(n, state=SubscriberState.ACTIVE, next_due_at=START)
        for n in (1, 2, 3, 4)
    ]
    with database.write() as connection:
        insert(connection, readers)
    return EditionStore(database)


ITEM = builders.item(3, reasons=Reasons(percentile=0.01))


def digest_of(owner: int, *items: Item, at: datetime = START) -> Digest:
    section = builders.section(*(items or (ITEM,)), name=f"Interest of {owner}")
    return builders.digest(
        0,
        subscriber_id=SubscriberId(owner),
        sections=(section,),
        composed_at=at,
        local_date=at.date(),
    )


def queue(store: EditionStore, *digests: Digest) -> None:
    due = [Due(digest.subscriber_id, START) for digest in digests]
    with store.claim(due) as claim:
        claim.queue([_issue(digest) for digest in digests], run_id=None)


def _issue(digest: Digest) -> Issue:
    papers: Sequence[PaperId] = digest.paper_ids
    versions = dict.fromkeys(papers, digest.local_date.toordinal())  # another day, a new version
    reader = builders.subscriber(digest.subscriber_id).addressee
    return Issue(digest, papers, versions, FetchId(0), FetchId(1), reader, (), START)


def lines(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(_line.c.text).order_by(_line.c.id)).scalars())


def stored(store: EditionStore) -> list[Digest]:
    found = EditionStore(store._database).digests([DigestId(n) for n in range(1, 9)])
    return [found[number]._replace(id=DigestId(0)) for number in sorted(found)]


def test_a_line_is_stored_once_for_all_who_share_it(
    store: EditionStore, database: Database
) -> None:
    digests = [digest_of(n) for n in (1, 2, 3)]
    queue(store, *digests[:2])
    queue(store, digests[2])
    assert lines(database) == [f'{{"p":3,"s":{ITEM.score},"top":0.01}}']
    assert stored(store) == digests


def test_what_only_one_has_is_in_their_document_alone(
    store: EditionStore, database: Database
) -> None:
    queue(store, digest_of(1))
    assert lines(database) == []
    assert stored(store) == [digest_of(1)]


def test_lines_that_were_never_committed_are_named_by_nobody(
    store: EditionStore, database: Database
) -> None:
    digests = [digest_of(n) for n in (1, 2, 3)]
    queue(store, digests[0])
    with suppress(KeyboardInterrupt), store.claim([Due(SubscriberId(2), START)]) as claim:
        claim.queue([_issue(digests[1])], run_id=None)
        raise KeyboardInterrupt
    assert lines(database) == []
    queue(store, digests[1], digests[2])
    assert len(lines(database)) == 1
    assert stored(store) == digests


def test_two_who_compose_side_by_side_store_lines_of_their_own(
    store: EditionStore, database: Database
) -> None:
    other = EditionStore(database)
    queue(store, digest_of(1))
    queue(other, digest_of(2), digest_of(3))
    queue(store, digest_of(4))
    assert len(lines(database)) == 2
    assert len(stored(store)) == 4


def test_lines_are_kept_as_long_as_a_digest_of_their_instant(
    store: EditionStore, database: Database
) -> None:
    queue(store, digest_of(1), digest_of(2))
    later = [digest_of(n, at=START + 9 * DAY) for n in (1, 2)]
    queue(store, *later)
    keep = Keep(digests_days=5)
    assert purge(database, keep, START + 4 * DAY)["lines"] == 0
    assert purge(database, keep, START + 11 * DAY)["lines"] == 1
    assert stored(store) == later


def test_lines_go_when_all_their_readers_have_left(store: EditionStore, database: Database) -> None:
    queue(store, digest_of(1), digest_of(2))
    with database.write() as connection:
        delete(connection, SubscriberId(1))
    assert purge(database, Keep(), START + COMPOSED + DAY)["lines"] == 0
    with database.write() as connection:
        delete(connection, SubscriberId(2))
    assert purge(database, Keep(), START + COMPOSED)["lines"] == 0
    assert purge(database, Keep(), START + COMPOSED + DAY)["lines"] == 1


def test_what_is_stored_about_somebody_holds_the_lines_of_their_digests(
    store: EditionStore, database: Database
) -> None:
    other = builders.item(4, reasons=Reasons(votes=7))
    queue(store, digest_of(1), digest_of(2, ITEM, other), digest_of(3, other))
    found = stored_about(database, builders.subscriber(2).email, ())
    assert [row["text"] for row in found["digest_line"]] == lines(database)[:1]


def test_numbers_are_never_given_out_twice(database: Database) -> None:
    given: list[int] = []
    for wanted in (1, 300, 3):
        with database.write() as connection:
            numbers = bulk.numbers(connection, _line)
            new = [next(numbers) for _ in range(wanted)]
            at = [bulk.stored(connection, START)] * wanted
            bulk.insert(connection, _line, {"id": new, "at": at, "text": ["{}"] * wanted})
            given += new
    assert given == sorted(set(given))


def test_a_line_is_read_once(store: EditionStore) -> None:
    queue(store, digest_of(1), digest_of(2), digest_of(3))
    first = store.digests([DigestId(2)])[DigestId(2)]
    again = store.digests([DigestId(3)])[DigestId(3)]
    assert first.sections[0].items[0] is again.sections[0].items[0]
