"""Tokens of the API: what they open, for how long, whose they are, and what is kept of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from digest.access import MOST, OPERATORS, PERSONAL, USUAL, Access
from digest.errors import UnknownSubscriber, UsageError
from digest.model import ApiTokenId, Scope
from digest.store.database import Database
from digest.store.person import stored_about
from digest.store.tables import table
from digest.store.web_tables import ApiTokenRow
from digest.subscriptions import Subscriptions
from tests.fakes import START, FrozenClock

KEYS = ("a key for the tests, as long as it has to be",)
ADA = "ada@example.org"


@pytest.fixture
def access(database: Database, clock: FrozenClock) -> Access:
    Subscriptions(database, keys=KEYS, clock=clock).add({"email": ADA})
    return Access(database, clock=clock)


def test_a_secret_opens_its_token(access: Access) -> None:
    granted = access.grant("cron", [Scope.READ], email=ADA)
    assert granted.secret.startswith(granted.token.hint)
    assert len(granted.secret) == 46
    assert access.open(granted.secret) == granted.token
    assert granted.token.subscriber_id == 1
    assert granted.secret not in repr(granted)


@pytest.mark.parametrize("secret", ["", "pd_", "pd_" + "A" * 43, "A" * 46, "pd_" + "ä" * 43])
def test_nothing_else_opens_anything(access: Access, secret: str) -> None:
    access.grant("cron")
    assert access.open(secret) is None


def test_only_a_hash_is_kept(access: Access, database: Database) -> None:
    granted = access.grant("cron")
    with database.read() as connection:
        stored = repr(connection.execute(sa.select(table(ApiTokenRow))).all())
    assert granted.secret not in stored
    assert granted.secret[8:] not in stored


def test_it_ends_by_itself_and_by_being_revoked(access: Access, clock: FrozenClock) -> None:
    short, lasting = access.grant("short", days=1), access.grant("lasting", days=0)
    clock.tick(hours=23, minutes=59)
    assert access.open(short.secret)
    clock.tick(minutes=1)
    assert access.open(short.secret) is None
    clock.tick(days=9999)
    assert access.open(lasting.secret)
    access.revoke(lasting.token.id)
    assert access.open(lasting.secret) is None
    first = clock()
    clock.tick(days=1)
    access.revoke(lasting.token.id)
    assert access.listed()[1][0].revoked_at == first
    with pytest.raises(UsageError, match="no token 99"):
        access.revoke(ApiTokenId(99))


def test_scopes_fit_whose_token_it_is(access: Access) -> None:
    assert access.grant("a", email=ADA).token.scopes == PERSONAL
    assert access.grant("b").token.scopes == USUAL
    assert access.grant("c", OPERATORS).token.scopes == OPERATORS
    for scope in Scope:
        if scope not in PERSONAL:
            with pytest.raises(UsageError, match=f"{scope} is not for a subscriber's"):
                access.grant("d", [scope], email=ADA)
        if scope not in OPERATORS:
            with pytest.raises(UsageError, match=f"{scope} is not for the operator's"):
                access.grant("d", [Scope.READ, scope])


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b"])
def test_a_name_says_something(access: Access, name: str) -> None:
    with pytest.raises(UsageError, match="name:"):
        access.grant(name)


def test_whose_they_are(access: Access) -> None:
    access.grant("mine", email=ADA)
    access.grant("ours")
    assert [(one.name, email) for one, email in access.listed()] == [("mine", ADA), ("ours", "")]
    assert [one.name for one, _ in access.listed(" Ada@Example.org ".replace("A", "a"))] == ["mine"]
    with pytest.raises(UnknownSubscriber):
        access.listed("bo@example.org")
    with pytest.raises(UnknownSubscriber):
        access.grant("his", email="bo@example.org")


def test_there_is_an_end_to_them(access: Access) -> None:
    granted = [access.grant("one", email=ADA) for _ in range(MOST)]
    with pytest.raises(UsageError, match="already"):
        access.grant("one more", email=ADA)
    access.revoke(granted[0].token.id)
    access.grant("one more", email=ADA)


def test_a_use_is_remembered_once_an_hour(access: Access, clock: FrozenClock) -> None:
    secret = access.grant("cron").secret

    def use() -> bool:
        token = access.open(secret)
        assert token is not None
        needed = access.needs_note(token)
        access.used(token)
        return needed

    assert [use(), use()] == [True, False]
    clock.tick(minutes=59)
    assert not use()
    assert access.listed()[0][0].last_used_at == START
    clock.tick(minutes=1)
    assert use()
    assert access.listed()[0][0].last_used_at == START + timedelta(hours=1)


def test_they_go_with_their_subscriber(
    access: Access, database: Database, clock: FrozenClock
) -> None:
    secret = access.grant("mine", email=ADA).secret
    assert [row["name"] for row in stored_about(database, ADA, ())["api_token"]] == ["mine"]
    Subscriptions(database, keys=KEYS, clock=clock).remove(ADA)
    assert access.open(secret) is None
    assert access.listed() == []
