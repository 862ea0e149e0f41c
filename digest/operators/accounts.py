"""Who may come in: accounts of the configuration and of the command line, and their sessions.

Signing in makes a new session with a new key, whatever the browser had before; signing out, another
password, or an account that is gone ends it. A wrong name and a wrong password look the same, in
words and in time.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from digest.clock import Clock, system_clock
from digest.errors import UsageError
from digest.operators.passwords import Passwords, weakness
from digest.operators.sessions import (
    ABSOLUTE,
    IDLE,
    Session,
    key_hash,
    new_key,
    opened,
    sealed,
)
from digest.store.database import Database
from digest.store.operators import OperatorStore, StoredSession

log = logging.getLogger(__name__)

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it is told; the times are known of stored ones only."""

    name: str
    is_configured: bool
    changed_at: datetime | None = None
    signed_in_at: datetime | None = None


class Accounts:
    """Every account, and whoever is signed in."""

    def __init__(
        self,
        database: Database,
        *,
        configured: Mapping[str, str],
        keys: Sequence[str],
        clock: Clock = system_clock,
        passwords: Passwords | None = None,
    ) -> None:
        """`configured`: password hashes by name. `keys`: the site's secret keys, newest first."""
        self._store = OperatorStore(database)
        self._configured = {spelled(name): hash for name, hash in configured.items()}
        self._keys = keys
        self._clock = clock
        self._passwords = passwords or Passwords()

    # --- accounts ---

    def listed(self) -> list[Account]:
        """All of them, by name; the configuration wins over the database."""
        stored = [
            Account(one.name, False, one.changed_at, one.signed_in_at)
            for one in self._store.listed()
            if one.name not in self._configured
        ]
        own = [Account(name, True) for name in self._configured]
        return sorted([*stored, *own], key=lambda one: one.name)

    def is_empty(self) -> bool:
        return not self.listed()

    def add(self, name: str, password: str) -> Account:
        """Raises UsageError for a name that cannot be or is taken, and for a weak password."""
        known = self._changeable(name)
        self._refuse_weak(known, password)
        now = self._clock()
        if not self._store.add(known, self._passwords.hash(password), now):
            raise UsageError(
                f"There is an operator {known!r} already.",
                mend=f"`digest operators password {known}` changes the password.",
            )
        return Account(known, False, now)

    def change_password(self, name: str, password: str) -> None:
        """Another password; whoever is signed in with the old one is signed out."""
        known = self._changeable(name)
        self._refuse_weak(known, password)
        if not self._store.change(known, self._passwords.hash(password), self._clock()):
            raise _unknown(known)

    def remove(self, name: str) -> None:
        """Forget an account, and sign it out everywhere."""
        known = self._changeable(name)
        if not self._store.remove(known):
            raise _unknown(known)

    # --- sessions ---

    def sign_in(self, name: str, password: str) -> Session | None:
        """A new session; None where name and password do not go together."""
        known = spelled(name)
        stored = self._password_of(known)
        if not self._passwords.is_right(stored, password) or stored is None:
            return None
        mark = self._refreshed(known, password, stored)
        now, key = self._clock(), new_key()
        self._store.begin(key_hash(key), StoredSession(known, mark, now, now + ABSOLUTE))
        return Session(known, key, now)

    def session(self, cookie: str) -> Session | None:
        """The session of a cookie, if it still holds."""
        found, now = opened(cookie, self._keys), self._clock()
        if found is None or not now - IDLE < found[1] <= now:
            return None
        key, seen_at = found
        stored = self._store.session(key_hash(key))
        if stored is None or stored.expires_at <= now:
            return None
        password = self._password_of(stored.operator)
        if password is None or _mark(password) != stored.password_mark:
            return None
        return Session(stored.operator, key, seen_at)

    def sign_out(self, session: Session) -> None:
        self._store.end(key_hash(session.key))

    def cookie(self, key: str) -> str:
        """What the browser keeps of a key used now."""
        return sealed(key, self._clock(), self._keys)

    def key_in(self, cookie: str) -> str | None:
        """The key of a cookie that we wrote, of a session or of a door that was looked at."""
        found = opened(cookie, self._keys)
        return found[0] if found else None

    # --- inside ---

    def _password_of(self, name: str) -> str | None:
        if name in self._configured:
            return self._configured[name]
        found = self._store.find(name) if NAME.fullmatch(name) else None
        return found.password_hash if found else None

    def _refreshed(self, name: str, password: str, stored: str) -> str:
        """The mark of the password, hashed anew where the parameters have changed since."""
        if name in self._configured or not self._passwords.is_outdated(stored):
            return _mark(stored)
        fresh = self._passwords.hash(password)
        self._store.rehash(name, fresh, marks=(_mark(stored), _mark(fresh)))
        log.info("A password was hashed anew.", extra={"action": "operator.rehashed"})
        return _mark(fresh)

    def _changeable(self, name: str) -> str:
        known = spelled(name)
        if not NAME.fullmatch(known):
            raise UsageError(
                f"{name!r} cannot be an operator's name.",
                mend="Up to 64 letters, digits and . _ @ + - without accents, such as ada.",
            )
        if known in self._configured:
            raise UsageError(
                f"{known!r} is an operator by the configuration.", mend="Change web.operators."
            )
        return known

    def _refuse_weak(self, name: str, password: str) -> None:
        if why := weakness(password, name):
            raise UsageError(why)


def spelled(name: str) -> str:
    """One spelling for each name."""
    return name.strip().lower()


def _mark(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:32]


def _unknown(name: str) -> UsageError:
    return UsageError(f"There is no operator {name!r}.", mend="See `digest operators list`.")
