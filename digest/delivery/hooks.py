"""The sender for webhooks of every kind: one post after the other, at the other side's pace.

    message | pace | post | judge -> outcome

A post whose answer was lost after it had gone out is UNCERTAIN, every other loss DEFERRED. An
address that said "later" is left alone until then; a host that did not answer a few times in a row
is not waited for again in this drain, so that one dead server does not hold up the others
(guarantee 3).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from digest.clock import Clock
from digest.delivery.base import Witness
from digest.delivery.hook import Hook, judge
from digest.delivery.poster import Answer, Lost, Poster
from digest.model import DeliveryId, Message, Outcome, Result

_WORTH_WAITING: Final = 5.0  #: seconds of a pause that are waited out
_SILENT: Final = 3  #: posts in a row a host may leave unanswered


class HookSender:
    """A Sender; `hooks` by kind. `stop` ends it between two posts."""

    def __init__(
        self,
        hooks: Mapping[str, Hook],
        poster: Poster,
        *,
        clock: Clock,
        stop: threading.Event | None = None,
    ) -> None:
        self._hooks = hooks
        self._poster = poster
        self._clock = clock
        self._stop = stop or threading.Event()
        self._free_at: dict[str, float] = {}  #: when an address may be posted to again
        self._silent: Counter[str] = Counter()  #: by host

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._poster.close()

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        for message in messages:
            hook = self._hooks.get(message.kind)
            outcome = self._untried(message, hook)
            if outcome is None:
                assert hook is not None
                if self._stop.wait(self._pause(message.address)):
                    return
                outcome = self._post(message, hook, witness)
            yield outcome

    def _untried(self, message: Message, hook: Hook | None) -> Outcome | None:
        """What is known without asking; None where asking is right."""
        if hook is None:
            why = f"no installed package provides channels of the kind {message.kind}"
            return Outcome(message.delivery_id, Result.REFUSED, reply=why)
        pause = self._pause(message.address)
        if pause > _WORTH_WAITING:
            why = "asked for a pause earlier"
            return Outcome(message.delivery_id, Result.DEFERRED, reply=why, retry_after=pause)
        if self._silent[_host(message.address)] >= _SILENT:
            why = "not tried: the host did not answer others"
            return Outcome(message.delivery_id, Result.DEFERRED, reply=why)
        return None

    def _pause(self, address: str) -> float:
        return max(0.0, self._free_at.get(address, 0.0) - time.monotonic())

    def _post(self, message: Message, hook: Hook, witness: Witness) -> Outcome:
        headers = {"Content-Type": hook.content_type} | dict(message.headers)
        answer = self._poster.post(
            hook.target(message.address),
            message.payload,
            headers,
            leaving=lambda: witness.handing(message.delivery_id),
        )
        outcome = self._outcome(message, hook, answer)
        witness.answered(outcome)
        pause = max(hook.interval, outcome.retry_after or 0.0)
        self._free_at[message.address] = time.monotonic() + pause
        self._silent[_host(message.address)] *= isinstance(answer, Lost)
        self._silent[_host(message.address)] += isinstance(answer, Lost)
        return outcome

    def _outcome(self, message: Message, hook: Hook, answer: Answer | Lost) -> Outcome:
        if isinstance(answer, Lost):
            return lost(message.delivery_id, answer)
        outcome = judge(
            message.delivery_id,
            hook,
            answer.status,
            answer.headers,
            answer.body,
            address=message.address,
            now=self._clock(),
        )
        return arrived(outcome, message)


def arrived(outcome: Outcome, message: Message) -> Outcome:
    """The outcome, knowing whether another part follows."""
    if outcome.result is Result.ACCEPTED and message.more:
        return Outcome(outcome.delivery_id, Result.PARTLY, outcome.code, outcome.reply)
    return outcome


def lost(delivery: DeliveryId, loss: Lost) -> Outcome:
    """What a post without an answer means."""
    if loss.private:
        return Outcome(delivery, Result.REFUSED, reply=loss.why, recipient_fault=True)
    result = Result.UNCERTAIN if loss.written else Result.DEFERRED
    return Outcome(delivery, result, reply=loss.why)


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""
