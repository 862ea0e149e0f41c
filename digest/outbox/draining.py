"""The drain: one worker, one channel at a time, until nothing is due or it is asked to stop."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from digest import memory
from digest.clock import Clock
from digest.delivery.base import Sender
from digest.delivery.bounce_kinds import bounce_of
from digest.delivery.journal import Journal, uptime
from digest.delivery.retry import CERTAIN, Policy, decide
from digest.errors import ClaimLost, DeliveryFault, RateReached, StoreBusy, TemplateFault
from digest.model import (
    Channel,
    Decision,
    Delivery,
    DeliveryId,
    Message,
    Outcome,
    Result,
    Settlement,
)
from digest.outbox.booked import Booked
from digest.outbox.composed import Compose, each_composed
from digest.outbox.queue import Queue
from digest.outbox.takeover import take_over
from digest.outbox.tally import Tally
from digest.store.queueing import Booking

_log = logging.getLogger(__name__)

_MARGIN: Final = 0.1  #: part of a lease in which nothing more is sent
_RESUMES: Final = 20  #: times one drain goes on after it was cut short
_SETTLE_AFTER: Final = 1.0  #: seconds an outcome may wait for company
_FIRST_WAIT: Final = 0.2  #: seconds between tries at a database that is away, doubling …
_LONGEST_WAIT: Final = 5.0  #: … up to here
_delivery_of: Callable[[Settlement], DeliveryId] = attrgetter("delivery.id")


@dataclass(frozen=True, slots=True)
class Route:
    """One way out, and its retry policy."""

    channel: Channel
    open: Callable[[], Sender]
    policy: Policy = field(default_factory=Policy)


class Outbox:
    """One worker on the queue, with its journal in `spool`; a context manager, one thread.

    `compose` makes the messages of some deliveries, in their order. Its TemplateFault says that it
    can make none: the channel stops, and everything stays queued. `batch` deliveries are claimed
    and settled at once, for `lease`; a busy database is waited for `patience` seconds.
    """

    def __init__(
        self,
        store: Queue,
        compose: Compose,
        routes: Sequence[Route],
        *,
        spool: Path,
        clock: Clock,
        stop: threading.Event | None = None,
        batch: int = 500,
        lease: timedelta = timedelta(minutes=15),
        patience: float = 60.0,
        booked: Booked | None = None,
    ) -> None:
        self._store = store
        self._compose = compose
        self._routes: Mapping[Channel, Route] = {route.channel: route for route in routes}
        self._clock = clock
        self._stop = stop or threading.Event()
        self._batch = batch
        self._lease = lease
        self._patience = patience
        self._tally = Tally()
        self._held: dict[DeliveryId, Delivery] = {}  #: claimed, without an outcome
        self._told: list[Settlement] = []  #: with an outcome, not yet committed
        self._told_since = 0.0
        self._trouble: StoreBusy | None = None
        self._more: Callable[[], bool] = lambda: False
        self._renew_at = 0.0
        self._booked = booked or Booked()
        self._booked_at = 0.0
        self._is_booking = False  #: what is composed is, so that more of it settles what is told
        self._journal = Journal(spool, _worker_name())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._journal.close(keep=error is not None)

    @memory.making_much()
    def drain(self, more: Callable[[], bool] = lambda: False) -> Tally:
        """Send everything due on every route; returns what became of it.

        Where nothing is due, `more` may queue something, as long as it says that it did. It must
        not raise: messages may be on the wire.
        """
        self._more = more
        self._tally = Tally()
        self._insist(self._take_over)
        for route in self._routes.values():
            for _ in range(_RESUMES):
                if not self._pass(route):
                    break
        return self._tally

    def _pass(self, route: Route) -> bool:
        """Send until nothing is due; True where it was cut short and should be gone on with."""
        cut_short = False
        try:
            self._send(route)
        except ClaimLost as lost:
            _log.warning("%s", lost, extra={"action": "claim_lost"})
            cut_short = True
        except StoreBusy as busy:
            _log.warning("%s", busy, extra={"action": "store_busy"})
            cut_short = True
        except RateReached as reached:
            _log.info("%s", reached, extra={"action": "rate_reached"})
            self._tally.waits[route.channel] = reached.wait
        except DeliveryFault as fault:
            _log.error("%s", fault, extra={"action": "channel_fault"})
            self._tally.faults[route.channel] = str(fault)
        except TemplateFault as fault:  # nothing of this channel can be composed: all of it waits
            _log.error("%s", fault, extra={"action": "template_fault"})
            self._tally.faults[route.channel] = str(fault)
        self._booked.close()
        self._insist(self._settle_told)
        self._insist(self._put_back)
        if cut_short:
            self._start_afresh()
        return cut_short and not self._stop.is_set()

    def _send(self, route: Route) -> None:
        self._is_booking = False
        with route.open() as sender:
            self._booked.open(route.channel, route.policy.doubt)
            for outcome in sender.send(self._messages(route), self._journal):
                self._take(outcome)

    # --- messages in ---

    def _messages(self, route: Route) -> Iterator[Message]:
        while deliveries := self._next_claim(route.channel):
            for composed in each_composed(deliveries, self._compose):
                self._keep_going()
                if self._stop.is_set():
                    return
                if isinstance(composed, Message):
                    yield composed
                else:
                    why = f"could not be composed: {composed.why}"
                    result = Result.REFUSED if composed.is_final else Result.DEFERRED
                    self._take(Outcome(composed.delivery_id, result, reply=why))

    def _next_claim(self, channel: Channel) -> Sequence[Delivery]:
        """The next batch, or none when there will be no more."""
        while True:
            deliveries = self._claim(channel)
            if deliveries or self._stop.is_set() or not self._more():
                return deliveries

    def _claim(self, channel: Channel) -> Sequence[Delivery]:
        """The next batch, booked or due; none when there is nothing."""
        while not self._stop.is_set():
            self._keep_going()
            since = uptime()
            booked = self._booked.first()
            # Else they go with what is booked next.
            settling = () if booked or self._is_booking else self._told
            batch = self._store.claim(
                channel,
                now=self._clock(),
                worker=self._journal.worker,
                limit=self._batch,
                lease=self._lease,
                settling=settling,
                booked=booked,
            )
            self._tally.states.update(batch.withdrawn)
            if settling:
                self._told_settled()
            if booked:
                self._booked.taken()
                if len(batch.deliveries) < len(booked):
                    kept = {one.id for one in batch.deliveries}
                    self._let_go([one.id for one in booked if one.id not in kept])
            elif batch.deliveries:
                self._is_booking = False
                self._hold(batch.deliveries, since)
            if batch.deliveries:
                return batch.deliveries
            if batch.is_empty and not booked:
                return ()
        return ()

    def _hold(self, deliveries: Sequence[Delivery], since: float) -> None:
        if not self._held and not self._told:  # else the lease that ends first still counts
            self._lease_from(since)
        self._journal.admit(deliveries)
        self._held |= {delivery.id: delivery for delivery in deliveries}

    # --- booked ahead (see `booked`) ---

    def book(self) -> Booking | None:
        """What is wanted of what is about to be queued: all that is sent soon."""
        wanted = None if self._stop.is_set() or self._trouble else self._booked.wanted()
        self._is_booking = wanted is not None
        if wanted is None:
            return None
        self._booked_at = uptime()
        channel, room = wanted
        worker, now = self._journal.worker, self._clock()
        return Booking(worker, channel, room, self._lease, now, settling=self._told)

    def booked(self, deliveries: Sequence[Delivery]) -> None:
        """These are held for this worker, by what it last said in `book`."""
        self._told_settled()
        self._hold(deliveries, self._booked_at)
        self._booked.add(deliveries, self._booked_at)

    def _give_back_booked(self) -> None:
        """What goes out so slowly is everybody's."""
        if left := self._booked.close():
            self._store.release(self._journal.worker, only=left)
            self._let_go(left)

    def _let_go(self, deliveries: Sequence[DeliveryId]) -> None:
        self._journal.settled(deliveries)
        for delivery in deliveries:
            del self._held[delivery]

    # --- outcomes out ---

    def _take(self, outcome: Outcome) -> None:
        """Decide what an outcome means; commit when it has waited long enough.

        Most need not: they go with the next claim, or with what is booked next.
        """
        told, now = self._told, uptime()
        if not told:
            self._told_since = now
        told.append(self._decide(self._held.pop(outcome.delivery_id), outcome))
        if not self._held:
            return  # whoever comes next, with a claim or at the end, settles these as well
        if now - self._told_since > _SETTLE_AFTER or len(told) >= 2 * self._batch:
            self._try_to_settle()

    def _decide(self, delivery: Delivery, outcome: Outcome) -> Settlement:
        decision = CERTAIN.get(outcome.result) or self._weigh(delivery, outcome)
        of_address = outcome.recipient_fault and delivery.channel.is_mail
        return Settlement(delivery, outcome, decision, bounce_of(outcome) if of_address else None)

    def _weigh(self, delivery: Delivery, outcome: Outcome) -> Decision:
        route = self._routes.get(delivery.channel)
        policy = route.policy if route else Policy()
        return decide(outcome, delivery, now=self._clock(), policy=policy)

    def _try_to_settle(self) -> None:
        """Commit, or remember that it failed: replies on the wire must be read all the same."""
        if self._trouble:
            return
        try:
            self._settle_told()
        except StoreBusy as busy:
            self._trouble = busy

    def _settle_told(self) -> None:
        if not self._told:
            return
        self._store.settle(self._told, now=self._clock())
        self._told_settled()

    def _told_settled(self) -> None:
        self._tally.count(self._told)
        self._journal.settled(map(_delivery_of, self._told))
        self._told.clear()
        self._trouble = None

    def _put_back(self) -> None:
        """Whatever is still claimed never left: others may have it."""
        self._store.release(self._journal.worker)
        self._journal.settled(list(self._held))
        self._held.clear()

    # --- staying in possession ---

    def _keep_going(self) -> None:
        """Between two messages: is the database there, are the claims still ours?"""
        if self._trouble:
            raise self._trouble
        now = uptime()
        if (self._held or self._told) and now >= self._renew_at:
            self._renew()
        if self._booked.is_overdue(now):
            self._give_back_booked()

    def _renew(self) -> None:
        self._settle_told()
        since = uptime()
        if self._store.renew(self._journal.worker, lease=self._lease) < len(self._held):
            raise ClaimLost(f"Worker {self._journal.worker} lost claims to another.")
        self._lease_from(since)

    def _lease_from(self, since: float) -> None:
        span = self._lease.total_seconds()
        self._renew_at = since + span / 3
        self._journal.hold_until(since + span * (1 - _MARGIN))

    def _start_afresh(self) -> None:
        """Go on under a new name: the old journal may be fenced."""
        self._journal.close()
        self._journal = Journal(self._journal.folder, _worker_name())
        self._insist(self._take_over)

    def _take_over(self) -> None:
        take_over(self._store, self._journal.folder, self._settle_found, me=self._journal.worker)

    def _settle_found(self, told: Iterable[tuple[Delivery, Outcome]]) -> Sequence[Settlement]:
        settlements = [self._decide(delivery, outcome) for delivery, outcome in told]
        if settlements:
            self._store.settle(settlements, now=self._clock())
            self._tally.count(settlements)
        return settlements

    def _insist(self, verb: Callable[[], None]) -> None:
        """Do it, waiting out a busy database up to `patience`; then StoreBusy.

        Asked to stop, it tries once: what is not committed then is in the journal.
        """
        wait, deadline = _FIRST_WAIT, uptime() + self._patience
        while True:
            try:
                verb()
                return
            except StoreBusy:
                if self._stop.is_set() or uptime() + wait > deadline:
                    raise
            self._stop.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


def _worker_name() -> str:
    """Unique for every start, and readable: host, process, chance."""
    host = "".join(letter for letter in socket.gethostname() if letter.isalnum() or letter in "-.")
    return f"{host[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
