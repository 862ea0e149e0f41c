"""WebSub: a hub hears that public feeds have news, and tells whoever subscribed to them there.

    an ingest brought papers | topics, each once | a thread of its own | one post a topic | forget

https://www.w3.org/TR/websub/ says how feeds name their hub; how a hub is told is custom (§7): a
form with `hub.mode=publish`, as PubSubHubbub has it. It never delays an ingest and is bounded in
topics and time. It is a kindness, not a guarantee: what the hub does not hear, the next news tells.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from digest.delivery.poster import Lost, Poster
from digest.rendering.feed import Format, public_path

log = logging.getLogger(__name__)

MOST: Final = 90  #: topics that wait to be told
_SECONDS: Final = 10.0  #: for one post
_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def topics(base_url: str, sources: Iterable[str]) -> list[str]:
    """The whole addresses of the feeds that these sources' papers stand in and that name a hub."""
    choices: list[str | None] = [None, *sources]
    return [base_url + public_path(format, source=one) for one in choices for format in Format]


class Hub:
    """Tells one hub, or nobody; any thread may call it."""

    def __init__(
        self,
        address: str | None,
        base_url: str,
        *,
        allow_private: bool = False,
        seconds: float = _SECONDS,
    ) -> None:
        self._address = address
        self._base_url = base_url
        self._allow_private = allow_private
        self._seconds = seconds
        self._waiting: dict[str, None] = {}
        self._turn = threading.Lock()
        self._telling: threading.Thread | None = None

    def announce(self, sources: Iterable[str]) -> None:
        """These sources brought papers; returns at once."""
        brought = list(sources)
        if self._address is None or not brought:
            return
        with self._turn:
            self._waiting |= dict.fromkeys(topics(self._base_url, brought))
            for late in list(self._waiting)[MOST:]:
                del self._waiting[late]
            if self._telling is None:
                telling = threading.Thread(
                    target=self._tell, args=(self._address,), daemon=True, name="hub"
                )
                self._telling = telling
                self._telling.start()

    def finish(self, seconds: float) -> None:
        """Wait until everything is told, so long at most: for a process that is about to end."""
        telling = self._telling
        if telling is not None:
            telling.join(seconds)

    def _tell(self, hub: str) -> None:
        poster = Poster(allow_private=self._allow_private, timeout=self._seconds)
        try:
            self._tell_all(hub, poster)
        finally:
            poster.close()

    def _tell_all(self, hub: str, poster: Poster) -> None:
        told, refused = 0, ""
        while (topic := self._next()) is not None:
            form = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic})
            answer = poster.post(hub, form.encode(), _HEADERS, leaving=_leaving)
            if isinstance(answer, Lost):
                refused = answer.why
                self._forget()  # nobody is there: the next news tries again
            elif 200 <= answer.status < 300:
                told += 1
            else:
                refused = f"it answered {answer.status}"
        if refused:
            log.warning("The hub was not told: %s.", refused, extra={"action": "hub_refused"})
        if told:
            log.info("The hub was told of %d feeds.", told, extra={"action": "hub_told"})

    def _next(self) -> str | None:
        with self._turn:
            topic = next(iter(self._waiting), None)
            if topic is None:
                self._telling = None
            else:
                del self._waiting[topic]
            return topic

    def _forget(self) -> None:
        with self._turn:
            self._waiting.clear()


def _leaving() -> None:
    """A hub that hears a thing twice minds as little as one that misses it."""
