"""The post on the command line: the queue, its log, what came back, who must not be written to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.cli import main
from digest.clock import system_clock
from digest.delivery.pausing import after_fault
from digest.model import Bounce, BounceKind, DeliveryId
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.delivery_log import recipient_log
from digest.store.routes import RouteStore
from digest.store.tables import DeliveryRow, SuppressionRow, table
from tests.fakes import START
from tests.queued import fill
from tests.test_cli import Digest, Said

_delivery = table(DeliveryRow)
READER = "reader1@example.org"


@pytest.fixture
def post(
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Digest:
    """Commands over a database in which one delivery of each of these states stands."""
    database = Database(sqlite_url)
    for number, state in enumerate(("queued", "deferred", "refused", "uncertain", "delivered"), 1):
        settled = START if state in ("refused", "uncertain", "delivered") else None
        fill(database, 1, first=number, state=state, settled_at=settled, code=250, reply="told")
    later, kind = START + timedelta(hours=1), BounceKind.USER_UNKNOWN
    BounceStore(database).add([Bounce("k", DeliveryId(1), later, kind, "smtp", "5.1.1", "who")])
    database.dispose()
    config = tmp_path / "config.toml"
    key = "k" * 40
    config.write_text(
        f'[site]\noperator_email = "op@example.org"\nsecret_keys = ["{key}"]\n'
        f'[database]\nurl = "{sqlite_url}"\n'
    )
    config.chmod(0o600)
    monkeypatch.setenv("DIGEST_CONFIG", str(config))

    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capfd.readouterr())

    return run


def states(url: str) -> dict[int, str]:
    database = Database(url)
    with database.read() as connection:
        found = {row.id: row.state for row in connection.execute(sa.select(_delivery))}
    database.dispose()
    return found


def test_a_delivery_tells_its_story(post: Digest) -> None:
    said = post("outbox", "show", "1")
    assert said.code == 0
    assert "user_unknown" in said.out
    assert [one["what"] for one in post("outbox", "show", "1", "--json").json] == [
        "queued",
        "user_unknown",
    ]
    assert post("outbox", "show", "99").code == 2


def test_retry_and_cancel_take_what_can_be_taken(post: Digest, sqlite_url: str) -> None:
    assert post("outbox", "retry", "1", "2", "3", "4", "5", "--json").json == {"changed": 3}
    assert states(sqlite_url) == dict.fromkeys(range(1, 5), "queued") | {5: "delivered"}
    whats = [one["what"] for one in post("outbox", "show", "3", "--json").json]
    assert whats == ["queued", "refused"], "what was said before is kept"
    assert post("outbox", "cancel", "--state", "queued", "--json").json == {"changed": 4}
    assert set(states(sqlite_url).values()) == {"cancelled", "delivered"}
    assert post("outbox", "retry", "1", "--json").json == {"changed": 0}, "its papers are free"


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_an_order_needs_to_say_which(post: Digest, verb: str) -> None:
    assert post("outbox", verb).code == 2
    assert post("outbox", verb, "--state", "lost").code == 2


def test_what_came_back_is_listed(post: Digest) -> None:
    (one,) = post("bounces", "list", "--json").json
    assert (one["subscriber"], one["kind"], one["status"]) == (READER, "user_unknown", "5.1.1")
    assert post("bounces", "list", "--kind", "complaint", "--json").json == []
    assert post("bounces", "list", "--email", "reader2@example.org", "--json").json == []
    assert READER in post("bounces", "list").out


def test_a_readers_log_is_newest_first(post: Digest) -> None:
    whats = [one["what"] for one in post("subscribers", "log", READER, "--json").json]
    assert whats == ["user_unknown", "queued"]
    assert "5.1.1" in post("subscribers", "log", READER).out


def test_the_log_is_cut_and_kept_apart(database: Database) -> None:
    fill(database, 3)
    assert len(recipient_log(database, READER, limit=10)) == 1
    assert recipient_log(database, "nobody@example.org", limit=10) == []


def test_bounces_are_read_and_judged(post: Digest) -> None:
    heard = post("bounces", "read", "--json").json
    assert (heard["read"], heard["verdicts"]) == (0, {"keep": 1})
    assert "0 mails read" in post("bounces", "read").out


def test_a_paused_account_is_shown_and_resumed(post: Digest, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    store = RouteStore(database)
    for hours in range(4):
        at = START + timedelta(hours=hours)
        store.change("mx:25", lambda health, at=at: after_fault(health, "no route", at))  # type: ignore[misc]  # the default binds
    database.dispose()
    assert "mx:25 is paused" in post("outbox", "list").out
    assert post("outbox", "routes", "--json").json[0]["failures"] == 4
    assert post("outbox", "resume", "mx:25", "--json").json == {"account": "mx:25", "resumed": True}
    assert "paused" not in post("outbox", "list").out
    assert "not paused" in post("outbox", "resume", "mx:25").out
    assert post("outbox", "resume", "elsewhere").code == 2


def test_the_outbox_forgets_by_retention(post: Digest) -> None:
    gone = post("outbox", "purge", "--json").json
    assert (gone["bounces"], gone["budgets"]) == (0, 0)
    assert gone["deliveries"] == (3 if system_clock() - START > timedelta(days=90) else 0)


def suppressed(url: str) -> list[Any]:
    database = Database(url)
    with database.read() as connection:
        rows = connection.execute(sa.select(table(SuppressionRow))).all()
    database.dispose()
    return list(rows)


def test_suppressions_go_out_and_come_in_again(
    post: Digest, sqlite_url: str, tmp_path: Path
) -> None:
    listed = tmp_path / "in.csv"
    listed.write_text(
        "address_or_hash,reason,at,expires_at\n"
        f"{READER},asked\n"
        f"{'ab' * 32},other,2026-01-02,2030-01-01\n"
        "no address,\n"
        "bo@example.org,asked,yesterday\n"
        "\n"
    )
    said = post("suppressions", "import", listed, "--json")
    assert said.code == 3
    assert (said.json["stored"], said.json["suspended"]) == (2, 1)
    assert [line for line, _fault in said.json["faults"]] == [4, 5]
    assert post("subscribers", "show", READER, "--json").json["state"] == "suspended"
    out = tmp_path / "out.csv"
    assert post("suppressions", "export", out).code == 0
    assert READER not in out.read_text()
    again = post("suppressions", "import", out, "--json")
    assert (again.code, again.json["stored"], again.json["known"]) == (0, 0, 2)
    assert post("suppressions", "export").out == out.read_text()


def test_a_suppression_for_ever_is_not_shortened(post: Digest, sqlite_url: str) -> None:
    assert post("suppressions", "add", "ada@example.org", "--json").json["changed"]
    again = post("suppressions", "add", "ada@example.org", "--until", "2030-01-01", "--json")
    assert not again.json["changed"]
    (row,) = suppressed(sqlite_url)
    assert row.expires_at is None


def test_suppressions_expire(post: Digest, sqlite_url: str) -> None:
    post("suppressions", "add", "ada@example.org", "--until", "2020-01-01")
    post("suppressions", "add", "bo@example.org")
    assert len(post("suppressions", "list", "--json").json) == 2
    assert post("suppressions", "purge", "--json").json == {"suppressions": 1}
    assert len(suppressed(sqlite_url)) == 1
    post("suppressions", "add", "cy@example.org", "--until", "2020-01-01")
    assert post("purge", "--dry-run", "--json").json["suppressions"] == 1
    assert post("purge", "--json").json["suppressions"] == 1
    assert post("suppressions", "lift", "bo@example.org", "--json").json["changed"]
    assert suppressed(sqlite_url) == []
