"""Addresses: every link of ours is the site's base URL and a path, every other is checked.

The tokens arrive signed; this room signs nothing and knows no keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from digest.model import Paper, PaperId
from digest.rendering.sealed import Sealed

_SCHEMES: Final = ("https://", "http://", "mailto:")
_URL_LENGTH: Final = 2000
_UNWISE: Final = re.compile(r'[ "<>\\^`{|}]')  # RFC 3986 has no place for them; feeds use them

#: An address with nothing to mend, whose parts need not be told apart to see that.
_PLAIN: Final = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?(?:[/?#][!#-;=?-\[\]_a-z~]*)?"
)
_BREAKING: Final = re.compile(r'[\s"<>\\^`{|}\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]')


class MailTokens(Protocol):
    """The signed parts of one mail's links."""

    @property
    def unsubscribe(self) -> str: ...
    @property
    def preferences(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def feedback(self) -> str: ...


class FrameLinks(NamedTuple):
    """The addresses around the papers, as the digest templates get them."""

    web: str
    preferences: str
    pause: str
    unsubscribe: str


@dataclass(frozen=True, slots=True)
class SiteLinks:
    """One mail's own links. GET shows a page with a button on every one of them; POST acts."""

    base_url: str
    tokens: MailTokens

    @property
    def web(self) -> str:
        return f"{self.base_url}/d/{self.tokens.digest}"

    @property
    def preferences(self) -> str:
        return f"{self.base_url}/p/{self.tokens.preferences}"

    @property
    def pause(self) -> str:
        return f"{self.base_url}/p/{self.tokens.preferences}/pause"

    @property
    def unsubscribe(self) -> str:
        return f"{self.base_url}/u/{self.tokens.unsubscribe}"

    def of_frame(self) -> FrameLinks:
        return FrameLinks(self.web, self.preferences, self.pause, self.unsubscribe)

    def paper(self, paper: PaperId) -> str:
        """The paper's own page here; needs no token."""
        return f"{self.base_url}/paper/{paper}"

    def more_like(self, paper: PaperId) -> str:
        return f"{self.base_url}/f/{self.tokens.feedback}/{paper}/up"

    def less_like(self, paper: PaperId) -> str:
        return f"{self.base_url}/f/{self.tokens.feedback}/{paper}/down"

    def never(self, paper: PaperId) -> str:
        return f"{self.base_url}/f/{self.tokens.feedback}/{paper}/mute"


def safe_url(url: str) -> str:
    """The address if a reader may follow it, else "#": autoescape does not stop `javascript:`.

    One that is sealed has been found safe before.
    """
    if isinstance(url, Sealed) and url.is_address:
        return url
    return url if url.lower().startswith(_SCHEMES) and not _BREAKING.search(url) else "#"


@lru_cache(maxsize=1024)
def public_url(url: str | None) -> str | None:
    """An http(s) address with a host, spaces mended as PubMed needs it; None for anything else."""
    if not url or len(url) > _URL_LENGTH:
        return None
    return url if _PLAIN.fullmatch(url) else _mended(url)


def _mended(url: str) -> str | None:
    mended = _UNWISE.sub(lambda found: f"%{ord(found[0]):02X}", url.strip())
    try:
        parts = urlsplit(mended)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or not mended.isprintable():
        return None
    return mended


def paper_url(paper: Paper) -> str | None:
    """Where the title leads: the abstract, else whatever there is."""
    links, ids = paper.links, paper.ids
    resolver = f"https://doi.org/{ids.doi}" if ids.doi else None
    candidates = (links.abstract, links.pdf, links.discussion, ids.url, resolver)
    return next((url for url in map(public_url, candidates) if url), None)
