"""The door for providers' webhooks: a call in, an HTTP status out. Mounted by `digest.web`.

    received = webhooks.receive("mailgun", headers, body)   # POST /hooks/mailgun

200 only when what was told is committed (guarantee 1); 400 or 403 for what is not theirs, which
changes nothing. A certificate is fetched from Amazon's own hosts only, once each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from digest import metrics
from digest.bounces.hearing import Hearing
from digest.clock import Clock
from digest.delivery.provider_events import PROVIDERS, Notice, SignatureFault, Told, Trust
from digest.model import Bounce

_log = logging.getLogger(__name__)

LONGEST: Final = 2_000_000  #: bytes of one call
_MOST_CERTIFICATES: Final = 8

Fetch = Callable[[str], bytes]  #: a GET over https; raises OSError


@dataclass(frozen=True, slots=True)
class Received:
    """The status to answer with, and how many events were new."""

    status: int
    events: int = 0


class Webhooks:
    """The providers the operator configured, one path each."""

    def __init__(self, hearing: Hearing, trust: Trust, *, fetch: Fetch, clock: Clock) -> None:
        self._hearing = hearing
        self._trust = trust
        self._fetch = fetch
        self._clock = clock
        self._certificates: dict[str, bytes] = {}

    def receive(self, provider: str, headers: Mapping[str, str], body: bytes) -> Received:
        """Take one call; never raises for what a stranger may send."""
        received = self._receive(provider, headers, body)
        metrics.heard(provider if provider in PROVIDERS else "unknown", received.status)
        if received.events:
            told = {"action": "webhook_taken", "events": received.events}
            _log.info("%s: %d new events", provider, received.events, extra=told)
        return received

    def _receive(self, provider: str, headers: Mapping[str, str], body: bytes) -> Received:
        parse = PROVIDERS.get(provider)
        if parse is None:
            return Received(404)
        if len(body) > LONGEST:
            return Received(413)
        trust = replace(self._trust, now=self._clock(), certificate=self._certificate)
        try:
            notice = parse({name.lower(): value for name, value in headers.items()}, body, trust)
            return self._take(provider, notice)
        except SignatureFault as fault:
            _log.warning("%s: %s", provider, fault, extra={"action": "webhook_refused"})
            return Received(403)
        except OSError as error:
            _log.warning(
                "%s: %s", provider, type(error).__name__, extra={"action": "webhook_failed"}
            )
            return Received(503)  # they try again

    def _take(self, provider: str, notice: Notice) -> Received:
        if notice.confirm:
            self._fetch(notice.confirm)
            return Received(200)
        events = [event for told in notice.events if (event := self._event(provider, told))]
        added = self._hearing.add(events)
        self._hearing.decide()
        return Received(200, added)

    def _event(self, provider: str, told: Told) -> Bounce | None:
        delivery = self._hearing.delivery(_candidate(token) for token in told.tokens)
        if delivery is None:
            return None
        now = self._clock()
        return Bounce(
            key=f"{provider}:{told.name or f'{delivery}:{told.kind}:{now:%Y%m%d}'}"[:200],
            delivery_id=delivery,
            at=now,
            kind=told.kind,
            origin=provider,
            status=told.status,
            detail=told.detail,
        )

    def _certificate(self, url: str) -> bytes:
        if url not in self._certificates:
            if len(self._certificates) >= _MOST_CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = self._fetch(url)
        return self._certificates[url]


def _candidate(text: str) -> str:
    """A bare token, or the one in an envelope sender `bounces+TOKEN@host`."""
    return text.partition("@")[0].rpartition("+")[2].lower()
