"""Joining: from somebody's wish to a subscriber, by way of a mail that the address answers.

    ask   a checked record is stored with the mail that asks "was it you?"      (one row, always)
    look  what the link in that mail is about
    confirm   the address said yes: the subscriber is there, or has more than before

Guarantee 1: what was asked is committed before anybody is told that a mail comes, and so is the
subscriber before the page says welcome. Until then nothing about anybody changes, whoever typed the
address; and asking does the same work for every address, so it tells nobody who is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from digest.clock import Clock
from digest.errors import InvalidSubscriber, TokenError
from digest.model import (
    Errand,
    ErrandId,
    ErrandKind,
    Interest,
    InterestId,
    Subscriber,
    SubscriberState,
)
from digest.store import errands
from digest.store import subscribers as store
from digest.store.database import Database
from digest.subscriptions.examples import resolved
from digest.subscriptions.planning import planned
from digest.subscriptions.records import SubscriberRecord, check
from digest.subscriptions.register import Subscriptions
from digest.subscriptions.suppression import Suppressions
from digest.subscriptions.values import apply, write, write_interest

LASTS: Final = timedelta(days=7)  #: of a link to confirm
MOST: Final = 200  #: interests of one subscriber, as in `records`
#: What a digest is like, and nothing of whose it is.
_SHARED: Final = (
    *("timezone", "cadence", "hour", "minute", "weekday", "monthday"),
    *("limit", "trending", "style", "muted_authors", "muted_words"),
)
_SERVED: Final = (SubscriberState.ACTIVE, SubscriberState.PAUSED)


class Joining:
    """The way in, for everybody who comes by themselves."""

    def __init__(
        self, database: Database, subscriptions: Subscriptions, *, keys: Sequence[str], clock: Clock
    ) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._suppressions = Suppressions(keys)
        self._clock = clock

    def ask(self, record: Mapping[str, Any], *, language: str) -> None:
        """Ask the address of `record` whether it wants this; raises InvalidSubscriber."""
        checked = check(record)
        now = self._clock()
        details = checked.model_dump(mode="json", exclude_unset=True, exclude={"email"})
        with self._database.write() as connection:
            errands.put(
                connection,
                ErrandKind.JOIN,
                checked.email,
                at=now,
                expires_at=now + LASTS,
                language=language,
                details=details,
            )

    def ask_again(self, id: ErrandId) -> None:
        """Send the mail that asks an address once more; TokenError where it is over or done."""
        now = self._clock()
        with self._database.write() as connection:
            asked = _open(errands.read(connection, id), now)
            if asked.done_at is not None:
                raise TokenError("This address has confirmed already.", mend="Nothing is to do.")
            errands.put(
                connection,
                ErrandKind.JOIN,
                asked.address,
                at=now,
                expires_at=now + LASTS,
                language=asked.language,
                details=dict(asked.details),
            )

    def look(self, id: ErrandId) -> Errand:
        """What was asked for; raises TokenError where it is over or forgotten."""
        with self._database.read() as connection:
            return _open(errands.read(connection, id), self._clock())

    def confirm(self, id: ErrandId) -> Subscriber:
        """The address said yes. Saying it again changes nothing.

        Raises TokenError, and InvalidSubscriber where the address must not be written to.
        """
        now = self._clock()
        with self._database.write() as connection:
            errand = _open(errands.read(connection, id, lock=True), now)
            if errand.done_at is not None:
                return _done(connection, errand)
            self._suppressions.refuse(connection, errand.address, now)
            record = check({**errand.details, "email": errand.address})
            subscriber = self._welcome(connection, record, now)
            errands.finish(connection, id, now, subscriber.id)
            return subscriber

    def _welcome(
        self, connection: sa.Connection, record: SubscriberRecord, now: datetime
    ) -> Subscriber:
        before = store.lock(connection, record.email)
        blank = self._subscriptions.blank(record.email)
        wanted = joined(before or blank, record, now)
        wanted = resolved(connection, [planned(before, wanted, now)])[0]
        if before is None:
            store.insert(connection, [wanted])
        else:
            store.update(connection, before, wanted)
        found = store.find(connection, record.email)
        assert found is not None
        return found


def joined(before: Subscriber, record: SubscriberRecord, now: datetime) -> Subscriber:
    """Who somebody is once they said yes to `record`; pure.

    A reader who has a digest keeps its rhythm and gets the interests beside their own. Who left
    comes back as asked. Who was suspended stays so: the post or the operator had a reason.
    """
    asked = apply(record, before)
    interests = _beside(before.interests, apply(record, before._replace(interests=())).interests)
    if before.id and before.state in _SERVED:
        return before._replace(interests=interests)
    if before.id and before.state is SubscriberState.SUSPENDED:
        raise InvalidSubscriber(
            "Mail to this address was stopped.", mend="Write to the operator of this site."
        )
    return asked._replace(
        interests=interests,
        state=SubscriberState.ACTIVE,
        state_reason="",
        paused_until=None,
        confirmed_at=now,
    )


def taken_over(team: Subscriber, email: str) -> dict[str, Any]:
    """The record with which a member asks for the team's digest as their own; pure."""
    whole = write(team)
    shared = {key: whole[key] for key in _SHARED}
    interests = [write_interest(one) for one in team.interests if not one.paused]
    return shared | {"email": email, "interests": interests}


def _beside(own: Sequence[Interest], new: Iterable[Interest]) -> tuple[Interest, ...]:
    """All of both, each with a name of its own; what is asked for a second time is one."""
    interests = list(own)
    asked = {one._replace(id=InterestId(0), name="") for one in own}
    for one in new:
        if one._replace(id=InterestId(0), name="") not in asked and len(interests) < MOST:
            interests.append(one._replace(id=InterestId(0), name=free_name(one.name, interests)))
    return tuple(interests)


def free_name(name: str, interests: Iterable[Interest]) -> str:
    """`name`, or with the first number that nobody of `interests` has."""
    taken = {one.name.casefold() for one in interests}
    tried, number = name, 1
    while tried.casefold() in taken:
        number += 1
        tried = f"{name[:110]} {number}"
    return tried


def _open(errand: Errand | None, now: datetime) -> Errand:
    if errand is None or errand.kind is not ErrandKind.JOIN:
        raise TokenError("This link is not valid.", mend="Ask for a new one.")
    if errand.done_at is None and errand.expires_at <= now:
        raise TokenError("This link has expired.", mend="Ask for a new one.")
    return errand


def _done(connection: sa.Connection, errand: Errand) -> Subscriber:
    found = store.read_profiles(connection, [errand.subscriber_id] if errand.subscriber_id else [])
    if not found:
        raise TokenError("This link is not valid.", mend="Ask for a new one.")
    return found[0]
