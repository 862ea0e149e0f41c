"""The configured sources with their rhythms: when each was asked of late, and when it is next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.config import AnySource
from digest.model import PastFetch
from digest.rhythm.asking import next_ask
from digest.rhythm.waiting import missing_since
from digest.store.papers import PaperStore

HISTORY: Final = timedelta(days=5)  #: of a source's fetches, enough for rhythm and waiting


@dataclass(frozen=True, slots=True)
class Rhythms:
    """The enabled ones of `sources`; `usual_minutes` for those without a rhythm of their own."""

    sources: Sequence[AnySource]
    usual_minutes: int
    papers: PaperStore

    def enabled(self) -> list[AnySource]:
        return [one for one in self.sources if one.enabled]

    def every(self, source: AnySource) -> timedelta:
        return timedelta(minutes=source.every_minutes or self.usual_minutes)

    def next_asks(self, now: datetime) -> dict[str, datetime]:
        """When each source is to be asked next; a time that is past means now."""
        return {one.name: self._next_ask(one, now) for one in self.enabled()}

    def missing(self, now: datetime) -> dict[str, datetime]:
        """For each source with a calendar, the first announcement that is not in."""
        found = {
            one.name: self._missing(one, self._history(one, now), now) for one in self.enabled()
        }
        return {name: at for name, at in found.items() if at is not None}

    def _next_ask(self, source: AnySource, now: datetime) -> datetime:
        history = self._history(source, now)
        return next_ask(
            history,
            every=self.every(source),
            now=now,
            announcement=self._missing(source, history, now),
        )

    def _missing(
        self, source: AnySource, history: Sequence[PastFetch], now: datetime
    ) -> datetime | None:
        # A trial that reads files follows nobody's calendar.
        kind = "" if source.path is not None else source.kind
        return missing_since(history, kind=kind, now=now)

    def _history(self, source: AnySource, now: datetime) -> tuple[PastFetch, ...]:
        return self.papers.history(source.name, since=now - HISTORY)
