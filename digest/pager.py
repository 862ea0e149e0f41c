"""What the operator is told by mail, once: kept until the mail has left.

An event (an account paused, an account works again) is told once. A state (no mail can be composed)
is told once for as long as it is the same. What is told is in the log at once; the mail is sent by
`digest.notices`, which comes back for it as long as no mail can leave. Killed in between, the
operator is told twice and never not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from digest.clock import Clock
from digest.errors import TemplateFault
from digest.model import Delivery
from digest.store.database import Database
from digest.store.marks import MarkStore

_log = logging.getLogger(__name__)

T = TypeVar("T")

_EVENT: Final = "notice/event/"
_STATE: Final = "notice/state/"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the operator has yet to be told."""

    name: str
    text: str


class Pager:
    """Leaves notices for the operator; `is_mailed` False: the log is enough."""

    def __init__(self, database: Database, *, clock: Clock, is_mailed: bool = True) -> None:
        self._marks = MarkStore(database)
        self._clock = clock
        self._is_mailed = is_mailed

    def tell(self, text: str) -> None:
        """Something happened."""
        _log.error("%s", text, extra={"action": "operator_told"})
        if self._is_mailed:
            now = self._clock()
            self._marks.set(f"{_EVENT}{now.isoformat()}/{hash(text) & 0xFFFF:04x}", now, text=text)

    def hold(self, cause: str, text: str) -> None:
        """Something is so, until it is `over`; told anew when it is so in other words."""
        known = self._marks.get(_STATE + cause)
        if known is not None and known.detail.get("text") == text:
            return
        _log.error("%s", text, extra={"action": "operator_told", "cause": cause})
        self._marks.set(_STATE + cause, self._clock(), text=text, told=not self._is_mailed)

    def heeding(
        self, cause: str, compose: Callable[[Sequence[Delivery]], Iterable[T]]
    ) -> Callable[[Sequence[Delivery]], Iterator[T]]:
        """`compose`, which holds `cause` while it raises TemplateFault."""
        may_be_held = True  # by an earlier one, too

        def composed(deliveries: Sequence[Delivery]) -> Iterator[T]:
            nonlocal may_be_held
            try:
                yield from compose(deliveries)
            except TemplateFault as fault:
                may_be_held = True
                self.hold(cause, f"Mails cannot be composed, and wait: {fault}")
                raise
            if may_be_held:
                self.over(cause)
                may_be_held = False

        return composed

    def over(self, cause: str) -> None:
        if self._marks.get(_STATE + cause) is not None:
            self._marks.remove(_STATE + cause)

    def waiting(self) -> list[Notice]:
        """What is yet to be told, the oldest first."""
        left = [one for one in self._marks.below("notice/") if not one.detail.get("told")]
        return [Notice(one.name, one.detail["text"]) for one in sorted(left, key=lambda n: n.at)]

    def told(self, notice: Notice) -> None:
        """The mail has left; something else said meanwhile under the same name is yet to be."""
        known = self._marks.get(notice.name)
        if known is None or known.detail.get("text") != notice.text:
            return
        if notice.name.startswith(_STATE):
            self._marks.set(notice.name, known.at, text=notice.text, told=True)
        else:
            self._marks.remove(notice.name)
