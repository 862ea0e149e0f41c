"""Where everything is, as pages link to it: paths below the site's own, never a Host header.

Mail and feeds need whole addresses; those are the site's base URL and one of these paths.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode, urlsplit

from digest.model import Paper, PaperId
from digest.web.languages import KEY

_NO_PAGES: Final = ("/static/", "/feeds/papers.")  #: the same whatever a visitor speaks
_SLUG: Final = 60  #: characters
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Links:
    """Paths of one installation; `root` is the path of its base URL, "" for most.

    `language` is what a visitor chose by name, if they did: then every page's link carries it.
    """

    root: str
    language: str = ""

    @classmethod
    def below(cls, base_url: str) -> Links:
        return cls(urlsplit(base_url).path.rstrip("/"))

    def to(self, path: str, **query: str | None) -> str:
        """A path with the parts of a query that are something."""
        if self.language and not path.startswith(_NO_PAGES):
            query[KEY] = self.language
        given = {name: value for name, value in query.items() if value}
        return f"{self.root}{path}?{urlencode(given)}" if given else f"{self.root}{path}"

    def day(self, day: date, **query: str | None) -> str:
        return self.to(f"/papers/{day.isoformat()}", **query)

    def week(self, day: date, **query: str | None) -> str:
        """The ISO week in which `day` lies."""
        year, number, _ = day.isocalendar()
        return self.to(f"/papers/{year:04}-W{number:02}", **query)

    def month(self, day: date, **query: str | None) -> str:
        return self.to(f"/papers/{day.year:04}-{day.month:02}", **query)

    def paper(self, paper: Paper) -> str:
        return self.to(paper_path(paper.id, paper.title))


def paper_path(id: PaperId, title: str) -> str:
    name = slug(title)
    return f"/paper/{id}/{name}" if name else f"/paper/{id}"


def slug(title: str) -> str:
    """The title's words for an address, in plain letters; "" where it has none."""
    if not title.isascii():
        title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    words = _NOT_PLAIN.sub("-", title.lower()).strip("-")
    if len(words) <= _SLUG:
        return words
    return words[:_SLUG].rpartition("-")[0] or words[:_SLUG]
