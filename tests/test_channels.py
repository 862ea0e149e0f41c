"""Digests posted to channels: the whole way, from a subscriber's wish to the other side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.chat import foreign
from digest.config import Settings
from digest.delivery.journal import Journal, uptime
from digest.errors import ConfigError, InvalidChannel, UnknownChannel, UnknownSubscriber
from digest.model import (
    Channel,
    ChannelState,
    DeliveryState,
    Outcome,
    Result,
    SubscriberChannel,
)
from digest.notices import tell_channel_owners
from digest.outbox import Tally
from digest.rendering.chat.post import Post
from digest.store.database import Database
from digest.subscriptions.channels import MOST
from digest.tokens import Purpose
from digest.wiring import App
from tests.delivery.board import SILENCE, Board
from tests.delivery.test_signatures import receive
from tests.fakes import FrozenClock

ADA = "ada@example.org"
KEY = "a-key-that-is-long-enough-to-sign-with"
ENTRY = """<item><title>Lanterns in fog, part {0}: {1}</title>
<link>https://lamps.example.org/{0}</link><guid>https://lamps.example.org/{0}</guid>
<description>How far a lantern shines.</description></item>"""
FEED = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>
<title>Lamp Letters</title><link>https://lamps.example.org/</link>{}</channel></rss>"""


@dataclass
class House:
    """One installation, its clock, and the other side."""

    app: App
    board: Board
    clock: FrozenClock
    folder: Path
    papers: int = field(default=0)

    def subscribe(self, **record: Any) -> None:
        usual: dict[str, Any] = {
            "email": ADA,
            "cadence": "daily",
            "hour": 7,
            "limit": 100,
            "interests": [{"name": "Lanterns", "query": "lantern*"}],
        }
        self.app.subscriptions.add(usual | record)

    def add(self, kind: str = "slack", path: str = "", **rest: Any) -> SubscriberChannel:
        address = self.board.url(path) if path else self.board.url()
        return self.app.channels.register.add(ADA, kind, address, **rest)

    def publish(self, count: int) -> None:
        first, self.papers = self.papers, self.papers + count
        long = "what the keeper saw " * 10
        entries = (ENTRY.format(n, long) for n in range(first, self.papers))
        (self.folder / "feed.xml").write_text(FEED.format("".join(entries)), "utf-8")

    def day(self, papers: int = 2) -> Tally:
        """Tomorrow at seven, with so many new papers."""
        self.publish(papers)
        self.clock.set(self.clock.now.replace(hour=7, minute=1) + timedelta(days=1))
        return self.app.run().deliveries

    def drain(self, **wait: float) -> dict[str, int]:
        self.clock.tick(**wait)
        with self.app.outbox(self.clock) as outbox:
            return {state.value: n for state, n in outbox.drain().states.items() if n}

    def rows(self, table: str) -> list[dict[str, Any]]:
        wanted = SQLModel.metadata.tables[table]
        with self.app.database.read() as connection:
            ordered = sa.select(wanted).order_by(*wanted.primary_key.columns)
            return [dict(row) for row in connection.execute(ordered).mappings()]

    def states(self) -> list[tuple[str, str]]:
        return [(row["channel"], row["state"]) for row in self.rows("delivery")]

    def mails(self) -> list[Any]:
        found = sorted((self.folder / "mail").rglob("*.eml"), key=lambda it: it.stat().st_mtime_ns)
        return [message_from_bytes(path.read_bytes(), policy=default) for path in found]


def settings(folder: Path, **sections: Any) -> Settings:
    given: dict[str, Any] = {
        "site": {
            "base_url": "https://digest.example.org",
            "operator_email": "keeper@example.org",
            "secret_keys": [KEY],
        },
        "sources": [{"kind": "feed", "name": "Lamps", "path": folder / "feed.xml"}],
        "matching": {"embedder": "lexical"},
        "delivery": {"mailbox": {"path": folder / "mail"}, "spool": folder / "spool"},
        "channels": {
            "slack_hosts": ["127.0.0.1"],
            "discord_hosts": ["127.0.0.1"],
            "apprise_schemes": ["json"],
            "timeout_seconds": 1,
        },
        "web": {"allow_private_addresses": True},
    }
    return Settings.model_validate(given | sections)


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def house_on(database: Database, board: Board, folder: Path, **sections: Any) -> House:
    clock = FrozenClock()
    app = App(settings(folder, **sections), database, clock=clock)
    made = House(app, board, clock, folder)
    made.publish(0)
    return made


