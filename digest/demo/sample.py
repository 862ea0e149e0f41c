"""The invented papers, and the identifiers and dates they have when the demo runs on a given day.

Identifiers have the right shape and cannot be anybody's: arXiv never numbers a month up to 90000,
bioRxiv has not reached 990000, PubMed not 99000000, and 10.5555 is the prefix DOIs are tested with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

PAPERS = Path(__file__).with_name("papers")  #: one JSON Lines file a field, one paper a line

_SEQUENCES = ("authors", "categories", "sources")


@dataclass(frozen=True, slots=True)
class SamplePaper:
    """One line of `papers/`: what was invented, with days instead of dates.

    `slot` is unique and becomes part of every identifier; `day` counts back from the day of the
    demo to the announcement (0 = today), `age` from there to the first version. `sources` names
    the listings that announce it, `subject` its heading on a preprint server where that is not its
    first category, and `kind` is arXiv's own announce type.
    """

    slot: int
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    sources: tuple[str, ...]
    day: int = 0
    kind: str = "new"
    version: int = 1
    age: int = 1
    votes: int = 0
    comments: int = 0
    submitter: str = ""
    organisation: str = ""
    subject: str = ""
    journal_doi: bool = False  #: its arXiv record knows the journal's DOI
    note: str = ""

    def announced(self, today: date) -> date:
        return today - timedelta(days=self.day)

    def first_seen(self, today: date) -> date:
        return self.announced(today) - timedelta(days=self.age)

    def arxiv_id(self, today: date) -> str:
        return f"{self.first_seen(today):%y%m}.{self.slot}"

    def preprint_id(self, today: date) -> str:
        return f"{self.first_seen(today):%Y.%m.%d}.9{self.slot}"

    def doi(self, today: date) -> str:
        """The preprint server's DOI where it has one, else the journal's."""
        if {"biorxiv", "medrxiv"} & set(self.sources):
            return f"10.1101/{self.preprint_id(today)}"
        return self.article_doi

    @property
    def article_doi(self) -> str:
        return f"10.5555/herblett.{self.slot}"

    @property
    def pmid(self) -> str:
        return str(99_000_000 + self.slot)

    @property
    def heading(self) -> str:
        return self.subject or (self.categories[0] if self.categories else "")


def load_papers(folder: Path = PAPERS) -> tuple[SamplePaper, ...]:
    """Every invented paper, newest announcement first, then by slot."""
    lines = (
        line
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    )
    papers = [_paper(json.loads(line)) for line in lines if line.strip()]
    return tuple(sorted(papers, key=lambda paper: (paper.day, paper.slot)))


def announced_by(source: str, papers: Iterable[SamplePaper]) -> tuple[SamplePaper, ...]:
    return tuple(paper for paper in papers if source in paper.sources)


def _paper(record: dict[str, Any]) -> SamplePaper:
    fields: dict[str, Any] = {k: tuple(v) if k in _SEQUENCES else v for k, v in record.items()}
    return SamplePaper(**fields)
