"""XML and HTML made of elements, never of pasted strings, as every listing of the demo needs it.

Names carry their prefix as written (`dc:creator`); the root declares the namespaces.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from xml.etree import ElementTree as ET

DC = "http://purl.org/dc/elements/1.1/"
ARXIV = "http://arxiv.org/schemas/atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
ATOM = "http://www.w3.org/2005/Atom"


def child(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    """Append `<name …>text</name>`; a trailing underscore keeps an attribute off a keyword."""
    clean = {key.rstrip("_"): value for key, value in attributes.items()}
    element = ET.SubElement(parent, name, clean)
    element.text = text
    return element


def write_xml(root: ET.Element, target: Path) -> None:
    ET.indent(root)
    target.write_bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n")


def as_html(*elements: ET.Element) -> str:
    """HTML text of the elements, to be carried inside XML as text."""
    return "".join(ET.tostring(element, encoding="unicode", method="html") for element in elements)


def paragraph(text: str = "") -> ET.Element:
    element = ET.Element("p")
    element.text = text
    return element


def linked(text: str, href: str) -> ET.Element:
    element = paragraph()
    child(element, "a", text, href=href)
    return element


def moment(day: date, *, hour: int, minute: int = 0, offset: int = 0) -> datetime:
    """`day` at the given local time, `offset` hours from UTC."""
    zone = timezone(timedelta(hours=offset))
    return datetime.combine(day, time(hour, minute), zone)


def rfc822(instant: datetime) -> str:
    return format_datetime(instant)
