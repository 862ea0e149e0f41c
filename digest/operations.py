"""What an operator sees and orders, gathered behind one door: for whoever gives it a face.

Nothing is decided here; each verb is another room's. Lists come a page at a time, and go on from
the last one seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from digest.clock import Clock
from digest.errors import UnknownSubscriber
from digest.explaining import Answer
from digest.model import (
    BounceKind,
    DeliveryId,
    DeliveryState,
    FetchId,
    Subscriber,
    SubscriberId,
    SubscriberState,
)
from digest.store import deliveries, delivery_orders, runs, suppressions
from digest.store.bounces import BounceStore
from digest.store.bounces import Seen as Event
from digest.store.database import Database
from digest.store.deliveries import Seen
from digest.store.delivery_log import Entry, delivery_log
from digest.store.health import Figures, HealthStore
from digest.store.people import Directory
from digest.store.person import Rows, stored_about
from digest.store.runs import Fetch, Run
from digest.store.suppressions import Suppression
from digest.subscriptions import Subscriptions
from digest.subscriptions.addresses import fingerprints, normalise
from digest.subscriptions.suppressing import SuppressionList

Explain = Callable[[str, str], Answer]


class Operations:
    """The operator's side of one installation."""

    def __init__(
        self,
        database: Database,
        *,
        subscriptions: Subscriptions,
        keys: Sequence[str],
        explain: Explain,
        clock: Clock,
    ) -> None:
        """`explain` says of an address and a paper why it was sent, or why not."""
        self.explain = explain
        self._database = database
        self._keys = keys
        self._subscriptions = subscriptions
        self._clock = clock
        self._suppressions = SuppressionList(database, subscriptions, keys=keys, clock=clock)

    def figures(self) -> Figures:
        """How the installation stands, with its sources."""
        return HealthStore(self._database).figures(self._clock())

    # --- subscribers ----------------------------------------------------------------------------

    def find(
        self,
        text: str = "",
        states: Collection[SubscriberState] = (),
        *,
        after: str = "",
        limit: int,
    ) -> list[Subscriber]:
        """Subscribers by a piece of their address or name, by address."""
        entries = Directory(self._database).find(text, states=states, after=after, limit=limit)
        return self._subscriptions.profiles([one.id for one in entries])

    def subscriber(self, id: SubscriberId) -> Subscriber:
        """Raises UnknownSubscriber."""
        found = self._subscriptions.profiles([id])
        if not found:
            raise UnknownSubscriber(f"There is no subscriber {id}.")
        return found[0]

    def everything(self, subscriber: Subscriber) -> dict[str, Rows]:
        """All that is stored about somebody, table by table."""
        hashes = fingerprints(subscriber.email, self._keys)
        return stored_about(self._database, subscriber.email, hashes)

    # --- deliveries -----------------------------------------------------------------------------

    def deliveries(
        self,
        states: Collection[DeliveryState],
        *,
        email: str | None = None,
        before: DeliveryId | None = None,
        limit: int,
    ) -> list[Seen]:
        address = normalise(email) if email else None
        return deliveries.listed(
            self._database, states=states, email=address, limit=limit, before=before
        )

    def delivery(self, id: DeliveryId) -> Seen | None:
        return deliveries.seen(self._database, id)

    def log(self, id: DeliveryId) -> list[Entry]:
        """Every try of a delivery and every reply, oldest first."""
        return delivery_log(self._database, id)

    def retry(self, ids: Collection[DeliveryId], states: Collection[DeliveryState]) -> int:
        """Try again now; returns how many could be."""
        return delivery_orders.retry(self._database, ids=ids, states=states, now=self._clock())

    def cancel(self, ids: Collection[DeliveryId], states: Collection[DeliveryState]) -> int:
        """Do not send; returns how many had not left."""
        return delivery_orders.cancel(self._database, ids=ids, states=states, now=self._clock())

    def bounces(
        self,
        kinds: Collection[BounceKind] = (),
        *,
        email: str | None = None,
        before: tuple[datetime, int] | None = None,
        limit: int,
    ) -> list[Event]:
        address = normalise(email) if email else None
        store = BounceStore(self._database)
        return store.listed(email=address, kinds=kinds, limit=limit, before=before)

    # --- never again ----------------------------------------------------------------------------

    def suppressed(self, *, after: str = "", limit: int) -> list[Suppression]:
        return suppressions.listed(self._database, after=after, limit=limit)

    def suppress(self, email: str, *, reason: str, until: datetime | None) -> bool:
        """Never write to an address, subscribed or not; whether that is new."""
        return self._suppressions.add(email, reason=reason, expires_at=until)

    def lift(self, email: str) -> bool:
        """Allow an address again; whether it was suppressed."""
        return self._subscriptions.lift(email)

    # --- history --------------------------------------------------------------------------------

    def runs(self, *, before: int | None = None, limit: int) -> list[Run]:
        return runs.runs(self._database, limit=limit, before=before)

    def run(self, id: int) -> Run | None:
        return runs.run(self._database, id)

    def fetches(
        self,
        *,
        source: str | None = None,
        run_id: int | None = None,
        before: FetchId | None = None,
        limit: int,
    ) -> list[Fetch]:
        """Of one source, of one run, or all."""
        return runs.fetches(
            self._database, source=source, run_id=run_id, limit=limit, before=before
        )
