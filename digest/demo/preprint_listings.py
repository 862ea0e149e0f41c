"""The feed of bioRxiv and medRxiv: RSS 1.0 (RDF), line breaks around titles, surnames first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

from digest.demo.markup import DC, child, write_xml
from digest.demo.sample import SamplePaper

_NAMESPACES = {
    "xmlns": "http://purl.org/rss/1.0/",
    "xmlns:rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmlns:prism": "http://purl.org/rss/1.0/modules/prism/",
    "xmlns:dc": DC,
}


def write_rdf(papers: Iterable[SamplePaper], today: date, target: Path, *, server: str) -> None:
    """`server` is `bioRxiv` or `medRxiv`."""
    shown = tuple(papers)
    root = ET.Element("rdf:RDF", _NAMESPACES)
    channel = child(root, "channel", **{"rdf:about": f"http://{server.lower()}.org"})
    child(channel, "title", f"{server} Subject Collection: All")
    child(channel, "link", f"http://{server.lower()}.org")
    child(channel, "description", f"\nThis feed contains articles for {server}\n")
    order = child(child(channel, "items"), "rdf:Seq")
    for paper in shown:
        child(order, "rdf:li", **{"rdf:resource": _address(paper, today, server)})
    child(channel, "prism:publicationName", server)
    for paper in shown:
        _item(root, paper, today, server)
    write_xml(root, target)


def surname_first(name: str) -> str:
    """`Anne-Marie van Dyck` as these servers print it: `van Dyck, A.-M.`"""
    *given, family = name.split()
    particles = [part for part in given if part.islower()]
    initials = [_initials(part) for part in given if not part.islower()]
    return f"{' '.join([*particles, family])}, {' '.join(initials)}"


def _initials(given: str) -> str:
    return "-".join(f"{part[0].upper()}." for part in given.split("-"))


def _address(paper: SamplePaper, today: date, server: str) -> str:
    return f"http://{server.lower()}.org/cgi/content/short/{paper.preprint_id(today)}v1?rss=1"


def _item(root: ET.Element, paper: SamplePaper, today: date, server: str) -> None:
    address = _address(paper, today, server)
    day = paper.announced(today).isoformat()
    item = child(root, "item", **{"rdf:about": address})
    child(item, "title", f"\n{paper.title}\n")
    child(item, "link", f"\n{address}\n")
    child(item, "description", f"\n{paper.abstract}\n")
    child(item, "dc:creator", f" {', '.join(surname_first(name) for name in paper.authors)} ")
    child(item, "dc:date", day)
    child(item, "dc:identifier", f"doi:10.1101/{paper.preprint_id(today)}")
    child(item, "dc:title", paper.title)
    child(item, "dc:publisher", "Cold Spring Harbor Laboratory")
    child(item, "prism:publicationDate", day)
    child(item, "prism:section", paper.heading)