@pytest.fixture
def house_on_each(database: Database, board: Board, tmp_path: Path) -> House:
    """On SQLite and on PostgreSQL."""
    return house_on(database, board, tmp_path)


@pytest.fixture
def house(sqlite_database: Database, board: Board, tmp_path: Path) -> House:
    return house_on(sqlite_database, board, tmp_path)


def numbers(bodies: list[bytes]) -> list[int]:
    """Which papers were posted, in order."""
    return [int(n) for body in bodies for n in re.findall(rb"fog, part (\d+)", body)]


# --- the daily way ---


def test_a_digest_goes_by_mail_and_to_every_channel(house_on_each: House) -> None:
    house, board = house_on_each, house_on_each.board
    house.subscribe()
    house.add("slack")
    house.add("discord", "/api/webhooks/1/secret")
    house.add("mattermost", "/hooks/secret")
    house.add("webhook", "/lamps")
    tally = house.day(papers=3)
    assert tally.states[DeliveryState.DELIVERED] == 5
    assert len(house.mails()) == 1
    assert len(board.posts) == 4
    assert all(sorted(numbers([body])) == [0, 1, 2] for body in board.bodies)
    assert {post.path for post in board.posts} == {
        "/services/T0LANTERN/B0FOG/secretsecretsecret4f9Q",
        "/api/webhooks/1/secret?wait=true",
        "/hooks/secret",
        "/lamps",
    }
    stored = json.dumps(house.rows("delivery") + house.rows("digest"), default=str)
    assert "127.0.0.1" not in stored
    assert "secret" not in stored
    assert house.drain(days=1) == {}


def test_a_team_is_spared_the_mail(house: House) -> None:
    house.subscribe(name="Harbour team", mail=False)
    house.add()
    house.day()
    assert house.mails() == []
    (post,) = house.board.posts
    shown = post.body.decode()
    assert "Harbour team" in shown
    (token,) = re.findall(r"https://digest\.example\.org/t/([\w.-]+)", shown)
    assert house.app.tokens.read(Purpose.TEAM, token) == (1,)
    (token,) = re.findall(r"https://digest\.example\.org/s/([\w.-]+)", shown)
    assert house.app.tokens.read(Purpose.SHARED, token) == (1,)


def test_without_a_channel_the_mail_comes_after_all(house: House) -> None:
    house.subscribe(mail=False)
    house.day()
    assert len(house.mails()) == 1
    channel = house.add()
    house.day()
    assert (len(house.mails()), len(house.board.posts)) == (1, 1)
    house.app.channels.register.disable(ADA, channel.label)
    house.day()
    assert (len(house.mails()), len(house.board.posts)) == (2, 1)


def test_who_leaves_is_posted_nothing_more(house: House) -> None:
    house.subscribe(mail=False)
    house.add()
    house.board.on(503)
    house.day()
    house.app.subscriptions.unsubscribe(ADA)
    assert house.drain(hours=1) == {}
    assert house.states() == [("slack", "cancelled")]
    assert len(house.board.posts) == 1


# --- in parts ---


def test_parts_come_in_order_and_once(house_on_each: House) -> None:
    house = house_on_each
    house.subscribe(mail=False)
    house.add()
    assert house.day(papers=25).states == {DeliveryState.DELIVERED: 1}
    first, second = (post.json["blocks"][-1]["elements"][0]["text"] for post in house.board.posts)
    assert first == "(1/2)"
    assert second.endswith("(2/2)")
    assert sorted(numbers(house.board.bodies)) == list(range(25))
    (delivery,) = house.rows("delivery")
    assert (delivery["part"], delivery["attempts"]) == (1, 1)
    assert [row["result"] for row in house.rows("attempt")] == ["partly"]


FAULTS: list[tuple[str, Callable[[Board], None]]] = [
    ("its fault", lambda board: board.on(500)),
    ("slow down", lambda board: board.on(429, headers={"Retry-After": "30"})),
    ("no answer", lambda board: board.on_this(SILENCE)),
]


