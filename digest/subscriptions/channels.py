"""Subscribers' channels: adding, resting and forgetting them.

An address is checked by its kind (`check`, handed in) before anything is stored, and never shown
again. Guarantees kept here: 1 (stored before it is reported) and 6 (removing or disabling acts at
once: what waits for the channel is cancelled in the same transaction). Nothing is posted here.

A team is a subscriber whose address is its owner's: told of faults, and spared the mail while there
is a channel (`mail = false`). Without an active channel the mail comes after all: nobody's digest
is made for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.clock import Clock, system_clock
from digest.errors import InvalidChannel, UnknownChannel, UnknownSubscriber
from digest.model import (
    Channel,
    ChannelId,
    ChannelState,
    Subscriber,
    SubscriberChannel,
    SubscriberId,
)
from digest.phrases import phrase
from digest.store import channels as store
from digest.store import subscribers
from digest.store.database import Database
from digest.subscriptions.addresses import masked, normalise

MOST: Final = 10  #: channels a subscriber
_LABEL: Final = 60
BY_REQUEST: Final = "by request"  #: why a channel rests that its owner paused


@dataclass(frozen=True, slots=True)
class Checked:
    """An address as its kind keeps it, and the key its posts are signed with, if they are."""

    address: str
    secret: str = ""


#: Kind and address to what is kept; raises InvalidChannel or UnknownChannel.
Check = Callable[[str, str], Checked]


def routes(subscriber: Subscriber, mail: Channel) -> list[tuple[Channel, str]]:
    """Every way a digest of this subscriber takes: the mail, and each active channel."""
    channels, by_mail = subscriber.channels, (mail, subscriber.email)
    return [by_mail, *channels] if subscriber.mail or not channels else [*channels]


class Channels:
    """Every way in which a subscriber's channels change."""

    def __init__(self, database: Database, *, check: Check, clock: Clock = system_clock) -> None:
        self._database = database
        self._check = check
        self._clock = clock

    def of(self, email: str) -> list[SubscriberChannel]:
        """A subscriber's channels; raises UnknownSubscriber."""
        with self._database.read() as connection:
            return store.of_subscriber(connection, _owner(connection, normalise(email)).id)

    def everybodys(self) -> list[tuple[str, SubscriberChannel]]:
        """Every channel, with its owner's address."""
        with self._database.read() as connection:
            found = store.everybodys(connection)
            owners = subscribers.read_profiles(
                connection, list({one.subscriber_id for one in found})
            )
        emails = {owner.id: owner.email for owner in owners}
        return [(emails[one.subscriber_id], one) for one in found]

    def one(self, email: str, name: str) -> SubscriberChannel:
        """The channel of this label or number; raises UnknownChannel."""
        return _named(self.of(email), name)

    def add(self, email: str, kind: str, address: str, *, label: str = "") -> SubscriberChannel:
        """A new channel, active at once; its label is its kind unless said otherwise."""
        checked = self._check(kind, address)
        with self._database.write() as connection:
            owner = _locked(connection, normalise(email))
            others = store.of_subscriber(connection, owner.id)
            _refuse_another(others, checked.address)
            fresh = SubscriberChannel(
                id=ChannelId(0),
                subscriber_id=owner.id,
                kind=kind,
                label=_fresh_label(label, kind, others),
                address=checked.address,
                created_at=self._clock(),
                secret=checked.secret,
            )
            number = store.insert(connection, fresh)
            return _named(store.of_subscriber(connection, owner.id), str(number))

    def remove(self, email: str, name: str) -> SubscriberChannel:
        """Forget a channel and cancel what waits for it."""

        def removed(connection: sa.Connection, channel: SubscriberChannel, now: datetime) -> None:
            store.delete(connection, channel.id, now=now)

        return self._change(email, name, removed)

    def disable(self, email: str, name: str, *, reason: str = BY_REQUEST) -> SubscriberChannel:
        """Post nothing more until it is enabled again."""

        def rested(connection: sa.Connection, channel: SubscriberChannel, now: datetime) -> None:
            store.disable(connection, channel.id, now=now, reason=reason, told=True)

        return self._change(email, name, rested)

    def enable(self, email: str, name: str) -> SubscriberChannel:
        """Post again from the next digest on."""

        def woken(connection: sa.Connection, channel: SubscriberChannel, now: datetime) -> None:
            store.enable(connection, channel.id)

        return self._change(email, name, woken)

    def _change(
        self,
        email: str,
        name: str,
        change: Callable[[sa.Connection, SubscriberChannel, datetime], None],
    ) -> SubscriberChannel:
        """The channel as it was before."""
        with self._database.write() as connection:
            owner = _locked(connection, normalise(email))
            channel = _named(store.of_subscriber(connection, owner.id), name)
            change(connection, channel, self._clock())
            return channel


