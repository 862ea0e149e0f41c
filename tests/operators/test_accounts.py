"""Accounts and sessions: who comes in, what ends a session, and that nothing stored opens one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter

import pytest
from argon2 import Parameters, Type
from argon2.profiles import RFC_9106_LOW_MEMORY

from digest.errors import UsageError
from digest.operators import ABSOLUTE, IDLE, Accounts, Passwords, Session, weakness
from digest.store.database import Database
from tests.fakes import FrozenClock
from tests.web.reading import dump

KEYS = ("a key for the tests, as long as it has to be",)
GOOD = "copper lantern under rain"
OTHER = "seven quiet harbour bells"


def parameters(rounds: int = 1) -> Parameters:
    """Quick to compute, and otherwise as in earnest."""
    return Parameters(Type.ID, 19, 16, 32, rounds, 64, 1)


QUICK = Passwords(parameters())
Make = Callable[..., Accounts]


@pytest.fixture
def make(database: Database, clock: FrozenClock) -> Make:
    def accounts(
        configured: dict[str, str] | None = None,
        *,
        keys: tuple[str, ...] = KEYS,
        passwords: Passwords = QUICK,
    ) -> Accounts:
        return Accounts(
            database, configured=configured or {}, keys=keys, clock=clock, passwords=passwords
        )

    return accounts


def signed_in(accounts: Accounts, name: str = "ada", password: str = GOOD) -> Session:
    session = accounts.sign_in(name, password)
    assert session is not None
    return session


def test_who_has_the_password_comes_in(make: Make) -> None:
    accounts = make()
    assert accounts.is_empty()
    accounts.add("Ada", GOOD)
    session = signed_in(accounts, " ADA ")
    assert session.operator == "ada"
    assert accounts.session(accounts.cookie(session.key)) == session
    assert [one.name for one in accounts.listed()] == ["ada"]
    assert accounts.listed()[0].signed_in_at is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", OTHER), ("ada", ""), ("bo", GOOD), ("", GOOD), ("ada\0", GOOD), ("a" * 500, GOOD)],
)
def test_everybody_else_stays_outside(make: Make, name: str, password: str) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    assert accounts.sign_in(name, password) is None


def test_a_password_is_one_however_it_is_typed(make: Make) -> None:
    accounts = make()
    accounts.add("ada", "cafe\u0301 on the long pier")
    signed_in(accounts, password="caf\u00e9 on the long pier")


def test_the_configuration_makes_accounts_and_wins(make: Make) -> None:
    make().add("ada", GOOD)
    accounts = make({"Ada": QUICK.hash(OTHER)})
    assert accounts.sign_in("ada", GOOD) is None
    signed_in(accounts, password=OTHER)
    assert [(one.name, one.is_configured) for one in accounts.listed()] == [("ada", True)]
    for refused in (lambda: accounts.add("ada", GOOD), lambda: accounts.remove("ada")):
        with pytest.raises(UsageError, match="by the configuration"):
            refused()


@pytest.mark.parametrize("name", ["", "a b", "-ada", "ädä", "a" * 65, "a\nda", "<b>"])
def test_a_name_that_cannot_be_is_refused(make: Make, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        make().add(name, GOOD)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "too short"),
        ("x" * 2000, "longer than"),
        ("aaaaaaaaaaaaaaaa", "too easy"),
        ("ada-lovelace-1815", "too easy"),
        (GOOD, ""),
    ],
)
def test_a_weak_password_is_refused_with_the_mend(make: Make, password: str, says: str) -> None:
    told = weakness(password, "lovelace")
    assert says in told
    assert bool(told) == bool(says)
    if says:
        with pytest.raises(UsageError, match=says):
            make().add("lovelace", password)


def test_a_name_is_given_once(make: Make) -> None:
    make().add("ada", GOOD)
    with pytest.raises(UsageError, match="already"):
        make().add("ada", OTHER)
    signed_in(make())


# --- sessions -----------------------------------------------------------------------------------


def test_a_session_ends_when_nobody_uses_it(make: Make, clock: FrozenClock) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    cookie = accounts.cookie(signed_in(accounts).key)
    clock.now += IDLE - timedelta(minutes=1)
    session = accounts.session(cookie)
    assert session is not None
    fresh = accounts.cookie(session.key)
    clock.now += timedelta(minutes=2)
    assert accounts.session(cookie) is None
    assert accounts.session(fresh) is not None


def test_a_session_ends_in_any_case(make: Make, clock: FrozenClock) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    end = clock.now + ABSOLUTE
    cookie = accounts.cookie(signed_in(accounts).key)
    while clock.now < end - timedelta(minutes=30):
        session = accounts.session(cookie)
        assert session is not None
        clock.now += timedelta(minutes=30)
        cookie = accounts.cookie(session.key)
    clock.now = end
    assert accounts.session(accounts.cookie(signed_in(accounts).key)) is not None
    assert accounts.session(cookie) is None


@pytest.mark.parametrize("ending", ["out", "password", "remove", "configured"])
def test_what_ends_a_session(make: Make, ending: str) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    accounts.add("bo", OTHER)
    one, other = signed_in(accounts), signed_in(accounts)
    neighbour = signed_in(accounts, "bo", OTHER)
    after = accounts
    match ending:
        case "out":
            accounts.sign_out(one)
        case "password":
            accounts.change_password("ada", OTHER)
        case "remove":
            accounts.remove("ada")
        case "configured":
            after = make({"ada": QUICK.hash(GOOD)})
    assert after.session(after.cookie(one.key)) is None
    assert (after.session(after.cookie(other.key)) is None) == (ending != "out")
    assert after.session(after.cookie(neighbour.key)) is not None


def test_a_changed_configuration_ends_its_sessions(make: Make) -> None:
    before = make({"ada": QUICK.hash(GOOD)})
    cookie = before.cookie(signed_in(before).key)
    assert make({"ada": QUICK.hash(GOOD)}).session(cookie) is None
    assert make().session(cookie) is None


def test_every_session_has_a_key_of_its_own(make: Make) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    keys = {signed_in(accounts).key for _ in range(5)}
    assert len(keys) == 5
    assert all(len(key) >= 43 for key in keys)


def test_nothing_stored_opens_a_session(make: Make, database: Database) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    session = signed_in(accounts)
    stored = dump(database)
    told = str(stored)
    assert len(stored["operator_session"]) == 1
    assert session.key not in told
    assert session.form_key not in told
    assert GOOD not in told
    for column in re.findall(r"'([0-9a-f]{32,64})'", told):
        assert accounts.session(accounts.cookie(column)) is None


@pytest.mark.parametrize("spoil", ["key", "minute", "signature", "other site", "nothing", "rest"])
def test_a_cookie_that_we_did_not_write_is_nobody_s(make: Make, spoil: str) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    key, minute, signature = accounts.cookie(signed_in(accounts).key).split(".")
    other = make(keys=("another key, as long as a key here has to be",))
    cookies = {
        "key": f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}.{minute}.{signature}",
        "minute": f"{key}.{int(minute) + 1}.{signature}",
        "signature": f"{key}.{minute}.{signature[::-1]}",
        "other site": other.cookie(key),
        "nothing": "",
        "rest": f"{key}.{minute}.{signature}.x",
    }
    assert accounts.session(cookies[spoil]) is None


def test_a_session_outlives_the_rotation_of_the_site_s_keys(make: Make) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    cookie = accounts.cookie(signed_in(accounts).key)
    assert make(keys=("a newer key, as long as it has to be", *KEYS)).session(cookie) is not None


def test_sessions_that_are_over_are_forgotten(
    make: Make, database: Database, clock: FrozenClock
) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    for _ in range(3):
        signed_in(accounts)
    clock.now += ABSOLUTE
    signed_in(accounts)
    assert len(dump(database)["operator_session"]) == 1


# --- hashing ------------------------------------------------------------------------------------


def test_newer_parameters_hash_anew_and_sign_nobody_out(make: Make, database: Database) -> None:
    accounts = make()
    accounts.add("ada", GOOD)
    before = signed_in(accounts)
    newer = make(passwords=Passwords(parameters(rounds=2)))
    signed_in(newer)
    assert "t=2" in str(dump(database)["operator"])
    assert newer.session(newer.cookie(before.key)) is not None
    stored = dump(database)["operator"]
    signed_in(newer)
    assert dump(database)["operator"] == stored


def test_in_earnest_a_hash_is_what_rfc_9106_recommends() -> None:
    passwords = Passwords()
    made = passwords.hash(GOOD)
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not passwords.is_outdated(made)
    assert passwords.is_right(made, GOOD)
    assert QUICK.is_outdated(made)
    assert RFC_9106_LOW_MEMORY.memory_cost == 65536


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords(Parameters(Type.ID, 19, 16, 32, 3, 8192, 1))
    made = passwords.hash(GOOD)
    passwords.is_right(None, GOOD)  # makes what unknown names are compared with

    def took(stored: str | None) -> float:
        times = []
        for _ in range(7):
            began = perf_counter()
            assert not passwords.is_right(stored, OTHER)
            times.append(perf_counter() - began)
        return min(times)

    assert 0.4 < took(None) / took(made) < 2.5


def test_a_broken_hash_is_nobody_s() -> None:
    assert not QUICK.is_right("$argon2id$v=19$nonsense", GOOD)
