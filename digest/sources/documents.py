"""Bytes from anywhere, as text of a known shape, or a sentence that says what is wrong with them.

Everything dangerous is refused or bounded here, before a parser sees it: encodings that lie, entity
bombs, documents without end. Knows nothing of papers.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.entities import html5
from typing import Literal
from xml.parsers import expat

Shape = Literal["json", "xml"]

MOST_BYTES = 15 * 1024 * 1024
MOST_ENTRIES = 10_000  #: of one document
_MOST_ELEMENTS = 600_000
_MOST_PIECES = 1_500_000  #: of text: a parser is called back for each line and each entity
_DEEPEST = 120
_TOO_MUCH = "has more or deeper elements than a listing needs; nothing of it was read."
_LOOSE_BYTES = 1024 * 1024  #: of a document that is not well-formed and still worth a look

_ENCODINGS = re.compile(
    r"ascii|utf-?8(-sig)?|utf-?(16|32)(-?[bl]e)?|iso8859-\d+|cp(125\d|932|949|950|866|437|850)"
    r"|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc_(jp|kr)|iso2022_jp|mac-roman"
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ((b"<\x00?\x00", "utf-16-le"), (b"\x00<\x00?", "utf-16-be"))
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}encoding=[\"']([\w.:-]{1,40})[\"']")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,400}\?>")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT = re.compile(r"<(?:[A-Za-z][\w.-]{0,30}:)?(rss|feed|RDF|rdf|channel)[\s>]")
_AMPERSAND = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)?")
_FORBIDDEN_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)
_CDATA = re.compile(r"(<!\[CDATA\[)")
_ENTRY_END = re.compile(r"</(?:[A-Za-z][\w.-]{0,30}:)?(item|entry)\s*>")


@dataclass(frozen=True, slots=True)
class Document:
    """Readable text of a known shape. `whole` is False when its end is missing or was cut."""

    text: str
    shape: Shape
    whole: bool = True


def read_document(body: bytes, content_type: str = "") -> Document | str:
    """The document in `body`, or what is wrong with it (half a sentence, then the mend)."""
    if len(body) > MOST_BYTES:
        return "is larger than 15 MiB, which no listing needs; point the source at a smaller feed."
    text = decode(body, content_type).lstrip("\ufeff")
    start = text.lstrip()[:1]
    if not start:
        return "is empty. If it stays so, check the address under url."
    if start in "{[":
        return Document(text, "json")
    return _xml(text)


def read_json(text: str) -> object | None:
    """The value in a JSON text, or None where it is none."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


# --- encodings ----------------------------------------------------------------------------------


def decode(body: bytes, content_type: str = "") -> str:
    """Text by BOM, then Content-Type, then XML declaration, then UTF-8, then Windows-1252.

    The last reads any bytes, so a lie about the encoding costs a few characters, not the feed.
    """
    for encoding in _candidates(body, content_type):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("cp1252", "replace")


def _candidates(body: bytes, content_type: str) -> list[str]:
    marked = [encoding for mark, encoding in (*_BOMS, *_WIDE) if body.startswith(mark)]
    if marked:
        return [*marked[:1], "utf-8"]
    header = _CHARSET.search(content_type[:500])
    inside = _DECLARED.match(body[:1000])
    named = [header[1] if header else "", inside[1].decode("ascii") if inside else ""]
    return [*(name for name in map(_codec, named) if name), "utf-8"]


def _codec(name: str) -> str:
    """Python's codec for a charset name, or "": no punycode, unicode_escape, zlib and the like."""
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    if codec in ("ascii", "iso8859-1"):
        return "utf-8"  # who says so mostly means Windows-1252, which comes last anyway
    return codec if _ENCODINGS.fullmatch(codec) else ""


# --- XML ----------------------------------------------------------------------------------------


