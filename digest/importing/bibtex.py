"""BibTeX and BibLaTeX: entries, string macros, `#` and nested braces, in one linear pass.

    @article{lovelace1843, title = {Notes on the {Analytical} Engine}, year = 1843, doi = "10.1/x"}

Text outside entries is a comment, as BibTeX has it. An entry that cannot be read is a fault with
its line, and the next `@` at the start of a line goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.importing.works import Work, Works, work

MOST = 50_000  #: entries
_ENTRY = re.compile(r"@\s*([A-Za-z]+)\s*([{(])")
_RESUME = re.compile(r"^[ \t]*@", re.MULTILINE)
_NAME = re.compile(r"\s*([^\s\"#%'(),={}]+)\s*=\s*")
_KEY = re.compile(r"\s*([^,\s]*)\s*,?")
_NUMBER = re.compile(r"\d+")
_MACRO = re.compile(r"[^\s\"#%'(),={}]+")
_SPACE = re.compile(r"\s*")
_MARK = re.compile(r'(?<!\\)[{}"]')
_LATEX_BRACES = re.compile(r"(?<!\\)[{}]")
_MONTHS = dict.fromkeys(
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], ""
)
_NAMES = ("doi", "eprint", "arxivid", "url", "pmid", "note", "howpublished", "journal")


class _Broken(Exception):
    """An entry that cannot be read: where, and how to mend it."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


@dataclass(slots=True)
class _Entry:
    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)


def read_bibtex(text: str) -> Works:
    """All works of a file's text; entries without a title are left out silently."""
    reader = _Reader(text)
    works: list[Work] = []
    faults: list[str] = []
    at = 0
    while len(works) < MOST and (found := _ENTRY.search(text, at)):
        try:
            entry, at = reader.entry(found)
        except _Broken as broken:
            line = text.count("\n", 0, broken.at) + 1
            faults.append(f"line {line}: {broken.message}")
            resumed = _RESUME.search(text, max(broken.at, found.end()))
            at = resumed.start() if resumed else len(text)
        else:
            if made := _work(entry):
                works.append(made)
    return Works(tuple(works), tuple(faults))


def _work(entry: _Entry) -> Work | None:
    given = entry.fields
    names = [given.get(name, "") for name in _NAMES]
    if given.get("pmid", "").isdecimal():
        names.append(f"pmid:{given['pmid']}")
    if (eprint := given.get("eprint")) and "arxiv" in given.get("archiveprefix", "arxiv").lower():
        names.insert(0, f"arXiv:{eprint.removeprefix('arXiv:')}")
    title = _LATEX_BRACES.sub("", given.get("title", ""))
    return work(
        title,
        abstract=_LATEX_BRACES.sub("", given.get("abstract", "")),
        year=given.get("year", "") or given.get("date", ""),
        names=names,
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._strings = dict.fromkeys(_MONTHS, "")

    def entry(self, found: re.Match[str]) -> tuple[_Entry, int]:
        kind, closing = found[1].lower(), "}" if found[2] == "{" else ")"
        at = found.end()
        if kind in ("comment", "preamble"):
            return _Entry(kind), self._skip(at, closing, start=found.start())
        if kind == "string":
            fields, at = self._fields(at, closing, start=found.start())
            self._strings |= fields
            return _Entry(kind), at
        key = _KEY.match(self._text, at)
        assert key is not None
        fields, at = self._fields(key.end(), closing, start=found.start())
        return _Entry(kind, fields), at

    def _skip(self, at: int, closing: str, *, start: int) -> int:
        """After the bracket that closes what began before `at`."""
        if closing == "}":
            return self._braced(at, start)[1]
        end = self._text.find(closing, at)
        return len(self._text) if end < 0 else end + 1

    def _fields(self, at: int, closing: str, *, start: int) -> tuple[dict[str, str], int]:
        fields: dict[str, str] = {}
        while True:
            at = self._blank(at, also=",")
            if self._text[at : at + 1] == closing:
                return fields, at + 1
            name = _NAME.match(self._text, at)
            if name is None:
                raise self._lost(at, start)
            value, at = self._value(name.end(), start)
            fields.setdefault(name[1].lower(), value)

    def _lost(self, at: int, start: int) -> _Broken:
        if at >= len(self._text):
            return _Broken(start, "this entry is never closed; add a } at its end.")
        seen = self._text[at : at + 20].split("\n")[0]
        return _Broken(at, f"expected a field such as title = {{…}}, found {seen!r}.")

    def _value(self, at: int, start: int) -> tuple[str, int]:
        """Pieces joined by #."""
        parts = []
        while True:
            piece, at = self._piece(self._blank(at), start)
            parts.append(piece)
            at = self._blank(at)
            if self._text[at : at + 1] != "#":
                return "".join(parts), at
            at += 1

    def _piece(self, at: int, start: int) -> tuple[str, int]:
        first = self._text[at : at + 1]
        if first == "{":
            return self._braced(at + 1, start)
        if first == '"':
            return self._quoted(at + 1, start)
        if number := _NUMBER.match(self._text, at):
            return number[0], number.end()
        if macro := _MACRO.match(self._text, at):
            return self._strings.get(macro[0].lower(), macro[0]), macro.end()
        raise self._lost(at, start)

    def _braced(self, at: int, start: int) -> tuple[str, int]:
        depth = 1
        for brace in _LATEX_BRACES.finditer(self._text, at):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                return self._text[at : brace.start()], brace.end()
        raise _Broken(start, "a { of this entry is never closed; add a } where it ends.")

    def _quoted(self, at: int, start: int) -> tuple[str, int]:
        depth = 0
        for mark in _MARK.finditer(self._text, at):
            if mark[0] == '"' and not depth:
                return self._text[at : mark.start()], mark.end()
            depth += {"{": 1, "}": -1}.get(mark[0], 0)
        raise _Broken(start, 'a " of this entry is never closed; add a " where it ends.')

    def _blank(self, at: int, *, also: str = "") -> int:
        """The next place that is not blank (nor a comma, where those separate)."""
        while True:
            space = _SPACE.match(self._text, at)
            assert space is not None
            at = space.end()
            if not (also and self._text[at : at + 1] == also):
                return at
            at += 1
