"""What composing needs of papers and interests, worked out as soon as papers are stored.

    new papers    | embed | choose a sentence                       before anybody is due
    new week      | measure its background and every interest
    new interests | measure them

Digests then wait for none of it. What a kill, a deadline or a model that is away leaves undone is
done by whoever needs it next: composing embeds what has no vectors, and a round of summaries
chooses what was not chosen.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Event

from digest.clock import Clock
from digest.errors import ConfigError, StoreBusy
from digest.likeness import STEP, Likeness
from digest.summaries.rounds import Summaries

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Groundwork:
    """The groundwork of one installation."""

    likeness: Likeness
    summaries: Summaries
    stop: Event

    def lay(self, clock: Clock) -> None:
        """All that is missing; never a reason for an ingest to fail."""
        try:
            self._embed(clock)
            self.likeness.measure_ahead(clock(), self.stop)
        except (ConfigError, StoreBusy) as error:  # composing says so to whom it concerns
            told = {"action": "papers.not_embedded"}
            log.warning("New papers are embedded when they are needed: %s", error, extra=told)
        self.summaries.choose(clock)

    def _embed(self, clock: Clock) -> None:
        papers = self.likeness.fresh(clock().date())
        for start in range(0, len(papers), STEP):
            if self.stop.is_set():
                return
            self.likeness.embed(papers[start : start + STEP], progress=lambda done: None)