@pytest.mark.parametrize("fault", [it[1] for it in FAULTS], ids=[it[0] for it in FAULTS])
def test_a_failing_second_part_repeats_nothing_before_it(
    house: House, fault: Callable[[Board], None]
) -> None:
    house.subscribe(mail=False)
    house.add()
    house.board.on()
    fault(house.board)
    house.day(papers=25)
    assert house.states() == [("slack", "deferred")]
    assert house.drain(minutes=2) == {"delivered": 1}
    first, second, again = house.board.bodies
    assert second == again
    assert sorted(numbers([first, second])) == list(range(25))


def test_half_a_digest_is_not_replaced_by_the_next(house: House) -> None:
    house.subscribe(mail=False)
    house.add()
    house.board.on()
    house.board.on(500, times=2)
    house.day(papers=25)
    house.day(papers=1)
    assert house.states() == [("slack", "deferred"), ("slack", "delivered")]
    assert house.drain(hours=1) == {"delivered": 1}
    first, *again, new = (body for n, body in enumerate(house.board.bodies) if n in (0, 1, 2, 3, 4))
    assert house.board.bodies.count(first) == 1
    assert sorted(set(numbers([first, *again, new]))) == list(range(26))


def test_a_kill_between_answer_and_commit_goes_on_with_the_next_part(house: House) -> None:
    house.subscribe(mail=False)
    house.add()
    house.board.on(500)
    house.day(papers=25)
    house.clock.tick(minutes=2)
    with house.app.outbox(house.clock) as outbox:
        store = outbox._store
        batch = store.claim(
            Channel.SLACK,
            now=house.clock(),
            worker="killed",
            limit=9,
            lease=timedelta(minutes=15),
        )
    journal = Journal(house.folder / "spool", "killed")
    journal.admit(batch.deliveries)
    journal.hold_until(uptime() + 60)
    (delivery,) = batch.deliveries
    journal.handing(delivery.id)
    journal.answered(Outcome(delivery.id, Result.PARTLY, 200, "ok"))
    journal.close(keep=True)  # as a kill leaves it
    assert house.drain() == {"delivered": 1}
    first, last = house.board.bodies  # the first of them got the 500
    assert sorted(numbers([first, last])) == list(range(25))


def test_an_old_claim_moves_no_part(house: House) -> None:
    house.subscribe(mail=False)
    house.add()
    house.board.on(500)
    house.day(papers=25)
    house.clock.tick(minutes=2)
    with house.app.outbox(house.clock) as outbox:
        store = outbox._store
        claim: dict[str, Any] = {"now": house.clock(), "limit": 9, "lease": timedelta(minutes=15)}
        (old,) = store.claim(Channel.SLACK, worker="old", **claim).deliveries
        store.release("old")
        store.claim(Channel.SLACK, worker="new", **claim)
        outcome = Outcome(old.id, Result.PARTLY, 200)
        assert store.settle([outbox._decide(old, outcome)], now=house.clock()) == 0
        assert house.rows("delivery")[0]["part"] == 0
        store.release("new")


# --- channels that are gone ---


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_channel_that_is_gone_is_disabled_and_its_owner_told(house: House, status: int) -> None:
    house.subscribe(mail=False)
    channel = house.add(label="Lantern room")
    house.board.on(status, f"no_service at {house.board.url()}".encode())
    tally = house.day()
    assert tally.states[DeliveryState.REFUSED] == 1
    (found,) = house.app.channels.register.of(ADA)
    assert found.state is ChannelState.DISABLED
    assert found.reason.startswith(f"{status} no_service")
    assert tell_channel_owners(house.app) == 1
    (mail,) = house.mails()
    assert mail["To"] == ADA
    assert "Lantern room" in mail["Subject"]
    text = mail.get_content()
    assert "Lantern room (slack)" in text
    assert "come to this address by mail" in text
    (token,) = re.findall(r"https://digest\.example\.org/d/([\w.-]+)", text)
    assert house.app.tokens.read(Purpose.DIGEST, token) == (1,)
    assert channel.address not in text
    assert tell_channel_owners(house.app) == 0
    house.day()
    assert len(house.mails()) == 2
    assert len(house.board.posts) == 1
    house.app.channels.register.enable(ADA, "lantern ROOM")
    house.day()
    assert (len(house.mails()), len(house.board.posts)) == (2, 2)


