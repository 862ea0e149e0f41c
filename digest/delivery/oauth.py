"""OAuth 2 access tokens for an SMTP login (XOAUTH2): from a command, or by a refresh token.

Both are callables for `Account.token`, asked whenever a session is opened. A token is never part
of a message or a log.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from digest.delivery.replies import one_line
from digest.errors import DeliveryFault

_EARLY: Final = 120.0  #: seconds before its end at which a token is renewed


@dataclass(frozen=True, slots=True)
class CommandToken:
    """The token that `command` prints on its standard output."""

    command: Sequence[str]
    timeout: float = 30.0

    def __call__(self) -> str:
        try:
            done = subprocess.run(
                self.command, capture_output=True, timeout=self.timeout, check=True, text=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise DeliveryFault(
                f"The token command {self.command[0]} failed: {type(error).__name__}.",
                mend="Run it by hand as the service's user.",
            ) from error
        token = done.stdout.strip()
        if not token or not token.isascii() or len(token.split()) != 1:
            raise DeliveryFault(f"The token command {self.command[0]} printed no single token.")
        return token


@dataclass(slots=True)
class RefreshedToken:
    """A token fetched from `endpoint` by a refresh token (RFC 6749, 6) and kept till its end."""

    endpoint: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    _token: str = field(default="", init=False, repr=False)
    _ends: float = field(default=0.0, init=False, repr=False)

    def __call__(self) -> str:
        if not self._token or time.monotonic() >= self._ends:
            self._fetch()
        return self._token

    def _fetch(self) -> None:
        if not self.endpoint.startswith("https://"):
            raise DeliveryFault("The token endpoint must be an https URL.")
        try:
            with httpx.Client(transport=self.transport, timeout=30.0) as client:
                answer = client.post(self.endpoint, data=self._form())
            given = answer.json()
            token, lasts = given["access_token"], float(given.get("expires_in", 3600))
        except httpx.HTTPError as error:
            raise self._fault(type(error).__name__) from error
        except (ValueError, KeyError, TypeError):
            raise self._fault(_reason(answer)) from None
        self._token, self._ends = str(token), time.monotonic() + lasts - _EARLY

    def _form(self) -> dict[str, str]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": self.refresh_token,
        }
        return form | ({"client_secret": self.client_secret} if self.client_secret else {})

    def _fault(self, why: str) -> DeliveryFault:
        return DeliveryFault(
            f"No access token from {httpx.URL(self.endpoint).host}: {why}.",
            mend="Renew the refresh token if it was withdrawn.",
        )


def _reason(answer: httpx.Response) -> str:
    """The error's name (RFC 6749, 5.2), which holds no secret."""
    try:
        named = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
    return one_line(str(named))[:60]
