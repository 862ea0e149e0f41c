"""What is examined: a checked configuration, and through what the world is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from digest.clock import Clock, system_clock
from digest.config import Settings
from digest.doctor.resolver import Resolver
from digest.model import Site
from digest.store.database import Database
from digest.store.revisions import require_current


@dataclass(frozen=True)
class Case:
    """One installation to look at. `file` is the configuration named on the command line."""

    settings: Settings
    file: Path | None = None
    clock: Clock = system_clock
    resolver: Resolver = field(default_factory=Resolver)

    @property
    def site(self) -> Site:
        return self.settings.as_site()

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The configured database, of the right schema; raises StoreError."""
        database = Database(self.settings.database.url.get_secret_value())
        try:
            require_current(database)
            yield database
        finally:
            database.dispose()
