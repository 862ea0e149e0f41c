"""Passwords: hashed with argon2id (RFC 9106 §4, the second recommendation), compared in no hurry.

A check takes the same work whether the account is there or not. One at a time in a process: each
takes 64 MiB, and a crowd at the door must not take the machine.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cached_property
from typing import Final

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

SHORTEST: Final = 12  #: characters
LONGEST: Final = 1024


class Passwords:
    """Hashes and checks."""

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._turn = threading.Lock()

    def hash(self, password: str) -> str:
        with self._turn:
            return self._hasher.hash(_plain(password))

    def is_right(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one behind `stored`; without one, as slowly: False."""
        against = stored or self._nobody
        with self._turn:
            try:
                right = self._hasher.verify(against, _plain(password))
            except (VerificationError, InvalidHashError):
                return False
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than these."""
        return self._hasher.check_needs_rehash(stored)

    @cached_property
    def _nobody(self) -> str:
        """The hash of a password that nobody has."""
        return self.hash(secrets.token_urlsafe())


def weakness(password: str, name: str = "") -> str:
    """Why this is no password for this account, with the mend; empty for one that will do."""
    if len(password) < SHORTEST:
        return f"The password is too short: take {SHORTEST} characters or more."
    if len(password) > LONGEST:
        return f"The password is longer than {LONGEST} characters."
    if len(set(password)) < 5 or (len(name) > 3 and name.casefold() in password.casefold()):
        return "The password is too easy to guess: take a few unrelated words."
    return ""


def _plain(password: str) -> str:
    """One spelling for each password, whatever the keyboard (RFC 8265 §4.2 asks for NFC)."""
    return unicodedata.normalize("NFC", password)
