"""Stand-ins for the world's edge, and for nothing of ours: time, and the sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from digest.model import Fetched, Listing, Window

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)  #: a Friday


@dataclass
class FrozenClock:
    """A Clock that moves only when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **span: float) -> datetime:
        """Move by timedelta's arguments (backwards too) and return the new time."""
        self.now += timedelta(**span)
        return self.now

    def set(self, now: datetime) -> None:
        self.now = now


@dataclass
class ScriptedSource:
    """A Source that gives the scripted answers in turn, and the last one ever after.

    An answer is a Fetched, some listings, an exception to raise, or a call to make first.
    """

    name: str = "arxiv"
    kind: str = "arxiv"
    answers: list[Fetched | Sequence[Listing] | Exception | Callable[[], Fetched]] = field(
        default_factory=list
    )
    asked: list[tuple[Window, dict[str, str]]] = field(default_factory=list)

    def fetch(self, window: Window, state: Mapping[str, str]) -> Fetched:
        self.asked.append((window, dict(state)))
        if not self.answers:
            return Fetched()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Fetched):
            return answer
        return answer() if callable(answer) else Fetched(listings=tuple(answer))