def test_the_operator_is_told_where_the_owner_may_not_be_written_to(house: House) -> None:
    house.subscribe()
    house.add()
    house.board.on(404)
    house.day()
    house.app.subscriptions.suppress(ADA, reason="complained")
    assert tell_channel_owners(house.app) == 1
    assert house.mails()[-1]["To"] == "keeper@example.org"


@pytest.mark.parametrize("status", [400, 413, 422, 302])
def test_what_is_our_fault_neither_loops_nor_disables(house: House, status: int) -> None:
    house.subscribe(mail=False)
    house.add()
    house.board.on(status)
    house.day()
    assert house.states() == [("slack", "refused")]
    assert house.drain(days=1) == {}
    assert len(house.board.posts) == 1
    assert house.app.channels.register.of(ADA)[0].state is ChannelState.ACTIVE


def test_what_waits_for_a_gone_channel_goes_with_it(house: House) -> None:
    house.subscribe()
    channel = house.add()
    house.board.on(503, times=3)
    house.day()
    house.day()
    assert [state for _, state in house.states()].count("deferred") == 2
    house.app.channels.register.remove(ADA, str(channel.id))
    assert house.drain(hours=2) == {}
    assert [state for kind, state in house.states() if kind == "slack"] == ["cancelled"] * 2
    assert house.app.channels.register.of(ADA) == []


def test_a_refusal_by_a_channel_is_no_bounce(house_on_each: House) -> None:
    house = house_on_each
    house.subscribe()
    house.add()
    house.board.on(404)
    house.day()
    assert house.rows("bounce") == []
    assert house.app.channels.register.of(ADA)[0].state is ChannelState.DISABLED
    assert tell_channel_owners(house.app) == 1


def test_who_rests_a_channel_need_not_be_told(house: House) -> None:
    house.subscribe()
    channel = house.add()
    house.app.channels.register.disable(ADA, channel.label)
    assert tell_channel_owners(house.app) == 0


def test_a_channel_on_a_private_network_is_disabled_without_a_post(
    sqlite_database: Database, board: Board, tmp_path: Path
) -> None:
    house = house_on(sqlite_database, board, tmp_path)
    house.subscribe()
    house.add("webhook")
    strict = house_on(sqlite_database, board, tmp_path, web={"allow_private_addresses": False})
    strict.clock.set(house.clock.now)
    strict.day()
    assert board.connections == 0
    (found,) = strict.app.channels.register.of(ADA)
    assert found.state is ChannelState.DISABLED
    assert "private" in found.reason


# --- webhook and apprise ---


def test_a_webhook_s_receiver_can_trust_it(house: House) -> None:
    house.subscribe(mail=False)
    channel = house.add("webhook")
    house.board.on(503)
    house.day()
    house.drain(minutes=2)
    first, second = house.board.posts
    for post, now in ((first, house.clock.now - timedelta(minutes=2)), (second, house.clock.now)):
        assert receive(channel.secret, dict(post.headers), post.body, now=now)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.json["id"] == first.headers["webhook-id"]


def test_apprise_says_only_yes_or_no(house: House) -> None:
    house.subscribe(mail=False)
    address = house.board.url("/lamps").replace("http://", "json://")
    house.app.channels.register.add(ADA, "apprise", address)
    house.board.on(500)
    house.day(papers=1)
    assert house.states() == [("apprise", "deferred")]
    house.drain(minutes=2)
    assert house.states() == [("apprise", "delivered")]
    assert "Lanterns in fog, part 0" in house.board.posts[1].json["message"]


# --- a channel of one's own ---


class Lighthouse:
    """A third party's channel, whole: one class, and one entry point that names it.

    [project.entry-points."paper_digest.channels"]
    lighthouse = "their_package:Lighthouse"
    """

    hosts = ("127.0.0.1",)
    interval = 0.0
    content_type = "text/plain; charset=utf-8"

    def draw(self, post: Post) -> list[bytes]:
        """One flash a paper."""
        cards = [card for section in post.view.sections for card in section.cards]
        return [f"{post.view.frame.headline}: {card.url}".encode() for card in cards] or [b"dark"]


