"""Zotero's RDF export: bibliographic descriptions with Dublin Core names."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from digest.importing.works import Work, Works, work
from digest.importing.xml import local, parse_xml

_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_RESOURCE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
_NO_WORKS = frozenset({"Attachment", "Memo", "Collection", "Journal", "Series", "Person"})


def read_rdf(body: bytes, place: str) -> Works:
    """All works of an export; raises UsageError naming the line where it is no XML."""
    root = parse_xml(body, place)
    return Works(tuple(made for one in root if (made := _work(one))))


def _work(element: Element) -> Work | None:
    if local(element) in _NO_WORKS or _item_type(element) in ("attachment", "note"):
        return None
    names = [element.get(_ABOUT, ""), *_identifiers(element)]
    return work(
        _child(element, "title"),
        abstract=_child(element, "abstract"),
        year=_child(element, "date"),
        names=names,
    )


def _item_type(element: Element) -> str:
    return _child(element, "itemType")


def _child(element: Element, name: str) -> str:
    return next((one.text or "" for one in element if local(one) == name), "")


def _identifiers(element: Element) -> Iterator[str]:
    """DOIs stand as "DOI 10.…", addresses inside a dcterms:URI, arXiv ids in a note."""
    for one in element:
        if local(one) in ("identifier", "description", "isReferencedBy"):
            yield from " ".join(one.itertext()).split()
            yield one.get(_RESOURCE, "")
