"""A work as a library of papers names it, whatever format it was read from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from digest.identifiers import arxiv_id, doi, pmid
from digest.text import clean

_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")


@dataclass(frozen=True, slots=True)
class Work:
    """One paper, cleaned; `key` identifies it within its library (`doi:…`, `arxiv:…`, a title)."""

    title: str
    abstract: str = ""
    arxiv: str | None = None
    doi: str | None = None
    pmid: str | None = None
    year: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """As the store writes them, strongest first."""
        pairs = (("arxiv", self.arxiv), ("doi", self.doi), ("pmid", self.pmid))
        return tuple(f"{kind}:{value}" for kind, value in pairs if value)


@dataclass(frozen=True, slots=True)
class Works:
    """What a library held. `faults` name entries that were left out, by place, and why."""

    works: tuple[Work, ...] = ()
    faults: tuple[str, ...] = ()


def work(
    title: str, *, abstract: str = "", year: str = "", names: Iterable[str] = ()
) -> Work | None:
    """A work from raw fields; None without a title. `names` may hold a DOI, an arXiv id, a PMID."""
    readable = clean(title).strip().rstrip(".")
    if not readable:
        return None
    said = [name.strip() for name in names if name and name.strip()]
    found = _YEAR.search(year)
    return Work(
        title=readable,
        abstract=clean(abstract),
        arxiv=next((one[0] for one in map(arxiv_id, said) if one), None),
        doi=next(filter(None, map(doi, said)), None),
        pmid=next(filter(None, map(pmid, said)), None),
        year=int(found[1]) if found else 0,
    )
