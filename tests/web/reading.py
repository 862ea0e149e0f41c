"""What the tests of the readers' own pages share: links, a form's fields, dumps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.model import ErrandId, Subscriber, SubscriberId
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.rooms import Rooms

WISH = {"name": "Owls", "statement": "how owls see at dusk"}
RHYTHM = {
    "cadence": "weekly",
    "time": "06:30",
    "weekday": "friday",
    "monthday": "1",
    "timezone": "Europe/Lisbon",
}


@dataclass(frozen=True)
class Links:
    """The links in one reader's mails."""

    preferences: str
    unsubscribe: str
    feedback: str

    @classmethod
    def of(cls, rooms: Rooms, subscriber: int = 1, digest: int = 1) -> Links:
        sign = rooms.tokens.sign
        return cls(
            f"/p/{sign(Purpose.PREFERENCES, subscriber)}",
            f"/u/{sign(Purpose.UNSUBSCRIBE, subscriber)}",
            f"/f/{sign(Purpose.FEEDBACK, subscriber, digest)}",
        )

    def everything(self) -> list[str]:
        p, f = self.preferences, self.feedback
        own: tuple[str, ...] = ("", "/interest", "/interest/1", "/pause", "/feedback", "/channels")
        own += ("/tokens", "/address", "/export")
        judge = (f"{f}/{paper}/{word}" for paper in (1, 2) for word in ("up", "down", "mute"))
        return [*(f"{p}{rest}" for rest in (*own, "/delete")), self.unsubscribe, *judge]


def confirm_link(rooms: Rooms, errand: int = 1) -> str:
    return f"/c/{rooms.tokens.sign(Purpose.CONFIRM, ErrandId(errand), at=rooms.clock())}"


def change_link(rooms: Rooms, subscriber: int, errand: int) -> str:
    token = rooms.tokens.sign(Purpose.CHANGE, subscriber, errand, at=rooms.clock())
    return f"/a/{token}"


def reader(rooms: Rooms, number: int = 1) -> Subscriber:
    [found] = rooms.subscribers.profiles([SubscriberId(number)])
    return found


def rows(database: Database, name: str) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(SQLModel.metadata.tables[name])).all())


def dump(database: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    return {name: sorted(map(repr, rows(database, name))) for name in SQLModel.metadata.tables}


class Fields(HTMLParser):
    """Every field of a page with what it holds, and what describes it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.described: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self._open: list[str] = []
        self._area = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        name = given.get("name", "")
        if tag == "input" and given.get("type") != "hidden":
            self.texts.setdefault(name, given.get("value", ""))
        if tag == "textarea":
            self._area = name
            self.texts[name] = ""
        if "aria-describedby" in given:
            self.described[name] = given["aria-describedby"]
        if tag not in ("input", "meta", "link", "br"):
            self._open.append(given.get("id", ""))

    def handle_endtag(self, tag: str) -> None:
        self._area = "" if tag == "textarea" else self._area
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._area:
            self.texts[self._area] += data.removeprefix("\n")
        for one in filter(None, self._open):
            self.ids[one] = self.ids.get(one, "") + data

    def fault(self, name: str) -> str:
        """What is said to be wrong with a field, as assistive technology finds it."""
        wanted = [one for one in self.described.get(name, "").split() if one.endswith("-fault")]
        return " ".join(self.ids.get(one, "").strip() for one in wanted)


def hrefs(html: str) -> Iterable[str]:
    return re.findall(r'href="(/[^"]*)"', html)