def install(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the package known as pip would."""
    info = folder / "site" / "lighthouse-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lighthouse\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[paper_digest.channels]\nlighthouse = tests.test_channels:Lighthouse\n"
    )
    patch.syspath_prepend(str(info.parent))


def test_a_third_party_s_channel_is_a_channel_like_ours(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, house.folder)
    house.subscribe(mail=False)
    house.add("lighthouse", "/lamp")
    house.board.on()
    house.board.on(500)
    house.day(papers=3)
    assert house.states() == [("plugin", "deferred")]
    assert house.drain(minutes=2) == {"delivered": 1}
    first, second, again, third = house.board.bodies
    assert second == again
    assert {body[-1:] for body in (first, second, third)} == {b"0", b"1", b"2"}
    types = {post.headers["content-type"] for post in house.board.posts}
    assert types == {"text/plain; charset=utf-8"}


def test_a_channel_whose_package_was_removed_stops_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.subscribe()
    with monkeypatch.context() as patch:
        install(patch, house.folder)
        house.add("lighthouse", "/lamp")
    again = house_on(house.app.database, house.board, house.folder)
    tally = again.day()
    assert tally.states == {DeliveryState.DELIVERED: 1, DeliveryState.REFUSED: 1}
    assert "lighthouse" in again.rows("delivery")[1]["reply"]


def test_what_cannot_draw_is_no_channel() -> None:
    with pytest.raises(ConfigError, match="cannot draw"):
        foreign("lamp", object)


# --- coming, trying, going ---


def test_a_channel_can_be_tried(house: House) -> None:
    house.subscribe()
    channel = house.add()
    outcome = house.app.channels.test(ADA, "slack")
    assert outcome.result is Result.ACCEPTED
    assert "can post here" in house.board.posts[0].body.decode()
    house.board.on(404, b"no_service")
    assert house.app.channels.test(ADA, str(channel.id)).code == 404
    assert house.app.channels.register.of(ADA)[0].state is ChannelState.ACTIVE
    assert house.rows("delivery") == []


REFUSED: list[tuple[str, str, str, str]] = [
    ("another host", "slack", "https://hooks.example.org/services/secretsecret", "must be at"),
    ("no address", "webhook", "lamps", "web address"),
    ("a scheme", "apprise", "syslog://", "scheme"),
    ("a broken one", "apprise", "json://", "json://"),
]


@pytest.mark.parametrize(
    ("kind", "address", "fault"), [it[1:] for it in REFUSED], ids=[it[0] for it in REFUSED]
)
def test_what_may_not_be_added(house: House, kind: str, address: str, fault: str) -> None:
    house.subscribe()
    with pytest.raises(InvalidChannel, match=fault) as found:
        house.app.channels.register.add(ADA, kind, address)
    assert "secretsecret" not in str(found.value)
    assert house.app.channels.register.of(ADA) == []


def test_labels_and_numbers_name_channels(house: House) -> None:
    house.subscribe()
    register = house.app.channels.register
    first, second = house.add("webhook", "/1"), house.add("webhook", "/2")
    assert (first.label, second.label) == ("webhook", "webhook 2")
    assert register.one(ADA, "WEBHOOK 2").id == second.id
    assert register.one(ADA, str(first.id)).label == "webhook"
    assert [email for email, _ in register.everybodys()] == [ADA, ADA]
    with pytest.raises(UnknownChannel, match="webhook 2"):
        register.one(ADA, "webhook 3")
    with pytest.raises(UnknownChannel, match="slack"):
        register.add(ADA, "semaphore", "https://example.org/")
    with pytest.raises(UnknownSubscriber):
        register.add("bo@example.org", "webhook", house.board.url())
    with pytest.raises(InvalidChannel, match="already"):
        house.add("webhook", "/1")
    with pytest.raises(InvalidChannel, match="label"):
        house.add("webhook", "/3", label="Webhook")
    for number in range(3, MOST + 1):
        house.add("webhook", f"/{number}")
    with pytest.raises(InvalidChannel, match="Remove one"):
        house.add("webhook", "/one-too-many")


def test_a_number_never_names_another_channel(house: House) -> None:
    house.subscribe()
    first = house.add()
    house.app.channels.register.remove(ADA, "slack")
    assert house.add().id > first.id
