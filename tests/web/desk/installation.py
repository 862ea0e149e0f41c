"""An installation that has lived for a week: sources, readers, digests, refusals, bounces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from argon2 import Parameters, Type
from sqlmodel import SQLModel

from digest.config import Settings
from digest.delivery.pausing import after_fault
from digest.model import Bounce, BounceKind, DeliveryId
from digest.operators import Accounts, Passwords
from digest.rendering.environment import Templates
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.routes import RouteStore
from digest.web.opening import rooms_of
from digest.web.rooms import Rooms
from digest.wiring import App
from tests.fakes import START, FrozenClock
from tests.web.seeds import HOSTILE, KEYS

NAME: Final = "ada"
PASSWORD: Final = "copper lantern under rain"
QUICK: Final = Passwords(Parameters(Type.ID, 19, 16, 32, 1, 64, 1))
READERS: Final = ("ada@example.org", "bo@lab.example", "cy@example.org", "di@example.net")
TEMPLATES: Final = Templates()  #: compiled once for all tests
DAYS: Final = 4
LAST: Final = START + timedelta(days=DAYS)  #: when the week is over
ENTRY: Final = """<item><title>{title}</title><link>https://lamps.example.org/{number}</link>
<guid>https://lamps.example.org/{number}</guid><description>How far a lantern shines.</description>
</item>"""
FEED: Final = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>
<title>Lamp Letters</title><link>https://lamps.example.org/</link>{}</channel></rss>"""


def make_settings(folder: Path, url: str, **fields: Any) -> Settings:
    usual: dict[str, Any] = {
        "site": {
            "name": "Lab Reading Group",
            "base_url": "https://papers.example.org",
            "operator_email": "ops@example.org",
            "secret_keys": list(KEYS),
            "languages": ["en", "de"],
        },
        "database": {"url": url},
        "sources": [
            {"kind": "feed", "name": "Lamps", "path": str(folder / "feed.xml")},
            {"kind": "feed", "name": "Fogs & <b>mists</b>", "path": str(folder / "gone.xml")},
            {"kind": "feed", "name": "Resting", "path": "x.xml", "enabled": False},
        ],
        "matching": {"embedder": "lexical"},
        "delivery": {"spool": str(folder / "spool"), "mailbox": {"path": str(folder / "mail")}},
    }
    return Settings(**usual | fields)


def publish(folder: Path, first: int, count: int) -> None:
    titles = [f"Lanterns in fog, part {n}" for n in range(first, first + count)]
    if first == 0:
        titles[0] = "Lanterns &lt;script&gt;window.hurt=1&lt;/script&gt; at sea"
    entries = (ENTRY.format(title=title, number=first + n) for n, title in enumerate(titles))
    (folder / "feed.xml").write_text(FEED.format("".join(entries)), "utf-8")


def live(database: Database, folder: Path) -> None:
    """The week: readers come, papers come, digests go out, and some of it goes wrong."""
    clock = FrozenClock()
    app = App(make_settings(folder, "sqlite://"), database, clock=clock)
    for number, email in enumerate(READERS):
        name = f"Cy {HOSTILE}" if email.startswith("cy") else email.partition("@")[0].title()
        wants = {"name": "Lanterns", "query": "lantern", "statement": "how far lamps shine"}
        record = {"email": email, "name": name, "cadence": "daily", "hour": 7}
        if number < 3:
            record |= {"interests": [wants]}
        app.subscriptions.add(record)
    for day in range(DAYS):
        publish(folder, day * 4, 4)
        app.run(START + timedelta(days=day, hours=1, minutes=30))
    clock.set(LAST)
    go_wrong(database, clock)
    app.subscriptions.pause("bo@lab.example")
    joining(app, clock)


def joining(app: App, clock: FrozenClock) -> None:
    """Somebody at the door."""
    rooms = rooms_of(app)
    rooms.joining.ask({"email": "new@example.org"}, language="en")
    rooms.changing.send_link("di@example.net", language="en")


def go_wrong(database: Database, clock: FrozenClock) -> None:
    """Deliveries 1 to 6 fail in every way, with words that try to hurt."""
    change(database, 1, state="refused", code=550, reply=f"5.1.1 nobody {HOSTILE}")
    change(database, 2, state="uncertain", reply="lost after end-of-data")
    waiting = {"settled_at": None, "next_attempt_at": clock() + timedelta(minutes=10)}
    change(database, 3, state="deferred", code=451, reply="4.7.1 greylisted", **waiting)
    change(database, 4, state="queued", **waiting)
    change(database, 5, state="cancelled", reply="unsubscribed")
    change(database, 6, state="expired", reply="superseded by the next digest")
    attempt = SQLModel.metadata.tables["attempt"]
    with database.write() as connection:
        tried = {"result": "deferred", "code": 451, "reply": f"4.7.1 later {HOSTILE}"}
        connection.execute(
            sa.insert(attempt), [{"delivery_id": 3, "at": clock(), **tried} for _ in range(2)]
        )
    store = BounceStore(database)
    store.add(
        [
            event(1, BounceKind.USER_UNKNOWN, clock() - timedelta(days=2)),
            event(2, BounceKind.MAILBOX_FULL, clock() - timedelta(days=1)),
            event(3, BounceKind.UNDETERMINED, clock()),
        ]
    )
    for minutes in (0, 6, 12):
        at = clock() - timedelta(hours=1) + timedelta(minutes=minutes)
        said = f"535 login refused {HOSTILE}"
        RouteStore(database).change("smtp.example.org", partial(after_fault, fault=said, now=at))


def event(delivery: int, kind: BounceKind, at: datetime) -> Bounce:
    return Bounce(
        key=f"test:{delivery}:{kind}",
        delivery_id=DeliveryId(delivery),
        at=at,
        kind=kind,
        origin="mailbox",
        status="5.1.1",
        detail=f"told so {HOSTILE}",
    )


def change(database: Database, number: int, **fields: Any) -> None:
    delivery = SQLModel.metadata.tables["delivery"]
    with database.write() as connection:
        changed = sa.update(delivery).where(delivery.c.id == number).values(**fields)
        assert connection.execute(changed).rowcount == 1


@contextmanager
def opened(folder: Path, url: str, clock: FrozenClock, **fields: Any) -> Iterator[Rooms]:
    """The pages' rooms, wired as in earnest; only that hashing is quick."""
    database = Database(url)
    app = App(make_settings(folder, url, **fields), database, clock=clock)
    yield with_quick_passwords(rooms_of(app), app, clock)
    database.dispose()


def with_quick_passwords(rooms: Rooms, app: App, clock: FrozenClock) -> Rooms:
    assert rooms.desk is not None
    accounts = Accounts(
        app.database,
        configured=app.settings.web.operator_hashes(),
        keys=app.settings.signing_keys(),
        clock=clock,
        passwords=QUICK,
    )
    desk = dataclasses.replace(rooms.desk, accounts=accounts)
    return dataclasses.replace(rooms, desk=desk, templates=TEMPLATES)