def _xml(text: str) -> Document | str:
    head = text[:4000]
    root = _ROOT.search(head)
    page = re.search(r"<!doctype\s+html|<html[\s>]", head, re.IGNORECASE)
    if page and (root is None or page.start() < root.start()):
        return "is an HTML page, not a feed. Put the feed's own address under url."
    if root is None:
        return "is neither a feed nor JSON. Put the feed's own address under url."
    if re.search(r"<!ENTITY", text, re.IGNORECASE):
        return "declares XML entities, as an entity bomb does; nothing of it was read."
    if text.count("\n") + text.count("&") > _MOST_PIECES:
        return _TOO_MUCH
    return _bounded(_mended(text))


def _mended(text: str) -> str:
    """Well-formed as far as that is cheap: characters and ampersands that XML does not know."""
    text = _FORBIDDEN.sub("", _DECLARATION.sub("", text, count=1))
    if "&" not in text:
        return text
    pieces = _CDATA.split(text)
    mended = [_FORBIDDEN_REFERENCE.sub("", _AMPERSAND.sub(_ampersand, pieces[0]))]
    for mark, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        inside, end, after = piece.partition("]]>")
        after = _FORBIDDEN_REFERENCE.sub("", _AMPERSAND.sub(_ampersand, after))
        mended += [mark, inside, end, after]
    return "".join(mended)


def _ampersand(found: re.Match[str]) -> str:
    name = found[1]
    if name is None:
        return "&amp;"
    if name.startswith("#") or name in ("amp", "lt", "gt", "quot", "apos"):
        return found[0]
    character = html5.get(f"{name};")
    return character if character and character not in "<&" else f"&amp;{name};"


def _bounded(text: str) -> Document | str:
    """The document with a known cost: well-formed, or mended by its last whole entry, or small."""
    fault = _scan(text)
    if fault is None:
        return _first_entries(text)
    if fault == _TOO_MUCH:
        return fault
    shorter = _cut_to_whole_entries(text)
    if shorter is not None and _scan(shorter) is None:
        return _first_entries(shorter, whole=False)
    if len(text) > _LOOSE_BYTES or text.count("<") > _LOOSE_BYTES // 30:
        return f"is not well-formed XML ({fault}), and too large to guess. Tell its publisher."
    if not _ENTRY_END.search(text):
        return f"breaks off before its first entry ({fault}). The next run tries again."
    return Document(text, "xml", whole=False)


class _TooMuch(Exception):
    pass


def _scan(text: str) -> str | None:
    """What is wrong with the XML, in a few words; None when it is well-formed and bounded."""
    elements = depth = 0

    def opened(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal elements, depth
        elements += 1
        depth += 1
        if elements > _MOST_ELEMENTS or depth > _DEEPEST:
            raise _TooMuch

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(text.encode("utf-8"), True)
    except _TooMuch:
        return _TOO_MUCH
    except expat.ExpatError as error:
        return f"line {error.lineno}: {expat.ErrorString(error.code)}"
    return None


def _first_entries(text: str, *, whole: bool = True) -> Document:
    """Not more entries than anyone announces in a day."""
    ends = [found.end() for found in _ENTRY_END.finditer(text)]
    if len(ends) <= MOST_ENTRIES:
        return Document(text, "xml", whole)
    cut = text[: ends[MOST_ENTRIES - 1]] + _closing_tags(text)
    return Document(cut, "xml", whole=False)


def _cut_to_whole_entries(text: str) -> str | None:
    """A document that broke off, closed after its last whole entry; None when it has none."""
    ends = [found.end() for found in _ENTRY_END.finditer(text)]
    return text[: ends[-1]] + _closing_tags(text) if ends else None


def _closing_tags(text: str) -> str:
    """What closes a feed after an entry: RSS 2.0 closes its channel too, RSS 1.0 did already."""
    found = _ROOT.search(text[:4000])
    if found is None:
        return ""
    name = found[0][1:-1]
    inner = "</channel>" if found[1] == "rss" else ""
    return f"{inner}</{name}>"
