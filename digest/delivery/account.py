"""One SMTP or LMTP account: where, how safely and as whom to log in. Values and their checks only.

A login needs TLS, and TLS is required unless the host is this machine; nothing is downgraded
silently. Guarantee: no repr and no message holds a secret.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Security(StrEnum):
    TLS = "tls"  #: from the first byte (port 465)
    STARTTLS = "starttls"  #: required before anything else (port 587)
    NONE = "none"  #: for a relay on this machine


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for a whole reply, however it drips; RFC 5321, 4.5.3.2 asks for no less."""

    connect: float = 30.0
    reply: float = 300.0
    end_of_data: float = 600.0  #: giving up earlier would make duplicates
    grace: float = 25.0  #: for what is in hand when the program is asked to stop


@dataclass(frozen=True, slots=True)
class Account:
    """Where and how to log in. `host` may be a Unix socket's path (LMTP).

    `token` gives an OAuth 2 access token, and then replaces the password (XOAUTH2).
    """

    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    lmtp: bool = False
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    local_hostname: str = ""
    plaintext_allowed: bool = False  #: `security = none` to another machine
    sessions: int = 2
    messages_per_session: int = 1000
    timeouts: Timeouts = Timeouts()

    @property
    def place(self) -> str:
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine: a Unix socket or a loopback address."""
        if self.host.startswith("/") or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def faults(self) -> tuple[str, ...]:
        """What is unsafe or contradictory here, one sentence each."""
        found = []
        if self.security is Security.NONE:
            if not (self.is_local or self.plaintext_allowed):
                found.append(f"security = none is for a relay on this machine, not {self.host}")
            if self.username:
                found.append("a login needs TLS: use security = starttls or tls")
        if self.username and not (self.password or self.token):
            found.append("a username needs a password or a token")
        if self.client_key and not self.client_certificate:
            found.append("client_key needs client_certificate")
        return tuple(found)
