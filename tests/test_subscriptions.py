"""The register, on both engines: who is stored, when they are due, and what stops at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.errors import InvalidSubscriber, UnknownSubscriber, UsageError
from digest.model import Cadence, DeliveryState, PaperId, Schedule, SubscriberState
from digest.store.database import Database
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions, Usual
from tests.fakes import START, FrozenClock

KEYS = ("k" * 40,)
ADA = "ada@example.org"
LAMPS = {"name": "Lamps", "query": 'lantern* AND "sea fog"', "limit": 3}


@pytest.fixture
def register(database: Database, clock: FrozenClock) -> Subscriptions:
    return Subscriptions(database, keys=KEYS, clock=clock)


def tables(name: str) -> sa.Table:
    return SQLModel.metadata.tables[name]


def insert(database: Database, table: str, **values: Any) -> int:
    with database.write() as connection:
        result = connection.execute(
            sa.insert(tables(table)).values(**values).returning(tables(table).c.id)
        )
        return int(result.scalar_one())


def count(database: Database, table: str) -> int:
    with database.read() as connection:
        return connection.execute(
            sa.select(sa.func.count()).select_from(tables(table))
        ).scalar_one()


def paper(database: Database, key: str = "arxiv:2511.00001", title: str = "Lamps at sea") -> int:
    """A stored paper with its key, as ingest leaves it."""
    fetch = insert(database, "fetch", source="arxiv", at=START, verdict="fresh")
    id_ = insert(
        database,
        "paper",
        key=key,
        title=title,
        title_key=title.lower(),
        abstract="On lamps.",
        authors=[],
        categories=[],
        announced_on=START.date(),
        fetch_id=fetch,
    )
    with database.write() as connection:
        connection.execute(sa.insert(tables("paper_alias")).values(key=key, paper_id=id_))
    return id_


def queue(database: Database, subscriber: int, *states: DeliveryState) -> list[int]:
    """A digest with one delivery in each state."""
    digest = insert(
        database,
        "digest",
        subscriber_id=subscriber,
        local_date=START.date(),
        composed_at=START,
        fetch_after=0,
        fetch_upto=1,
        papers=0,
        document={},
    )
    return [
        insert(
            database,
            "delivery",
            digest_id=digest,
            subscriber_id=subscriber,
            channel="smtp",
            address=f"{number}@example.org",
            state=state.value,
            created_at=START,
            next_attempt_at=START,
        )
        for number, state in enumerate(states)
    ]


def states_of(database: Database) -> list[str]:
    delivery = tables("delivery")
    with database.read() as connection:
        return list(
            connection.execute(sa.select(delivery.c.state).order_by(delivery.c.id)).scalars()
        )


# --- adding -------------------------------------------------------------------------------------


def test_added_subscriber_is_read_back_whole(register: Subscriptions) -> None:
    added = register.add(
        {
            "email": "Ada@EXÄMPLE.org",
            "name": "Ada Mirza",
            "timezone": "Europe/Lisbon",
            "cadence": "weekly",
            "weekday": "tuesday",
            "hour": "06:45",
            "muted_words": ["fog"],
            "interests": [
                LAMPS | {"examples": [{"title": "Lamps", "abstract": "A", "positive": False}]},
                {"name": "Words", "statement": "how people name colours", "daily_volume": 2.5},
            ],
        }
    )
    assert added == register.subscriber("Ada@exämple.org")
    assert added.email == "Ada@exämple.org"
    assert added.schedule == Schedule("Europe/Lisbon", Cadence.WEEKLY, 6, 45, weekday=1)
    assert added.mutes.words == ("fog",)
    assert [one.name for one in added.interests] == ["Lamps", "Words"]
    assert added.interests[0].examples[0].positive is False
    assert added.interests[1].daily_volume == 2.5
    assert added.next_due_at == datetime(2026, 11, 24, 6, 45, tzinfo=UTC)


def test_missing_keys_take_the_installation_s_usual_values(
    database: Database, clock: FrozenClock
) -> None:
    usual = Usual(Schedule("Asia/Tokyo", Cadence.DAILY, 9), limit=4, trending=2, language="de")
    added = Subscriptions(database, keys=KEYS, usual=usual, clock=clock).add({"email": ADA})
    assert (added.schedule, added.limit, added.trending, added.language) == (
        usual.schedule,
        4,
        2,
        "de",
    )


def test_adding_someone_twice_is_refused_without_showing_the_address(
    register: Subscriptions,
) -> None:
    register.add({"email": ADA})
    with pytest.raises(InvalidSubscriber, match="already") as caught:
        register.add({"email": "ada@EXAMPLE.org"})
    assert ADA not in str(caught.value)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        pytest.param({"email": "ada"}, "email: is no e-mail address", id="no-at"),
        pytest.param({"email": "a@b.org\r\nBcc: c@d.org"}, "line break", id="crlf"),
        pytest.param({"email": ADA, "timezone": "Mars/Base"}, "Unknown time zone", id="zone"),
        pytest.param({"email": ADA, "cadence": "hourly"}, "cadence: must be one of", id="cadence"),
        pytest.param({"email": ADA, "hour": 24}, "hour: must be at most 23", id="hour"),
        pytest.param({"email": ADA, "hours": 7}, "did you mean hour?", id="typo"),
        pytest.param({"email": ADA, "name": "Ada\nBcc: x"}, "name: must be one line", id="name"),
        pytest.param({"email": ADA, "name": "\ud800"}, "name: ", id="surrogate"),
        pytest.param({"email": ADA, "state": "gone"}, "state: must be one of", id="state"),
        pytest.param(
            {"email": ADA, "paused_until": "2026-12-01T00:00:00"}, "say its zone", id="naive"
        ),
        pytest.param({}, "email: is missing", id="no-email"),
        pytest.param(
            {"email": ADA, "interests": [{"name": "A", "query": "(lamp"}]},
            "interests (A).query: ",
            id="query",
        ),
        pytest.param(
            {"email": ADA, "interests": [{"name": "A", "quary": "lamp"}]},
            "interests (A).quary: is unknown; did you mean query?",
            id="typo-in-interest",
        ),
        pytest.param(
            {"email": ADA, "interests": [{"name": "A"}]}, "asks for nothing", id="empty-interest"
        ),
        pytest.param(
            {"email": ADA, "interests": [LAMPS, LAMPS | {"name": "LAMPS"}]},
            "a name of its own",
            id="two-of-one-name",
        ),
        pytest.param({"email": ADA, "interests": "lamps"}, "interests: must be a list", id="list"),
    ],
)
def test_a_bad_record_names_the_key_and_the_mend(
    sqlite_database: Database, record: dict[str, Any], told: str
) -> None:
    register = Subscriptions(sqlite_database, keys=KEYS)
    with pytest.raises(InvalidSubscriber) as caught:
        register.add(record)
    assert told in str(caught.value)
    assert register.ids() == []


def test_every_fault_of_a_record_is_told_at_once(sqlite_database: Database) -> None:
    with pytest.raises(InvalidSubscriber) as caught:
        Subscriptions(sqlite_database, keys=KEYS).add(
            {"email": "ada", "hour": 99, "timezone": "Nowhere", "limt": 3}
        )
    assert all(key in str(caught.value) for key in ("email", "hour", "timezone", "limt"))


def test_an_unknown_subscriber_is_not_named_in_full(register: Subscriptions) -> None:
    with pytest.raises(UnknownSubscriber) as caught:
        register.subscriber("somebody@example.org")
    assert "s…y@example.org" in str(caught.value)
    assert "somebody" not in str(caught.value)


# --- schedule and state -------------------------------------------------------------------------


def test_editing_changes_what_is_named_and_plans_anew(register: Subscriptions) -> None:
    register.add({"email": ADA, "name": "Ada", "hour": 7, "interests": [LAMPS]})
    changed = register.edit(ADA, {"hour": 18, "timezone": "America/New_York"})
    assert (changed.name, changed.schedule.hour) == ("Ada", 18)
    assert changed.next_due_at == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    assert changed.interests[0].id > 0


def test_editing_something_else_leaves_the_next_digest_where_it_is(
    register: Subscriptions, clock: FrozenClock
) -> None:
    due = register.add({"email": ADA}).next_due_at
    clock.tick(hours=5)
    assert register.edit(ADA, {"limit": 3}).next_due_at == due


def test_who_is_due_already_stays_due_when_the_hour_changes(
    register: Subscriptions, clock: FrozenClock
) -> None:
    due = register.add({"email": ADA, "hour": 7}).next_due_at
    clock.tick(hours=2)
    assert register.edit(ADA, {"hour": 20}).next_due_at == due


def test_state_is_not_changed_by_editing(register: Subscriptions) -> None:
    register.add({"email": ADA})
    with pytest.raises(InvalidSubscriber, match="state"):
        register.edit(ADA, {"state": "unsubscribed"})


def test_a_pause_until_a_date_ends_on_its_first_hour_there(
    register: Subscriptions, database: Database, clock: FrozenClock
) -> None:
    register.add({"email": ADA, "timezone": "Pacific/Auckland", "hour": 8})
    paused = register.pause(ADA, date(2026, 12, 1))
    assert paused.paused_until == datetime(2026, 11, 30, 11, 0, tzinfo=UTC)
    assert paused.next_due_at == datetime(2026, 11, 30, 19, 0, tzinfo=UTC)
    store = SubscriberStore(database)
    assert store.wake(paused.paused_until - timedelta(seconds=1)) == 0
    assert store.wake(paused.paused_until) == 1
    assert register.subscriber(ADA) == paused._replace(
        state=SubscriberState.ACTIVE, paused_until=None
    )


def test_a_pause_without_end_lasts_until_resumed(
    register: Subscriptions, clock: FrozenClock
) -> None:
    register.add({"email": ADA})
    assert register.pause(ADA).next_due_at is None
    clock.tick(days=400)
    assert register.wake() == 0
    resumed = register.resume(ADA)
    assert resumed.state is SubscriberState.ACTIVE
    assert resumed.next_due_at is not None
    assert resumed.next_due_at > clock.now


def test_a_pause_that_ended_before_it_began_is_refused(register: Subscriptions) -> None:
    register.add({"email": ADA})
    with pytest.raises(InvalidSubscriber, match="past"):
        register.pause(ADA, date(2026, 11, 19))


# --- going --------------------------------------------------------------------------------------

WAITING = [DeliveryState.QUEUED, DeliveryState.DEFERRED]
PAST_RECALL = [DeliveryState.SENDING, DeliveryState.DELIVERED]

GOING: list[tuple[str, Callable[[Subscriptions], object]]] = [
    ("unsubscribe", lambda register: register.unsubscribe(ADA)),
    ("suspend", lambda register: register.suspend(ADA, reason="bounces")),
    ("pause", lambda register: register.pause(ADA)),
    ("suppress", lambda register: register.suppress(ADA, reason="complaint")),
]


@pytest.mark.parametrize("go", [go for _, go in GOING], ids=[name for name, _ in GOING])
def test_going_cancels_what_is_queued_at_once(
    register: Subscriptions, database: Database, go: Callable[[Subscriptions], object]
) -> None:
    id_ = register.add({"email": ADA}).id
    other = register.add({"email": "bo@example.org"}).id
    queue(database, id_, *WAITING, *PAST_RECALL)
    queue(database, other, *WAITING)
    go(register)
    assert states_of(database) == [
        *["cancelled"] * 2,
        *["sending", "delivered"],
        *["queued", "deferred"],
    ]
    assert register.subscriber(ADA).next_due_at is None


def test_unsubscribing_keeps_what_was_wanted_and_may_be_repeated(register: Subscriptions) -> None:
    register.add({"email": ADA, "interests": [LAMPS]})
    first = register.unsubscribe(ADA, reason="too many")
    assert register.unsubscribe(ADA) == first
    assert [one.name for one in first.interests] == ["Lamps"]
    assert first.state_reason == "too many"


def test_who_unsubscribed_comes_back_only_by_their_own_wish(register: Subscriptions) -> None:
    register.add({"email": ADA})
    register.unsubscribe(ADA)
    with pytest.raises(UsageError, match="unsubscribed"):
        register.resume(ADA)
    assert register.resume(ADA, they_asked=True).state is SubscriberState.ACTIVE


def test_removal_leaves_a_salted_hash_and_nothing_else(
    register: Subscriptions, database: Database, clock: FrozenClock
) -> None:
    added = register.add({"email": ADA, "interests": [LAMPS | {"examples": ["Lamps at sea"]}]})
    queue(database, added.id, *WAITING)
    register.feedback(ADA, PaperId(paper(database)), liked=True)
    register.remove(ADA)
    for table in ("subscriber", "interest", "example", "digest", "delivery", "feedback"):
        assert count(database, table) == 0, table
    with database.read() as connection:
        kept = connection.execute(sa.select(tables("suppression"))).mappings().one()
    assert ADA not in str(kept)
    with pytest.raises(InvalidSubscriber, match="must not be written to"):
        register.add({"email": "ada@EXAMPLE.org"})


def test_a_suppression_survives_the_rotation_of_keys(
    database: Database, clock: FrozenClock
) -> None:
    Subscriptions(database, keys=KEYS, clock=clock).suppress(ADA, reason="complaint")
    rotated = Subscriptions(database, keys=("n" * 40, *KEYS), clock=clock)
    assert rotated.is_suppressed(ADA)
    assert rotated.lift(ADA)
    assert not rotated.lift(ADA)
    assert rotated.add({"email": ADA}).state is SubscriberState.ACTIVE


def test_a_suppressed_subscriber_is_suspended_and_not_resumed(register: Subscriptions) -> None:
    register.add({"email": ADA})
    register.suppress(ADA, reason="complaint")
    assert register.subscriber(ADA).state is SubscriberState.SUSPENDED
    with pytest.raises(InvalidSubscriber, match="must not be written to"):
        register.resume(ADA, they_asked=True)


# --- interests ----------------------------------------------------------------------------------


def test_interests_keep_their_ids_when_renamed_and_swapped(register: Subscriptions) -> None:
    register.add({"email": ADA, "interests": [LAMPS, LAMPS | {"name": "Ropes"}]})
    before = {one.name: one.id for one in register.subscriber(ADA).interests}
    register.edit_interest(ADA, "Lamps", {"name": "Lights", "query": "lamp OR light"})
    register.add_interest(ADA, {"name": "Lamps", "statement": "lamps again"})
    after = {one.name: one.id for one in register.subscriber(ADA).interests}
    assert (after["Lights"], after["Ropes"]) == (before["Lamps"], before["Ropes"])
    assert after["Lamps"] not in before.values()
    assert list(after) == ["Lights", "Ropes", "Lamps"]


def test_an_interest_is_removed_and_the_others_stay(register: Subscriptions) -> None:
    register.add({"email": ADA, "interests": [LAMPS, LAMPS | {"name": "Ropes"}]})
    register.remove_interest(ADA, "lamps")
    assert [one.name for one in register.subscriber(ADA).interests] == ["Ropes"]
    with pytest.raises(UsageError, match=r"There are: Ropes\."):
        register.remove_interest(ADA, "Lamps")


def test_two_interests_cannot_share_a_name(register: Subscriptions) -> None:
    register.add({"email": ADA, "interests": [LAMPS, LAMPS | {"name": "Ropes"}]})
    with pytest.raises(InvalidSubscriber, match="already"):
        register.add_interest(ADA, LAMPS)
    with pytest.raises(InvalidSubscriber, match="already"):
        register.edit_interest(ADA, "Ropes", {"name": "LAMPS"})


@pytest.mark.parametrize("said", ["2511.00001", "arXiv:2511.00001v3", "Lamps at sea"])
def test_an_example_is_linked_to_the_stored_paper(
    register: Subscriptions, database: Database, said: str
) -> None:
    stored = paper(database)
    register.add({"email": ADA, "interests": [{"name": "A", "examples": [said]}]})
    example = register.subscriber(ADA).interests[0].examples[0]
    assert (example.title, example.paper_id) == ("Lamps at sea", stored)


def test_the_newest_word_on_a_paper_counts(register: Subscriptions, database: Database) -> None:
    register.add({"email": ADA})
    stored = PaperId(paper(database))
    register.feedback(ADA, stored, liked=True)
    register.feedback(ADA, stored, liked=False)
    with database.read() as connection:
        verdicts = connection.execute(sa.select(tables("feedback").c.verdict)).scalars().all()
    assert verdicts == ["down"]


def test_mutes_add_up_without_repeating(register: Subscriptions) -> None:
    register.add({"email": ADA})
    register.mute(ADA, words=["Fog", "rain"])
    mutes = register.mute(ADA, words=["fog", "snow", " "], authors=["Bo Lind"])
    assert mutes.words == ("Fog", "rain", "snow")
    assert register.subscriber(ADA).mutes.authors == ("Bo Lind",)
