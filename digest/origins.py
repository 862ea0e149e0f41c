"""Where papers come from: the configured sources and the libraries people keep, politely asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import entry_points
from typing import Any

from digest.clock import Clock
from digest.config import Settings
from digest.config.sources import AnySource
from digest.errors import ConfigError, UsageError
from digest.importing.services import Services
from digest.model import Fetched, Window
from digest.sources.base import Source
from digest.sources.http import Fetcher, HttpOptions
from digest.sources.kinds import ENTRY_POINTS, KINDS


class Origins:
    """The origins an installation knows, asked through one client that says who asks."""

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @contextmanager
    def sources(self) -> Iterator[list[Source]]:
        """The configured sources that are enabled."""
        with self._fetcher() as fetcher:
            enabled = [one for one in self._settings.sources if one.enabled]
            yield [make_source(config, fetcher) for config in enabled]

    def ask(self, name: str | None, window: Window) -> dict[str, Fetched]:
        """What the sources answer, all or the one of this name; nothing is stored. UsageError."""
        with self.sources() as sources:
            chosen = [one for one in sources if name is None or one.name == name]
            if not chosen:
                raise UsageError(f"There is no source {name!r}.", mend="See `digest sources list`.")
            return {one.name: one.fetch(window, {}) for one in chosen}

    @contextmanager
    def services(self) -> Iterator[Services]:
        """Libraries that live elsewhere."""
        with self._fetcher() as fetcher:
            yield Services(fetcher)

    @contextmanager
    def _fetcher(self) -> Iterator[Fetcher]:
        options = HttpOptions(
            contact=self._settings.site.operator_email,
            allow_private_addresses=self._settings.web.allow_private_addresses,
        )
        fetcher = Fetcher(options, now=self._clock)
        try:
            yield fetcher
        finally:
            fetcher.close()


def make_source(config: AnySource, fetcher: Fetcher) -> Source:
    """The source a `[[sources]]` table asks for; ConfigError for a kind nobody provides."""
    kind = config.kind
    maker: Any = KINDS.get(kind)
    if maker is None:
        found = entry_points(group=ENTRY_POINTS, name=kind)
        if not found:
            raise ConfigError(config.name, [f"kind: no installed package provides {kind!r}"])
        maker = next(iter(found)).load()
    known = {one.name for one in fields(maker.Options)}
    given = {name: value for name, value in config.model_dump().items() if name in known}
    source: Source = maker(maker.Options(**given), fetcher)
    return source
