"""Hearing what came back: reports become events, events become verdicts, verdicts are carried out.

Guarantee 1: an unsubscribe by mail or a complaint is committed before its mail is marked as read.
Guarantee 3: a report that cannot be understood stops no other. Killed anywhere, the next hearing
goes on: an event is stored once, and stays in line until its verdict was carried out.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from digest.bounces.policy import Action, Verdict, judge
from digest.clock import Clock
from digest.delivery.bounce_mailbox import Mailbox
from digest.delivery.bounce_reports import Dialect, Report, read_report
from digest.errors import TokenError
from digest.model import Bounce, DeliveryId, SubscriberId, SubscriberState
from digest.store.bounces import BounceStore
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions
from digest.tokens import Purpose, Tokens

_log = logging.getLogger(__name__)

_BATCH: Final = 100
_GONE: Final = (SubscriberState.UNSUBSCRIBED, SubscriberState.SUSPENDED)


@dataclass(slots=True)
class Heard:
    """What one look brought: mails read, events that were new, and what was done about them."""

    read: int = 0
    events: int = 0
    unsubscribed: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[Action] = field(default_factory=Counter)


class Hearing:
    """One installation's ear; `dialect` understands reports outside the standards."""

    def __init__(
        self,
        store: BounceStore,
        *,
        subscribers: SubscriberStore,
        subscriptions: Subscriptions,
        tokens: Tokens,
        clock: Clock,
        dialect: Dialect | None = None,
    ) -> None:
        self._store = store
        self._subscribers = subscribers
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._clock = clock
        self._dialect = dialect

    def read(self, mailbox: Mailbox) -> Heard:
        """Read everything in a mailbox; each mail is let go after its meaning was committed."""
        heard = Heard()
        with mailbox:
            for mails in mailbox.batches():
                self.take([raw for _name, raw in mails], heard)
                mailbox.done([name for name, _raw in mails])
        self.decide(heard)
        return heard

    def take(self, mails: Iterable[bytes], heard: Heard) -> None:
        """Store what some mails say."""
        events = []
        for raw in mails:
            heard.read += 1
            report = read_report(raw, dialect=self._dialect)
            if report.kind is None:
                heard.ignored[report.detail] += 1
            elif report.unsubscribes:
                heard.unsubscribed += self._unsubscribe(report.unsubscribes)
            elif event := self._event(report, raw):
                events.append(event)
            else:
                heard.ignored["no token of ours"] += 1
        heard.events += self._store.add(events)

    def add(self, events: Sequence[Bounce]) -> int:
        """Store events heard elsewhere (a provider's webhook); returns how many were new."""
        return self._store.add(events)

    def decide(self, heard: Heard | None = None) -> Heard:
        """Carry out the policy for everybody with new events."""
        heard = heard or Heard()
        while waiting := self._store.pending(most=_BATCH):
            for subscriber in waiting:
                heard.verdicts[self._decide(subscriber).action] += 1
        return heard

    def delivery(self, tokens: Iterable[str]) -> DeliveryId | None:
        """The delivery that the first token of ours names."""
        for token in tokens:
            try:
                return DeliveryId(self._tokens.read(Purpose.BOUNCE, token)[0])
            except (TokenError, IndexError):
                continue
        return None

    # --- inside ---

    def _event(self, report: Report, raw: bytes) -> Bounce | None:
        delivery = self.delivery(report.tokens)
        if delivery is None or report.kind is None:
            return None
        name = hashlib.blake2b(raw, digest_size=16).hexdigest()
        return Bounce(
            key=f"mailbox:{name}",
            delivery_id=delivery,
            at=self._clock(),
            kind=report.kind,
            origin="mailbox",
            status=report.status,
            detail=report.detail,
        )

    def _unsubscribe(self, tokens: Iterable[str]) -> int:
        for token in tokens:
            try:
                (whose, *_) = self._tokens.read(Purpose.UNSUBSCRIBE, token)
            except (TokenError, ValueError):
                continue
            for found in self._subscribers.profiles([SubscriberId(whose)]):
                self._subscriptions.unsubscribe(found.email, reason="by mail")
                return 1
        return 0

    def _decide(self, subscriber: SubscriberId) -> Verdict:
        now = self._clock()
        email, events = self._store.history(subscriber)
        verdict = judge((event for _id, event in events), now)
        if act := self._acts().get(verdict.action):
            _log.info(
                "%s a reader: %s",
                verdict.action,
                verdict.reason,
                extra={"action": "bounce_verdict", "subscriber": subscriber},
            )
            act(email, verdict.reason)
        if verdict.action is not Action.KEEP:
            self._store.note_verdict(subscriber, at=now, reason=verdict.reason)
        self._store.settle([id_ for id_, _event in events])
        return verdict

    def _acts(self) -> dict[Action, Callable[[str, str], object]]:
        return {
            Action.SUPPRESS: lambda email, why: self._subscriptions.suppress(email, reason=why),
            Action.UNSUBSCRIBE: lambda email, why: self._subscriptions.unsubscribe(
                email, reason=why
            ),
            Action.SUSPEND: self._suspend,
        }

    def _suspend(self, email: str, why: str) -> None:
        if self._subscriptions.subscriber(email).state not in _GONE:
            self._subscriptions.suspend(email, reason=why)
