"""Changing what a link proves: a link sent again, a new address, feeds revoked.

What needs no proof by mail is `register`'s. Guarantee 1: what was asked is committed before anybody
is told that a mail comes; a new address counts from the moment it confirmed itself, also for what
is queued, and the old one is told in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from digest.clock import Clock
from digest.errors import InvalidSubscriber, TokenError, UnknownSubscriber
from digest.model import DigestId, Errand, ErrandId, ErrandKind, Subscriber, SubscriberId
from digest.phrases import phrase
from digest.store import errands
from digest.store import subscribers as store
from digest.store.database import Database
from digest.store.issues import issues
from digest.store.person import Rows, stored_about
from digest.subscriptions.addresses import masked, normalise
from digest.subscriptions.suppression import Suppressions

LASTS: Final = timedelta(days=7)  #: of a link to confirm a new address
LINK_LASTS: Final = timedelta(days=2)  #: within which the mail with a link must get through


class Changing:
    """What readers do to their subscription by signed link."""

    def __init__(self, database: Database, *, keys: Sequence[str], clock: Clock) -> None:
        self._database = database
        self._suppressions = Suppressions(keys)
        self._clock = clock

    def send_link(self, address: str, *, language: str) -> None:
        """Mail the preferences' link to `address`, if anybody has it; InvalidSubscriber."""
        self._put(ErrandKind.LINK, normalise(address), language, LINK_LASTS)

    # --- a new address --------------------------------------------------------------------------

    def ask_address(self, subscriber: Subscriber, address: str) -> None:
        """Ask the new address whether it is theirs; raises InvalidSubscriber."""
        wanted = normalise(address)
        if wanted == subscriber.email:
            raise InvalidSubscriber(phrase("This is the address you have."))
        self._put(ErrandKind.CHANGE, wanted, subscriber.language, LASTS, subscriber.id)

    def look(self, subscriber: SubscriberId, id: ErrandId) -> Errand:
        """The change that was asked for; raises TokenError where it is over or forgotten."""
        with self._database.read() as connection:
            return _open(errands.read(connection, id), subscriber, self._clock())

    def confirm_address(self, subscriber: SubscriberId, id: ErrandId) -> Subscriber:
        """The new address said yes. Saying it again changes nothing.

        Raises TokenError, and InvalidSubscriber where the address cannot be taken.
        """
        now = self._clock()
        with self._database.write() as connection:
            errand = _open(errands.read(connection, id, lock=True), subscriber, now)
            before = _reader(connection, subscriber)
            if errand.done_at is None:
                self._move(connection, before, errand.address, now)
                errands.finish(connection, id, now, subscriber)
            return _reader(connection, subscriber)

    def _move(
        self, connection: sa.Connection, before: Subscriber, address: str, now: datetime
    ) -> None:
        self._suppressions.refuse(connection, address, now)
        if store.ids_of(connection, [address]):
            raise InvalidSubscriber(
                "This address has a digest of its own.", mend="Unsubscribe it first."
            )
        store.update(connection, before, before._replace(email=address))
        store.redirect(connection, before.id, old=before.email, new=address)
        errands.put(  # to whoever had the digest: they should not have to find out by silence
            connection,
            ErrandKind.MOVED,
            before.email,
            at=now,
            expires_at=now + LASTS,
            language=before.language,
            subscriber=before.id,
            details={"to": masked(address)},
        )

    def issues(
        self, subscriber: SubscriberId, *, before: date | None = None, limit: int | None = None
    ) -> list[DigestId]:
        """The digests they got, newest first: all, or up to `limit` of days `before` one."""
        with self._database.read() as connection:
            return issues(connection, subscriber, before=before, limit=limit)

    def stored(self, subscriber: Subscriber) -> dict[str, Rows]:
        """Every row about them, by table, but for secrets."""
        hashes = self._suppressions.hashes(subscriber.email)
        return stored_about(self._database, subscriber.email, hashes)

    # --- feeds ----------------------------------------------------------------------------------

    def renew_feeds(self, subscriber: SubscriberId) -> Subscriber:
        """New private feed addresses; the old ones open nothing any more."""
        with self._database.write() as connection:
            before = _reader(connection, subscriber)
            after = before._replace(feed_generation=before.feed_generation + 1)
            store.update(connection, before, after)
            return after

    def _put(
        self,
        kind: ErrandKind,
        address: str,
        language: str,
        lasts: timedelta,
        subscriber: SubscriberId | None = None,
    ) -> None:
        now = self._clock()
        with self._database.write() as connection:
            errands.put(
                connection,
                kind,
                address,
                at=now,
                expires_at=now + lasts,
                language=language,
                subscriber=subscriber,
            )


def _reader(connection: sa.Connection, id: SubscriberId) -> Subscriber:
    found = store.read_profiles(connection, [id])
    if not found:
        raise UnknownSubscriber("Nobody is subscribed by this link.")
    return found[0]


def _open(errand: Errand | None, subscriber: SubscriberId, now: datetime) -> Errand:
    if errand is None or errand.kind is not ErrandKind.CHANGE or errand.subscriber_id != subscriber:
        raise TokenError("This link is not valid.", mend="Ask for a new one.")
    if errand.done_at is None and errand.expires_at <= now:
        raise TokenError("This link has expired.", mend="Ask for a new one.")
    return errand
