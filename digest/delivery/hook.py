"""Hooks: how one kind of webhook is spoken to, and which addresses may be one. Pure.

What a post looks like is `digest.rendering.chat`'s business, doing it `digest.delivery.hooks`'.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from digest.delivery.masking import redacted
from digest.delivery.replies import one_line
from digest.model import DeliveryId, Outcome, Result
from digest.network import is_public
from digest.phrases import phrase

#: Forbidden, not found, gone: nobody will take a post here any more.
GONE: Final = frozenset({403, 404, 410})
_LATER: Final = frozenset({408, 423, 425, 429})
_LONGEST_WAIT: Final = 86_400.0  #: seconds of a Retry-After that are believed
_LONGEST: Final = 2000
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\"<>]")


@dataclass(frozen=True, slots=True)
class Hook:
    """One kind of webhook.

    `hosts` are the only ones an address may name ("*.example.org" for those below one); none: any.
    `gone`: answers that disable the channel. `interval`: seconds between two posts to one address.
    `query` is added to the address.
    """

    kind: str
    hosts: tuple[str, ...] = ()
    gone: frozenset[int] = GONE
    interval: float = 1.0
    content_type: str = "application/json"
    query: str = ""

    def target(self, address: str) -> str:
        """Where a post to `address` goes."""
        if not self.query:
            return address
        return f"{address}{'&' if '?' in address else '?'}{self.query}"


SLACK: Final = Hook("slack", hosts=("hooks.slack.com", "hooks.slack-gov.com"))
DISCORD: Final = Hook(
    "discord",
    hosts=("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"),
    gone=GONE | {401},  # what Discord says of a token that was replaced
    query="wait=true",  # without it, the answer comes before the message is kept
)
MATTERMOST: Final = Hook("mattermost")
WEBHOOK: Final = Hook("webhook", interval=0.0)


def check_address(hook: Hook, address: str, *, private: bool = False) -> str:
    """The address as it is kept; raises ValueError with one sentence that does not repeat it.

    `private`: the operator allows private addresses, and with them http. Where a name leads is
    looked at when the connection is made (`digest.network`).
    """
    address = address.strip()
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ValueError(phrase("is no web address")) from None
    if not host or len(address) > _LONGEST or _UNFIT.search(address):
        raise ValueError(phrase("is no web address"))
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise ValueError(phrase("must begin with https://"))
    if parts.username is not None or parts.password is not None:
        raise ValueError(phrase("must not hold a user name or password"))
    if not private and _is_private(host):
        raise ValueError(phrase("must not be on a private network"))
    if hook.hosts and not any(_is(host, known) for known in hook.hosts):
        raise ValueError(
            phrase(
                "must be at {hosts}; the operator can add {host} with {key}",
                hosts=tuple(hook.hosts),
                host=host,
                key=f"channels.{hook.kind}_hosts",
            )
        )
    if hook.hosts and port not in (None, 443) and not private:
        raise ValueError(phrase("must not name a port"))
    return address.partition("#")[0]


def judge(
    delivery: DeliveryId,
    hook: Hook,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    address: str,
    now: datetime,
) -> Outcome:
    """What an answer means for one post; header names in lower case.

    2xx is accepted. 429 and its like and every 5xx wait, at least as long as Retry-After says. The
    rest is refused for good and never loops: a redirect is no place we were told to post to.
    """
    said = redacted(one_line(body), address)
    if 200 <= status < 300:
        return Outcome(delivery, Result.ACCEPTED, status, said)
    if status in _LATER or status >= 500:
        later = retry_after(headers.get("retry-after", ""), now)
        return Outcome(delivery, Result.DEFERRED, status, said, retry_after=later)
    if 300 <= status < 400:
        return Outcome(delivery, Result.REFUSED, status, "redirects elsewhere; give that address")
    return Outcome(delivery, Result.REFUSED, status, said, recipient_fault=status in hook.gone)


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds, from a Retry-After in seconds (Discord's has a fraction) or as a date (RFC 9110)."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None


def with_hosts(hook: Hook, more: Collection[str]) -> Hook:
    """The hook with these hosts as well; where every host was admitted, with these alone."""
    return replace(hook, hosts=(*hook.hosts, *(host.lower() for host in more)))


def _is_private(host: str) -> bool:
    """Whether the host is an address, not a name, and not a public one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return not is_public(host)


def _is(host: str, known: str) -> bool:
    if known.startswith("*."):
        return host.endswith(known[1:].lower())
    return host == known.lower()
