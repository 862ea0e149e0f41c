"""One run: the whole river once.

    leftovers | ingest | compose | send

What an earlier run left in the outbox goes first, so that a digest composed before a crash is
sent as it was composed; then the day's work. Killed at any instant, the next run goes on from what
is stored. It holds no policy of its own: each step keeps its own guarantees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.edition import Composed
from digest.ingest import SourceReport
from digest.model import DeliveryState

_REPORTED = (
    DeliveryState.DELIVERED,
    DeliveryState.DEFERRED,
    DeliveryState.REFUSED,
    DeliveryState.UNCERTAIN,
)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did; the figures add up to what was due."""

    at: datetime
    sources: Sequence[SourceReport] = ()
    digests: Composed = field(default_factory=Composed)
    deliveries: Counter[DeliveryState] = field(default_factory=Counter)

    @property
    def has_failures(self) -> bool:
        """Whether a source or a delivery failed: exit code 3."""
        sources = any(one.verdict.is_failure for one in self.sources)
        refused = (DeliveryState.DEFERRED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
        return sources or any(self.deliveries[state] for state in refused)

    def to_json(self) -> dict[str, Any]:
        """The documented shape of `digest run --json`."""
        return {
            "sources": {
                one.source: {
                    "verdict": one.verdict.value,
                    "listings": one.listings,
                    "new_papers": one.new_papers,
                }
                for one in self.sources
            },
            "digests": {
                "composed": self.digests.composed,
                "skipped": {
                    reason.value: count for reason, count in sorted(self.digests.skipped.items())
                },
            },
            "deliveries": {state.value: self.deliveries[state] for state in _REPORTED},
        }
