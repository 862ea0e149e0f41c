"""Answers' bodies, decompressed piece by piece under a cap: a bomb costs no more than the cap.

httpx's own decoders expand each piece whole, and follow a chain of encodings that the other side
chooses; so the raw bytes are taken and inflated here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable


class TooLarge(Exception):
    """More bytes than the cap."""


class Undecodable(Exception):
    """Not the encoding it says, or cut off."""


def inflate(pieces: Iterable[bytes], encoding: str, cap: int) -> bytes:
    """The whole body, at most `cap` bytes of it; `encoding` is the Content-Encoding header."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _joined(pieces, cap)
    if name in ("gzip", "x-gzip", "deflate"):
        return _inflated(pieces, cap)
    raise Undecodable(f"the content encoding {name[:40]!r} was not asked for")


def _joined(pieces: Iterable[bytes], cap: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > cap:
            raise TooLarge
    return bytes(body)


def _inflated(pieces: Iterable[bytes], cap: int) -> bytes:
    body = bytearray()
    engine: zlib._Decompress | None = None
    for piece in pieces:
        while piece:
            if engine is None or engine.eof:
                if engine is not None and not piece.startswith(b"\x1f"):
                    break  # padding after the last gzip member
                engine = _engine(piece)
            body += _step(engine, piece, cap + 1 - len(body))
            if len(body) > cap:
                raise TooLarge
            piece = engine.unused_data if engine.eof else engine.unconsumed_tail
    if engine is not None and not engine.eof:
        raise Undecodable("the compressed content is cut off")
    return bytes(body)


def _step(engine: zlib._Decompress, piece: bytes, most: int) -> bytes:
    try:
        return engine.decompress(piece, most)
    except zlib.error as error:
        raise Undecodable("the compressed content is damaged") from error


def _engine(first: bytes) -> zlib._Decompress:
    """gzip and zlib are told by their first byte; a bare deflate stream has no mark."""
    marked = first[:1] in (b"\x1f", b"\x78")
    return zlib.decompressobj(zlib.MAX_WBITS | 32 if marked else -zlib.MAX_WBITS)
