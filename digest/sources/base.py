"""The Source seam: what ingest needs of a place that announces papers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from digest.model import Fetched, Window


class Source(Protocol):
    """One configured source.

    `fetch` answers with listings announced inside `window` (and, where the source cannot tell, all
    it has); it never raises for the world's faults, which come back as `Fetched.fault`. `state` is
    what the last successful fetch returned as `Fetched.state`, or empty. It blocks; ingest runs
    several side by side in threads.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def fetch(self, window: Window, state: Mapping[str, str]) -> Fetched: ...
