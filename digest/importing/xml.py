"""XML of other people, parsed without what makes XML dangerous."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from digest.errors import UsageError

MOST_BYTES = 50 * 1024 * 1024


def parse_xml(body: bytes, place: str) -> Element:
    """The root element; raises UsageError naming line and column of what is not well-formed.

    Declarations are refused, for entities are how a small file becomes a large one.
    """
    if len(body) > MOST_BYTES:
        raise UsageError(f"{place}: larger than 50 MB.", mend="Export a part of it.")
    if b"<!ENTITY" in body or b"<!DOCTYPE" in body.replace(b"\x00", b""):
        mend = "Remove the <!DOCTYPE …> at its head."
        raise UsageError(f"{place}: declares a document type, which is not read.", mend=mend)
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        line, column = getattr(error, "position", (1, 0))
        mend = "Export it again; it may have been cut off."
        message = f"{place}, line {line}, column {column + 1}: not well-formed XML."
        raise UsageError(message, mend=mend) from error


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
