"""Quoted-printable fragments that may stand side by side in any order (RFC 2045 §6.7).

Every fragment begins and ends at column 0: it ends with the text's own line end, or else with a
soft one. So a body is a plain join of fragments, no line of it passes 76 columns, and none begins
with a full stop, which SMTP would have to double (RFC 5321 §4.5.2). Decoding a join gives the join
of the texts.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

SOFT: Final = b"=\r\n"
COLUMNS: Final = 75  #: of a line, one more being for the soft break
ROOM: Final = COLUMNS - 2  #: of a cut line, for a full stop at its beginning is quoted
# `binascii.b2a_qp` is no use here: white space at a line's end can push it to 78 columns.
_CONTROL: Final = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
_SOUND: Final = bytes([*b"\n", *range(0x20, 0x7F)])
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,{ROOM - 1}}}")
# A cut is never made inside an "=3D". Lines have no line ends: not looking for any is quicker.
_CUT: Final = re.compile(rb"(?s).{1,%d}(?<!=)(?<!=[0-9A-F])" % ROOM)


def fragment(text: str) -> bytes:
    """The text as a fragment; its line ends ("\\n") become hard ones."""
    return cut(quoted(text))


def quoted(text: str) -> bytes:
    """The text with all characters quoted that need it, yet to be cut into lines.

    Whatever is quoted may be put together before it is cut: no character depends on its neighbours.
    """
    quoted = text.replace("=", "=3D").encode("ascii", "paper-digest.quoted")
    if quoted.translate(None, _SOUND):
        quoted = _CONTROL.sub(lambda found: b"=%02X" % found[0][0], quoted)
    return quoted


def cut(quoted: bytes) -> bytes:
    """Quoted text as a fragment."""
    whole = broken(quoted)
    return whole + SOFT if whole and not whole.endswith(b"\n") else whole


def broken(quoted: bytes) -> bytes:
    """Quoted text in lines, the last of which is yet to be closed."""
    if len(quoted) <= ROOM and quoted.find(b"\n") < 0 and quoted[:1] != b".":
        return quoted
    quoted = quoted.replace(b" \n", b"=20\n")
    lines = quoted.split(b"\n")
    if max(map(len, lines)) > ROOM or has_dots(quoted):
        lines = [line if len(line) <= ROOM and line[:1] != b"." else _cut(line) for line in lines]
    return b"\r\n".join(lines)


def has_dots(lines: bytes) -> bool:
    """Whether one of these lines begins with a full stop."""
    return lines.startswith(b".") or lines.find(b"\n.") >= 0  # `in` tries for a number first


def tokens(texts: Sequence[str]) -> list[bytes]:
    """The fragments of signed tokens, which need no quoting."""
    if all(map(_TOKEN.fullmatch, texts)):
        return [text.encode() + SOFT for text in texts]
    return list(map(fragment, texts))


def _beyond_ascii(error: UnicodeError) -> tuple[str, int]:
    """How characters that ASCII lacks are encoded: each byte of their UTF-8 as `=XX`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _hexed(error.object[error.start : error.end]), error.end


@lru_cache(maxsize=8192)
def _hexed(text: str) -> str:
    return "".join([f"={byte:02X}" for byte in text.encode()])


# An error handler keeps the scan in C: only the odd characters cost anything.
codecs.register_error("paper-digest.quoted", _beyond_ascii)


def _cut(line: bytes) -> bytes:
    """One hard line as lines of at most 75 columns, none beginning with a full stop."""
    pieces = _CUT.findall(line)
    joined = SOFT.join(pieces)
    if has_dots(joined):
        return SOFT.join(map(_undotted, pieces))
    return joined


def _undotted(piece: bytes) -> bytes:
    return b"=2E" + piece[1:] if piece.startswith(b".") else piece
