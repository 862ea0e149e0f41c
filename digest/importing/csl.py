"""JSON of reference managers: CSL-JSON, and the items that Zotero's API and exports give.

All are lists of objects with a title; what differs are the names of the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from digest.errors import UsageError
from digest.importing.works import Work, Works, work

_NAMES = ("DOI", "doi", "URL", "url", "PMID", "extra", "note", "archiveID", "arxiv", "number")
_NO_WORKS = frozenset({"attachment", "note", "annotation"})


def read_csl(text: str, place: str) -> Works:
    """All works of a JSON text; raises UsageError naming the line where it is no JSON."""
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        mend = "Export it again as CSL JSON."
        raise UsageError(
            f"{place}, line {error.lineno}: not JSON: {error.msg}.", mend=mend
        ) from error
    except RecursionError as error:
        raise UsageError(f"{place}: nested too deep.", mend="Is this a library?") from error
    return read_items(value, place)


def read_items(value: object, place: str) -> Works:
    """The works of a decoded list of items."""
    if isinstance(value, dict):
        value = value.get("items")
    if not isinstance(value, list):
        raise UsageError(f"{place}: no list of works.", mend="Export it as CSL JSON.")
    works: list[Work] = []
    faults: list[str] = []
    for number, item in enumerate(value, 1):
        if not isinstance(item, dict):
            faults.append(f"work {number}: no object.")
            continue
        said = item.get("data", item)
        if isinstance(said, dict) and said.get("itemType") not in _NO_WORKS:
            works += _works(said)
    return Works(tuple(works), tuple(faults))


def _works(item: Mapping[str, Any]) -> Iterator[Work]:
    names = " ".join(_text(item.get(name)) for name in _NAMES).split()
    pmid = _text(item.get("PMID"))
    made = work(
        _text(item.get("title")),
        abstract=_text(item.get("abstract") or item.get("abstractNote")),
        year=_year(item),
        names=[*names, f"pmid:{pmid}" if pmid else ""],
    )
    if made:
        yield made


def _year(item: Mapping[str, Any]) -> str:
    issued = item.get("issued")
    if isinstance(issued, dict):
        return json.dumps(issued)
    return _text(item.get("date") or item.get("year"))


def _text(value: object) -> str:
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    return str(value) if isinstance(value, str | int) else ""
