"""OPML, the list of feeds that every feed reader exports, as `[[sources]]` of the configuration."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from digest.errors import UsageError
from digest.identifiers import safe_url
from digest.importing.xml import local, parse_xml
from digest.text import clean, shorten

_LONGEST_NAME = 60  #: characters, as the configuration wants


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed, under a name of its own."""

    name: str
    url: str

    def toml(self) -> str:
        """The `[[sources]]` table that reads it."""
        return (
            f'[[sources]]\nkind = "feed"\nname = {_quoted(self.name)}\nurl = {_quoted(self.url)}\n'
        )


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds of a list. `known` are configured already, `faults` name what is no feed."""

    feeds: tuple[Feed, ...] = ()
    known: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def read_opml(
    body: bytes, place: str, *, names: Collection[str] = (), urls: Collection[str] = ()
) -> Feeds:
    """The feeds of an OPML file, each once; `names` and `urls` are taken.

    Raises UsageError naming the line where it is no XML, and where it is no OPML.
    """
    root = parse_xml(body, place)
    if local(root).lower() != "opml":
        mend = "Export the list of feeds from your reader as OPML."
        raise UsageError(f"{place}: this is <{local(root)}>, not OPML.", mend=mend)
    taken, configured = {name.casefold() for name in names}, {_same(url) for url in urls}
    seen: set[str] = set()
    feeds: list[Feed] = []
    known: list[str] = []
    faults: list[str] = []
    for title, address in _outlines(root):
        url = safe_url(address)
        if url is None:
            faults.append(
                f"{shorten(title or address, 60)}: {shorten(address, 80)!r} is no address"
            )
        elif _same(url) not in seen:
            seen.add(_same(url))
            if _same(url) in configured:
                known.append(url)
                continue
            feeds.append(Feed(_own_name(title or url, taken), url))
    return Feeds(tuple(feeds), tuple(known), tuple(faults))


def _outlines(root: Element) -> Iterator[tuple[str, str]]:
    for one in root.iter():
        given = {name.lower(): value for name, value in one.attrib.items()}
        if local(one) == "outline" and given.get("xmlurl"):
            yield clean(given.get("title") or given.get("text") or ""), given["xmlurl"].strip()


def _own_name(title: str, taken: set[str]) -> str:
    """The title as a name that no other source has."""
    base = shorten(" ".join(title.split()), _LONGEST_NAME - 4)
    name, number = base, 2
    while name.casefold() in taken:
        name, number = f"{base} {number}", number + 1
    taken.add(name.casefold())
    return name


def _same(url: str) -> str:
    return url.partition("://")[2].rstrip("/").casefold()


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
