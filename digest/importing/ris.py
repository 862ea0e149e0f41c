"""RIS, as reference managers and publishers write it: one `TY  - …` to `ER  -` a work."""

from __future__ import annotations

import re

from digest.importing.works import Work, Works, work

_LINE = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*)|\s*)$")
_TITLES = ("TI", "T1", "CT", "BT")
_ABSTRACTS = ("AB", "N2")
_YEARS = ("PY", "Y1", "DA")
_NAMES = ("DO", "UR", "L1", "L2", "M3", "AN", "ID", "LK", "N1")


def read_ris(text: str) -> Works:
    """All works of a file's text; one that never ends is a fault with its line."""
    works: list[Work] = []
    faults: list[str] = []
    fields: dict[str, str] = {}
    began = 0
    last = ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        found = _LINE.match(line)
        if found is None:
            if last and line.strip() and began:
                fields[last] = f"{fields[last]} {line.strip()}"  # a long value goes on
            continue
        tag, value = found[1], (found[2] or "").strip()
        if tag == "TY":
            if began:
                faults.append(f"line {began}: this work has no ER line; add one where it ends.")
            fields, began, last = {}, number, ""
        elif tag == "ER":
            if made := _work(fields):
                works.append(made)
            fields, began, last = {}, 0, ""
        elif began:
            fields[tag] = f"{fields[tag]} {value}" if tag in _NAMES and tag in fields else value
            last = tag
    if began:
        faults.append(f"line {began}: this work has no ER line; add one where it ends.")
    return Works(tuple(works), tuple(faults))


def _work(fields: dict[str, str]) -> Work | None:
    names = " ".join(fields.get(tag, "") for tag in _NAMES).split()
    return work(
        next((fields[tag] for tag in _TITLES if fields.get(tag)), ""),
        abstract=next((fields[tag] for tag in _ABSTRACTS if fields.get(tag)), ""),
        year=next((fields[tag] for tag in _YEARS if fields.get(tag)), ""),
        names=names,
    )
