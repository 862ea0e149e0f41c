"""Secrets in addresses: what may be shown of a webhook, and texts without it. Pure.

The address of a webhook is the right to post: whoever reads it in a log can write to the channel.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_TELLING: Final = 4  #: characters shown of the end …
_LONG: Final = 20  #: … of a path at least so long
_WORTH_HIDING: Final = 6
_PARTS: Final = re.compile(r"[/?&=:@#]+")


def masked(address: str) -> str:
    """Enough to recognise an address by, and too little to post with: `https://host/…4f9Q`."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "…"
    rest = address.partition(f"{parts.netloc}")[2] if parts.netloc else ""
    shown = rest[-_TELLING:] if len(rest) >= _LONG and rest[-_TELLING:].isalnum() else ""
    known = host if parts.scheme in ("http", "https") else ""  # elsewhere a host may be a token
    return f"{parts.scheme}://{known}/…{shown}" if parts.scheme else "…"


def redacted(text: str, address: str) -> str:
    """`text` without the address, its path, or any longer part of them."""
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2] if scheme in ("http", "https") else ""
    pieces = {piece for piece in _PARTS.split(rest) if len(piece) >= _WORTH_HIDING}
    pieces = {address, rest} | pieces - {host, host.partition(":")[0]}
    for piece in sorted({*pieces, *map(unquote, pieces)}, key=len, reverse=True):
        text = text.replace(piece, "…") if piece else text
    return text
