"""Where a source's documents come from: addresses, asked conditionally, or local files for trials.

A `Visit` is one fetch of one source: it carries last time's validators in and this time's out, and
puts the place in front of a parser's complaint.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from digest.model import Fetched, Window
from digest.sources.documents import MOST_BYTES
from digest.sources.http import Fault, Fetcher, Response, place
from digest.sources.reading import Reading, merge

Parse = Callable[[bytes, str], Reading]  #: body and content type

ANY_FEED = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
JSON = "application/json"
_MOST_FILES = 1000
_KEYS = ("etag", "last_modified")


class Visit:
    """One source's requests within one fetch."""

    def __init__(self, fetcher: Fetcher, state: Mapping[str, str]) -> None:
        self._fetcher = fetcher
        self._before = state
        self.state: dict[str, str] = {}

    def read(
        self, url: str, parse: Parse, *, accept: str = ANY_FEED, conditional: bool = True
    ) -> Reading:
        """What `url` gives, parsed; with `conditional`, only when it changed since last time."""
        validators = {key: self._before.get(f"{key} {url}", "") for key in _KEYS}
        answer = self._fetcher.get(url, accept=accept, validators=validators if conditional else {})
        if isinstance(answer, Fault):
            return Reading(
                fault=answer.message,
                unreachable=answer.unreachable,
                retry_after=answer.retry_after,
            )
        if answer.not_modified:
            self.state |= {f"{key} {url}": value for key, value in validators.items() if value}
            return Reading(not_modified=True)
        reading = _placed(parse(answer.body, answer.headers.get("content-type", "")), place(url))
        if conditional and reading.complete and not reading.fault:
            self._remember(url, answer)
        return reading

    def _remember(self, url: str, answer: Response) -> None:
        values = (answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))
        self.state |= {f"{k} {url}": v for k, v in zip(_KEYS, values, strict=True) if v}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions:
    """A source at one address; `path` is for trials."""

    name: str
    url: str | None = None
    path: Path | None = None


class PlaceSource(ABC):
    """A Source at one address, or in local files; a kind says how its documents are read."""

    kind: ClassVar[str]
    Options = PlaceOptions

    def __init__(self, options: PlaceOptions, fetcher: Fetcher) -> None:
        self._options = options
        self._fetcher = fetcher

    @property
    def name(self) -> str:
        return self._options.name

    def fetch(self, window: Window, state: Mapping[str, str]) -> Fetched:
        if self._options.path is not None:
            return merge(read_files(self._options.path, self.parse), until=window.until)
        visit = Visit(self._fetcher, state)
        return merge(self.visit(visit, window), visit.state, until=window.until)

    def visit(self, visit: Visit, window: Window) -> list[Reading]:
        """Every document of one fetch: the one at the address, unless the kind has more."""
        return [visit.read(self._options.url or "", self.parse)]

    @abstractmethod
    def parse(self, body: bytes, content_type: str = "") -> Reading: ...


def read_files(path: Path, parse: Parse) -> list[Reading]:
    """Every document at `path`: one file, or a directory's files in name order."""
    try:
        files = _files(path)
    except OSError as error:
        return [_unreadable(path, error)]
    if not files:
        return [Reading(fault=f"{path}: no file is there. Put a listing there or mend path.")]
    return [_read_file(file, parse) for file in files]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    return [each for each in inside if each.is_file()][:_MOST_FILES]


def _read_file(file: Path, parse: Parse) -> Reading:
    try:
        with file.open("rb") as stream:
            body = stream.read(MOST_BYTES + 1)
    except OSError as error:
        return _unreadable(file, error)
    reading = replace(parse(body, ""), total=None)  # one saved page of a search is all there is
    return _placed(reading, file.name)


def _unreadable(path: Path, error: OSError) -> Reading:
    return Reading(fault=f"{path}: {error.strerror or error}. Mend path in this source's table.")


def _placed(reading: Reading, where: str) -> Reading:
    return replace(reading, fault=f"{where} {reading.fault}") if reading.fault else reading
