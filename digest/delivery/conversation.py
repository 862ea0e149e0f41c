"""The SMTP dialogue of one session after login, as a machine without I/O (RFC 5321, 2920).

    MAIL RCPT DATA            one write, and then a message a round trip:
      body . MAIL RCPT DATA     <- 250 250 354 of this message, one read
      body . MAIL RCPT DATA     <- 250 of the last, 250 250 354 of this one
      body .

Bytes go in by `feed`, bytes to write come out of `output`, outcomes go to `outcomes`. Every reply
is matched with the command it answers. Without PIPELINING the same commands go one at a time.

Guarantee 2: `witness.handing` is called before an end-of-data goes out, `witness.answered` when its
reply was read; between the two the message is `sealed`, and only then can a lost connection leave
it UNCERTAIN. Not its business: sockets, time, and whether to try again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from digest.delivery.base import Witness
from digest.delivery.envelope import Offer, Parcel, mail_command
from digest.delivery.replies import (
    INVITING,
    Reply,
    ReplyReader,
    accepted,
    invites,
    not_sent,
    one_line,
    outcome_of,
)
from digest.model import Outcome, Result

CLOSING: Final = 421  #: "service not available, closing transmission channel", to any command
_END: Final = b".\r\n"
_REFUSING: Final = (4, 5)  #: first digits that may answer anything


class Step(Enum):
    """What a reply is awaited for."""

    RSET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    END = auto()  #: end-of-data of the sealed message
    VOID = auto()  #: a lone dot, because DATA was accepted for a message without recipient


_ENDED: Final = (Step.END,)
_ENVELOPE: Final = (Step.MAIL, Step.RCPT, Step.DATA)
_TURN: Final = _ENDED + _ENVELOPE  #: of the last message, and of the next behind it
_UNCERTAIN: Final = Result.UNCERTAIN


class Conversation:
    """Sends what `supply` gives until it gives None, at most `ceiling` messages."""

    def __init__(
        self,
        offer: Offer,
        witness: Witness,
        *,
        supply: Callable[[], Parcel | None],
        outcomes: list[Outcome],
        by_recipient: bool = False,
        ceiling: int = 1_000_000,
    ) -> None:
        self.output: list[bytes | memoryview] = []  #: whoever writes it takes it from the front
        self.outcomes = outcomes
        self.awaited: tuple[Step, ...] = ()
        self.current: Parcel | None = None  #: announced, not handed over
        self.sealed: Parcel | None = None  #: handed over, not answered
        self.behind = 0  #: bytes in `output` behind the newest end-of-data
        self.replies = 0  #: read so far
        self.answered = 0  #: messages with a final reply
        self.left = ceiling  #: messages this session may still take
        self.sender_refusals = 0  #: in a row, to MAIL FROM
        self.deferrals = 0  #: in a row, of what is no recipient's fault: 4yz to all but RCPT
        self.closing = ""  #: why the connection is of no more use
        self._offer = offer
        self._witness = witness
        self._supply = supply
        self._by_recipient = by_recipient
        self._reader = ReplyReader()
        self._held_back: deque[tuple[Step, bytes]] = deque()  #: lockstep: commands not yet written
        self._verdict: Reply | None = None  #: what refused the current message first
        self._to_recipient = False
        self._open = False  #: the server may hold a transaction that only RSET ends
        self._rides_behind = False  #: the current commands went out behind an end-of-data

    @property
    def is_idle(self) -> bool:
        return not self.awaited and not self.closing

    @property
    def is_stuck_behind_data(self) -> bool:
        """Whether the server answered the end-of-data and swallowed what came behind it.

        Some middle boxes offer PIPELINING and drop such commands.
        """
        return self._rides_behind and self.sealed is None and bool(self.awaited)

    def start(self) -> None:
        """Begin with the next message, where none is under way."""
        if self.is_idle:
            self._announce_next()

    def feed(self, data: bytes) -> None:
        """Take what the server sent. May raise ClaimLost; nothing was handed over then."""
        if self._reader.is_empty and self._goes_on(data):
            return
        for reply in self._reader.feed(data):
            if self.closing:
                return
            self.replies += 1
            self._take(reply)

    def _goes_on(self, data: bytes) -> bool:
        """Take what nearly all replies are, in one look at them; False: others, and none is taken.

        That is: the last message was accepted, where there is one, and all of the next envelope.
        """
        said, awaited = b"", self.awaited
        if awaited == _TURN:
            said, _, data = data.partition(b"\n")
            if not said.startswith(b"250 "):
                return False
        elif awaited != _ENVELOPE:
            return False
        if not invites(data):
            return False
        self.replies += len(awaited)
        self.awaited = ()
        if sealed := self.sealed:
            self.sealed, self.deferrals = None, 0
            self._record(accepted(sealed.delivery, said.rstrip(b"\r")[4:]))
        self.sender_refusals = 0
        self._hand_over()
        return True

    def lost(self, unwritten: int, why: str) -> list[Parcel]:
        """The connection is gone with `unwritten` bytes of output; gives back what was not sent.

        A message whose end-of-data had left entirely becomes UNCERTAIN.
        """
        self.closing = self.closing or one_line(why)
        back = [self.current] if self.current else []
        if self.sealed and unwritten > self.behind:
            back.insert(0, self.sealed)
            self._witness.answered(not_sent(self.sealed.delivery, self.closing))
        elif self.sealed:
            self._record(Outcome(self.sealed.delivery, _UNCERTAIN, reply=self.closing))
        self.current = self.sealed = None
        self.awaited = ()
        return back

    # --- replies ---

    def _take(self, reply: Reply) -> None:
        step = self.awaited[0] if self.awaited else None
        kind = reply.code // 100
        if step is None or (kind != (3 if step is Step.DATA else 2) and kind not in _REFUSING):
            self.closing = f"out of step: {reply.code} {reply.text}"  # we have lost our place
            return
        if reply.code == CLOSING:
            self._close(reply)
            return
        self.awaited = self.awaited[1:]
        if step is Step.END:
            self._end(reply)
        elif step is Step.MAIL or step is Step.RCPT:
            self._envelope(step, reply)
        elif step is Step.DATA:
            self._data(reply)
        if not self.awaited:
            self._release()

    def _close(self, reply: Reply) -> None:
        """421 to end-of-data is that message's answer; to anything else it is nobody's."""
        self.closing = f"{reply.code} {reply.text}"
        if self.awaited[0] is Step.END:
            self._end(reply)

    def _end(self, reply: Reply) -> None:
        assert self.sealed is not None, "an end-of-data is awaited only for a sealed message"
        delivery = self.sealed.delivery
        self.sealed = None
        if reply.is_positive:
            self.deferrals = 0
        elif not self._by_recipient:
            self.deferrals += reply.is_transient
        self._record(outcome_of(delivery, reply, to_recipient=self._by_recipient))

    def _envelope(self, step: Step, reply: Reply) -> None:
        self._rides_behind, is_positive = False, reply.is_positive
        if step is Step.MAIL:
            self._open = is_positive
            self.sender_refusals = 0 if is_positive else self.sender_refusals
        if not is_positive and self._verdict is None:
            self._verdict = reply
            self._to_recipient = step is Step.RCPT
            self._drop_held_back()

    def _data(self, reply: Reply) -> None:
        if self._verdict is None and reply.code != INVITING:
            self._verdict = reply
        if reply.code != INVITING:
            self._refuse()
            self._announce_next()
        elif self._verdict is None:
            self._hand_over()
        else:  # every recipient was refused and still the server wants data (RFC 2920, 3.1)
            self._refuse()
            self._open = False
            self._write(Step.VOID, _END)
            self._announce_next()

    def _refuse(self) -> None:
        """Give the current message the outcome of the first refusal."""
        assert self.current is not None
        assert self._verdict is not None
        delivery, verdict = self.current.delivery, self._verdict
        outcome = outcome_of(delivery, verdict, to_recipient=self._to_recipient)
        if verdict.is_permanent and self._is_sender_fault():
            self.sender_refusals += 1
            outcome = Outcome(delivery, Result.DEFERRED, verdict.code, verdict.text)
        if verdict.is_transient and not self._to_recipient:
            self.deferrals += 1
        self.current = None
        self._record(outcome)

    def _is_sender_fault(self) -> bool:
        """MAIL was refused for good, and not for this message's size or form.

        That is for the operator to mend; it must not refuse every subscriber's digest.
        """
        assert self._verdict is not None
        if self._to_recipient or self._open:
            return False
        enhanced = self._verdict.enhanced
        about_message = enhanced is not None and enhanced[1:] in ((3, 4), (2, 3), (6, 7), (6, 3))
        return not about_message and self._verdict.code not in (552, 555)

    def _record(self, outcome: Outcome) -> None:
        self._witness.answered(outcome)
        self.answered += outcome.result is not _UNCERTAIN
        self.outcomes.append(outcome)

    # --- commands ---

    def _hand_over(self) -> None:
        """Write the body and, behind its end-of-data, the next message's commands."""
        parcel = self.current
        assert parcel is not None
        self._witness.handing(parcel.delivery)
        self.current, self.sealed, self._open = None, parcel, False
        self.output += parcel.body, _END
        self.awaited += _ENDED
        self._rides_behind, self.behind = False, 0
        if self._offer.pipelining:
            self._announce_next()
            if self.current is not None:
                self._rides_behind, self.behind = True, len(self.output[-1])

    def _announce_next(self) -> None:
        """Write the envelope of the next message that this server can be offered."""
        while self.left > 0 and not self.closing:
            parcel = self._supply()
            if parcel is None:
                return
            mail = mail_command(parcel, self._offer)
            if isinstance(mail, bytes):
                self._announce(parcel, mail)
                return
            refusal = Outcome(parcel.delivery, Result.REFUSED, reply=mail)
            self._record(refusal)

    def _announce(self, parcel: Parcel, mail: bytes) -> None:
        self.current, self._verdict, self._to_recipient = parcel, None, False
        self.left -= 1
        if self._open:
            self._write(Step.RSET, b"RSET\r\n")
            self._open = False
        if self._offer.pipelining:
            self.awaited += _ENVELOPE
            self.output.append(b"%bRCPT TO:<%b>\r\nDATA\r\n" % (mail, parcel.recipient))
            return
        self._write(Step.MAIL, mail)
        self._write(Step.RCPT, b"RCPT TO:<%b>\r\n" % parcel.recipient)
        self._write(Step.DATA, b"DATA\r\n")

    def _write(self, step: Step, command: bytes) -> None:
        if self._offer.pipelining or not self.awaited:
            self.awaited += (step,)
            self.output.append(command)
        else:
            self._held_back.append((step, command))

    def _release(self) -> None:
        """Lockstep: after a reply, the next command; after the last one, the next message."""
        if self.closing:
            return
        if self._held_back:
            step, command = self._held_back.popleft()
            self.awaited += (step,)
            self.output.append(command)
        elif self.current is None:
            self._announce_next()

    def _drop_held_back(self) -> None:
        """Lockstep: a refused envelope needs no further commands."""
        if self._offer.pipelining:
            return
        self._held_back.clear()
        self._refuse()
