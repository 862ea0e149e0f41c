"""Access to the API: tokens granted, opened and revoked.

    grant   a secret is made, shown once, and kept as its SHA-256
    open    a secret | its token, unless that is revoked or over
    used    remembered at most once an hour, apart from answering

A secret is 256 bits of chance behind `pd_`, so that scanners for leaked secrets know it and a plain
hash is enough to keep it by: there is nothing to guess. Guarantee 1: a token that is revoked opens
nothing any more from the moment that is reported. Secrets are never logged and never in an error.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from digest.clock import Clock, system_clock
from digest.errors import UnknownSubscriber, UsageError
from digest.model import ApiToken, ApiTokenId, Scope, Subscriber, SubscriberId
from digest.store import api_tokens as store
from digest.store import subscribers
from digest.store.database import Database
from digest.subscriptions.addresses import masked, normalise

PREFIX: Final = "pd_"
DAYS: Final = 365  #: that a token lasts unless asked otherwise
MOST: Final = 50  #: tokens of one subscriber that are not revoked
LONGEST: Final = 80  #: characters of a name
PERSONAL: Final = frozenset({Scope.READ, Scope.ME_READ, Scope.ME_WRITE})
OPERATORS: Final = frozenset({Scope.READ, Scope.OPERATOR_READ, Scope.OPERATOR_WRITE})
USUAL: Final = frozenset({Scope.READ, Scope.OPERATOR_READ})  #: of the operator's, unless asked

_EVERY: Final = timedelta(hours=1)
_BYTES: Final = 32
_HINT: Final = len(PREFIX) + 4
_WELL_FORMED: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class Granted:
    """A new token with its secret, which nobody can be shown again."""

    token: ApiToken
    secret: str = field(repr=False)


class Access:
    """The tokens of one installation."""

    def __init__(self, database: Database, *, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock

    def grant(
        self,
        name: str,
        scopes: Collection[Scope] = (),
        *,
        email: str | None = None,
        days: int = DAYS,
    ) -> Granted:
        """A token for a subscriber, or without `email` for the operator; `days` 0: for ever.

        Raises UsageError for scopes that do not go together, and UnknownSubscriber.
        """
        wanted = _scopes(scopes, is_personal=email is not None)
        secret, now = PREFIX + secrets.token_urlsafe(_BYTES), self._clock()
        with self._database.write() as connection:
            token = store.insert(
                connection,
                name=_name(name),
                secret_hash=_hashed(secret),
                hint=secret[:_HINT],
                scopes=wanted,
                subscriber=None if email is None else _room_for(connection, email, now),
                at=now,
                expires_at=_end(now, days),
            )
        return Granted(token, secret)

    def open(self, secret: str) -> ApiToken | None:
        """The token whose secret this is; None where it opens nothing (any more)."""
        if not _WELL_FORMED.fullmatch(secret):
            return None
        hashed = _hashed(secret)
        with self._database.read() as connection:
            found = store.find(connection, hashed)
        if found is None or not hmac.compare_digest(found[1], hashed):
            return None
        return found[0] if found[0].is_open(self._clock()) else None

    def needs_note(self, token: ApiToken) -> bool:
        """Whether its last use is so long ago that this one is to be remembered (`used`)."""
        return token.last_used_at is None or token.last_used_at <= self._clock() - _EVERY

    def used(self, token: ApiToken) -> None:
        """Remember a use, at most once an hour."""
        with self._database.write() as connection:
            store.touch(connection, token.id, self._clock(), every=_EVERY)

    def listed(self, email: str | None = None) -> list[tuple[ApiToken, str]]:
        """Every token, or one subscriber's, with whose it is; raises UnknownSubscriber."""
        with self._database.read() as connection:
            who = _subscriber(connection, email).id if email is not None else None
            return store.listed(connection, who)

    def revoke(self, id: ApiTokenId) -> None:
        """From now on it opens nothing. Idempotent; raises UsageError for a token that is none."""
        with self._database.write() as connection:
            if not store.revoke(connection, id, self._clock()):
                raise UsageError(f"There is no token {id}.", mend="See `digest tokens list`.")


def _scopes(asked: Collection[Scope], *, is_personal: bool) -> frozenset[Scope]:
    possible = PERSONAL if is_personal else OPERATORS
    if wrong := sorted(set(asked) - possible):
        whose = "a subscriber's" if is_personal else "the operator's"
        known = ", ".join(sorted(possible))
        raise UsageError(
            f"scope: {wrong[0]} is not for {whose} token.", mend=f"There are: {known}."
        )
    return frozenset(asked) or (PERSONAL if is_personal else USUAL)


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise UsageError(
            f"name: a token needs a name of 1 to {LONGEST} characters.",
            mend="Say what it is for.",
        )
    return name


def _end(now: datetime, days: int) -> datetime | None:
    if not 0 <= days <= 36_500:
        raise UsageError("days: must be from 0 to 36500.", mend="0 is for ever.")
    return now + timedelta(days=days) if days else None


def _room_for(connection: sa.Connection, email: str, now: datetime) -> SubscriberId:
    """The subscriber's id, unless they have as many tokens as there can be."""
    who = _subscriber(connection, email).id
    if sum(one.is_open(now) for one, _ in store.listed(connection, who)) >= MOST:
        raise UsageError(f"There are {MOST} tokens already.", mend="Revoke one first.")
    return who


def _subscriber(connection: sa.Connection, email: str) -> Subscriber:
    address = normalise(email)
    found = subscribers.find(connection, address)
    if found is None:
        mend = "`digest subscribers list` shows who is."
        raise UnknownSubscriber(f"Nobody is subscribed as {masked(address)}.", mend=mend)
    return found


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
