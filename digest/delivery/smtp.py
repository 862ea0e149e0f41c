"""The smtp channel: one thread, a few sessions side by side, each a pipelined conversation.

    messages | pack | ready ──┬── link ── server
                              └── link ── server   | outcomes

What is here: sharing the ready messages among the sessions, opening more of them while there is
work, waiting on sockets, and what a lost connection costs. The dialogue itself is in
`conversation`, opening a session in `session`. A message goes back to `ready` once when its
connection is lost before its end-of-data left; the second time it is deferred, so that one message
that kills connections cannot stop the others (guarantee 3).
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Final, Self

from digest.delivery.account import Account
from digest.delivery.base import Witness
from digest.delivery.conversation import Conversation
from digest.delivery.envelope import Parcel, pack
from digest.delivery.link import Link
from digest.delivery.lull import Lull
from digest.delivery.replies import not_sent
from digest.delivery.session import Session, open_session
from digest.errors import ClaimLost, DeliveryFault, DigestError
from digest.model import Message, Outcome

_log = logging.getLogger(__name__)

_STRIKES: Final = 2  #: connections a message may be lost with before it is deferred
_FRUITLESS: Final = 5  #: connections in a row without one answer before the channel is given up
_SENDER_REFUSALS: Final = 3  #: in a row, before the channel is given up
_DEFERRALS: Final = 20  #: in a row of what is no recipient's fault, before the channel is given up
_WORTH_OPENING: Final = 4  #: answered messages a session before another session pays
_TICK: Final = 0.5  #: seconds between looks at the stop flag
_BUSY_TICK: Final = 0.02  #: and at a session being opened, or at deadlines while replies come
_READ: Final = select.POLLIN
_READ_AND_WRITE: Final = select.POLLIN | select.POLLOUT

Opener = Callable[[Account], Session]


class SmtpSender:
    """A Sender for SMTP and LMTP. Sessions stay open between calls of `send`.

    `stop` asks to finish what is in hand within the account's grace and to take nothing more.
    `lull` gets the time in which there is nothing to do but to wait for a reply.
    """

    def __init__(
        self,
        account: Account,
        *,
        stop: threading.Event | None = None,
        lull: Lull | None = None,
        opener: Opener = open_session,
    ) -> None:
        self.account = account
        self.lull = lull or Lull()
        self.stop = stop or threading.Event()
        self.opener = opener
        self.parked: list[Session] = []
        self.may_pipeline = True  #: until a server turns out to choke on it

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self.parked:
            self.parked.pop().quit()

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        with _Pool(self, iter(messages), witness) as pool:
            yield from pool.run()


class _Pool:
    """One call of `send`: the sessions, what is ready for them, and what came of it."""

    def __init__(self, sender: SmtpSender, source: Iterator[Message], witness: Witness) -> None:
        self._sender = sender
        self._account = sender.account
        self._source = source
        self._witness = witness
        self._ready: deque[Parcel] = deque()
        self._outcomes: list[Outcome] = []
        self._links: dict[int, Link] = {}  #: by file number
        self._idle: set[Link] = set()  #: of these, who awaits no reply
        self._poll = select.poll()
        self._next_look = 0.0  #: at deadlines
        self._ceiling = max(1, sender.account.sessions)
        self._opening: _Opening | None = None
        self._is_dry = False  #: the source has no more
        self._is_halting = False  #: nothing new goes out
        self._fault: DigestError | None = None  #: raised when nothing is in hand any more
        self._fruitless = 0
        self._answered = 0

    def __enter__(self) -> Self:
        while self._sender.parked:
            session = self._sender.parked.pop()
            if session.is_fresh:
                self._join(session)
            else:
                session.close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for link in list(self._links.values()):
            self._leave(link)
            if link.talk.is_idle and not link.is_clogged and link.talk.left > 0:
                link.session.left = link.talk.left
                self._sender.parked.append(link.session)
            else:
                link.session.close()
        if self._opening:
            self._opening.abandon()

    def run(self) -> Iterator[Outcome]:
        """Send until the source is dry, or a fault; whatever is in hand is finished first."""
        while True:
            self._fill()
            if self._idle or len(self._links) < self._ceiling:
                self._staff()
                self._fill()  # those that took one look for the next while they wait
            if self._outcomes:
                yield from self._given()
            if self._is_waiting():
                self._wait()
            elif self._is_dry and not self._ready:
                break
        if self._fault:
            raise self._fault

    def _is_waiting(self) -> bool:
        """Whether there is a reply or a session to wait for."""
        return len(self._idle) < len(self._links) or bool(self._ready and self._opening)

    def _given(self) -> list[Outcome]:
        given, self._outcomes[:] = list(self._outcomes), []
        self._answered += len(given)
        return given

    # --- messages in ---

    def _fill(self) -> None:
        """Have a message ready for each session before it asks."""
        if self._sender.stop.is_set():
            self._halt(None)
        if self._is_dry:
            return
        ready, wanted = self._ready, max(1, len(self._links))
        try:
            while len(ready) < wanted:
                parcel = pack(next(self._source))
                if isinstance(parcel, Parcel):
                    ready.append(parcel)
                else:
                    self._outcomes.append(parcel)
        except StopIteration:
            self._is_dry = True
        except DigestError as fault:
            self._halt(fault)

    def _supply(self) -> Parcel | None:
        return self._ready.popleft() if self._ready else None

    def _halt(self, fault: DigestError | None) -> None:
        """Start nothing more; finish within the grace what is in hand."""
        self._fault = self._fault or fault
        if self._is_halting:
            return
        self._is_halting = self._is_dry = True
        self._ready.clear()
        limit = time.monotonic() + self._account.timeouts.grace
        for link in self._links.values():
            link.hasten(limit)

    # --- sessions ---

    def _staff(self) -> None:
        """Give idle sessions work, and open another where it pays."""
        self._collect_opened()
        for link in list(self._idle):
            if link.talk.left <= 0:
                self._leave(link)
                link.session.quit()
            elif self._ready:
                self._on(link, link.begin)
        if self._ready:
            self._open_another()

    def _open_another(self) -> None:
        """The first session at once; each further one beside the work, when it seems to pay."""
        if self._opening:
            return
        count = len(self._links)
        if not count:
            try:
                self._join(self._sender.opener(self._account))
            except DeliveryFault as fault:
                self._halt(fault)
        elif count < self._ceiling and self._answered >= count * _WORTH_OPENING:
            self._opening = _Opening(self._sender)

    def _collect_opened(self) -> None:
        if self._opening is None or not self._opening.is_done:
            return
        opened, self._opening = self._opening, None
        if opened.session:
            self._join(opened.session)
            return
        self._ceiling = max(1, len(self._links))
        _log.info("No further session: %s", opened.fault, extra={"action": "session_refused"})

    def _join(self, session: Session) -> None:
        talk = Conversation(
            session.offer if self._sender.may_pipeline else session.offer.in_lockstep(),
            self._witness,
            supply=self._supply,
            outcomes=self._outcomes,
            by_recipient=self._account.lmtp,
            ceiling=session.left,
        )
        link = Link(session, talk, self._account.timeouts)
        self._links[session.sock.fileno()] = link
        self._idle.add(link)
        self._poll.register(session.sock, _READ)
        if self._ready:
            self._on(link, link.begin)

    def _leave(self, link: Link) -> None:
        del self._links[link.session.sock.fileno()]
        self._idle.discard(link)
        self._poll.unregister(link.session.sock)

    # --- the wire ---

    def _wait(self) -> None:
        """Wait for sockets until the next deadline, then give up those past theirs."""
        for number, _what in self._poll.poll(0) or self._heard_later():
            link = self._links[number]
            self._on(link, link.advance)
        now = time.monotonic()
        if now >= self._next_look:
            for link in [one for one in self._links.values() if one.deadline <= now]:
                self._time_out(link)
            self._next_look = now + _BUSY_TICK

    def _heard_later(self) -> list[tuple[int, int]]:
        """The links that something comes for in time; what there is to wait is the lull's."""
        poll, lull = self._poll.poll, self._sender.lull
        now = time.monotonic()
        nearest = min([link.deadline for link in self._links.values()], default=float("inf"))
        until = min(nearest, now + (_BUSY_TICK if self._opening else _TICK))
        self._next_look = min(self._next_look, nearest)
        while now < until:
            if not lull():
                return poll((until - now) * 1000)
            if events := poll(0):
                return events
            now = time.monotonic()
        return []

    def _on(self, link: Link, verb: Callable[[], None]) -> None:
        """Do something on a link, whatever becomes of it."""
        try:
            verb()
        except OSError as error:
            self._lose(link, str(error) or type(error).__name__)
        except ClaimLost as lost:
            self._lose(link, str(lost))
            self._halt(lost)
        else:
            self._look_after(link)

    def _look_after(self, link: Link) -> None:
        talk = link.talk
        if talk.closing:
            self._lose(link, talk.closing)
            return
        if talk.sender_refusals >= _SENDER_REFUSALS:
            fault = f"{self._account.place} refuses our sender address."
            self._halt(DeliveryFault(fault, mend="Check from_address and the login."))
        if talk.awaited:
            self._idle.discard(link)
        else:
            self._idle.add(link)
        if talk.deferrals and self._deferrals() >= _DEFERRALS:
            said = self._outcomes[-1].reply if self._outcomes else "try again later"
            self._halt(DeliveryFault(f"{self._account.place} takes nothing now: {said}."))
        if link.is_clogged != link.is_watched_for_room:
            link.is_watched_for_room = link.is_clogged
            wanted = _READ_AND_WRITE if link.is_clogged else _READ
            self._poll.modify(link.session.sock, wanted)

    def _deferrals(self) -> int:
        return sum(link.talk.deferrals for link in self._links.values())

    def _time_out(self, link: Link) -> None:
        if link.talk.is_stuck_behind_data:
            self._sender.may_pipeline = False
        self._lose(link, "timed out waiting for a reply")

    def _lose(self, link: Link, why: str) -> None:
        """Close a dead link, and find new homes for the messages it did not send."""
        self._leave(link)
        for parcel in reversed(link.talk.lost(link.unwritten, why)):
            parcel.strikes += 1
            if parcel.strikes >= _STRIKES:
                self._outcomes.append(not_sent(parcel.delivery, link.talk.closing))
            elif not self._is_halting:
                self._ready.appendleft(parcel)
        link.session.close()
        self._fruitless = 0 if link.talk.answered else self._fruitless + 1
        if self._fruitless >= _FRUITLESS:
            self._halt(DeliveryFault(f"{self._account.place} keeps hanging up: {why}."))


class _Opening:
    """A session being opened in a thread of its own, so that the others go on meanwhile."""

    def __init__(self, sender: SmtpSender) -> None:
        self.session: Session | None = None
        self.fault: DeliveryFault | None = None
        self._sender = sender
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._thread = threading.Thread(target=self._open, daemon=True, name="smtp-open")
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Nobody waits any longer: close what comes of it."""
        with self._lock:
            self._is_abandoned = True
            if self.session:
                self.session.close()

    def _open(self) -> None:
        try:
            session = self._sender.opener(self._sender.account)
        except DeliveryFault as fault:
            self.fault = fault
            return
        with self._lock:
            self.session = session
            if self._is_abandoned:
                session.close()