def adopt(
    connection: sa.Connection,
    owner: SubscriberId,
    given: Sequence[SubscriberChannel],
) -> int:
    """Give a subscriber those channels of another installation that are not there yet.

    What is there stays as it is. Returns how many were new; raises InvalidChannel for too many.
    """
    others = store.of_subscriber(connection, owner)
    known = {one.address for one in others}
    fresh = [one for one in given if one.address not in known]
    for one in fresh:
        _refuse_another(others, one.address)
        is_free = one.label.casefold() not in {other.label.casefold() for other in others}
        label = _fresh_label(one.label if is_free else "", one.kind, others)
        number = store.insert(connection, replace(one, subscriber_id=owner, label=label))
        if one.state is ChannelState.DISABLED:
            at, why = one.created_at, one.reason or BY_REQUEST
            store.disable(connection, number, now=at, reason=why, told=True)
        others = store.of_subscriber(connection, owner)
    return len(fresh)


def _owner(connection: sa.Connection, address: str) -> Subscriber:
    return _known(subscribers.find(connection, address), address)


def _locked(connection: sa.Connection, address: str) -> Subscriber:
    return _known(subscribers.lock(connection, address), address)


def _known(found: Subscriber | None, address: str) -> Subscriber:
    if found is None:
        raise UnknownSubscriber(
            f"Nobody is subscribed as {masked(address)}.",
            mend="`digest subscribers list` shows who is.",
        )
    return found


def _named(channels: list[SubscriberChannel], name: str) -> SubscriberChannel:
    wanted = name.strip().casefold()
    for one in channels:
        if wanted in (one.label.casefold(), str(one.id)):
            return one
    labels = ", ".join(one.label for one in channels) or "none"
    raise UnknownChannel(f"There is no channel {name!r}.", mend=f"There are: {labels}.")


def _refuse_another(others: list[SubscriberChannel], address: str) -> None:
    if any(one.address == address for one in others):
        raise InvalidChannel(
            "This address is among the subscriber's channels already.",
            mend="`digest channels list` shows them; `enable` wakes one that is disabled.",
            told=phrase("This address is among your channels already."),
        )
    if len(others) >= MOST:
        raise InvalidChannel(
            phrase("There are {most} channels already.", most=MOST),
            mend=phrase("Remove one first."),
        )


def _fresh_label(label: str, kind: str, others: list[SubscriberChannel]) -> str:
    """The label, or the kind with a number behind it where that is taken."""
    wanted = " ".join(label.split())
    taken = {one.label.casefold() for one in others} | {str(one.id) for one in others}
    if not wanted:
        numbered = (f"{kind} {number}" for number in range(2, MOST + 2))
        return kind if kind not in taken else next(it for it in numbered if it not in taken)
    if wanted.casefold() in taken or len(wanted) > _LABEL or wanted.isdecimal():
        raise InvalidChannel(
            f"label: {wanted[:_LABEL]!r} is taken, too long or a number.",
            mend=phrase("Give another."),
            told=phrase("This name is taken, too long or a number."),
        )
    return wanted
