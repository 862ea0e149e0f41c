"""A judged collection on disk: papers, what readers asked, and which papers answer.

corpus.jsonl or corpus.jsonl.gz   id, title, abstract
queries.jsonl                     id, and text or library (ids of the corpus)
qrels.tsv                         query-id, corpus-id, score (0: judged, and not relevant)
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from digest.errors import UsageError
from digest.model import Example, Interest, InterestId, Links, Paper, PaperId, PaperIds

UNDATED = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Question:
    """What one reader asked, as an interest; the papers of their library are no candidates."""

    interest: Interest
    library: frozenset[int]
    grades: Mapping[int, float]  #: by row of the corpus; what is absent was not judged

    @property
    def relevant(self) -> dict[int, float]:
        pairs = self.grades.items()
        return {row: grade for row, grade in pairs if grade > 0 and row not in self.library}


@dataclass(frozen=True, slots=True)
class Collection:
    papers: Sequence[Paper]
    questions: Sequence[Question]


def read_collection(folder: Path) -> Collection:
    """The collection in `folder`; questions without a relevant candidate are left out."""
    papers = [_paper(row, record) for row, record in enumerate(_records(_corpus(folder)))]
    rows = {paper.key: int(paper.id) for paper in papers}
    judged = _judgements(_present(folder / "qrels.tsv"), rows)
    questions = [
        _question(number, record, papers, rows, judged.get(_name(record), {}))
        for number, record in enumerate(_records(_present(folder / "queries.jsonl")))
    ]
    return Collection(papers, [question for question in questions if question.relevant])


def _corpus(folder: Path) -> Path:
    plain = folder / "corpus.jsonl"
    return plain if plain.is_file() else _present(folder / "corpus.jsonl.gz")


def _present(path: Path) -> Path:
    if path.is_file():
        return path
    mend = "A collection is a folder with corpus.jsonl(.gz), queries.jsonl and qrels.tsv."
    raise UsageError(f"{path} does not exist.", mend=mend)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in _lines(path):
        if line.strip():
            yield _record(line, f"{path}:{number}")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered from 1. What cannot be unpacked or decoded is the file's fault, and says where."""
    opened = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opened(path, "rt", encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                yield number, line
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path}: cannot be read behind line {number} ({error})."
        raise UsageError(message, mend="Pack or copy it again; gzip -t tests it.") from error
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 behind line {number} ({error.reason})."
        raise UsageError(message, mend="Save the file as UTF-8.") from error


def _record(line: str, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{place}: not JSON ({error}).", mend="One object a line.") from error
    if not isinstance(record, dict) or not (record.keys() & {"id", "_id"}):
        raise UsageError(f"{place}: no id.", mend='Every line is an object with an "id".')
    return record


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("id", record.get("_id")))


def _paper(row: int, record: Mapping[str, Any]) -> Paper:
    return Paper(
        id=PaperId(row),
        key=_name(record),
        title=str(record.get("title") or ""),
        abstract=str(record.get("abstract") or record.get("text") or ""),
        authors=_several(record.get("authors"), ", "),
        categories=_several(record.get("categories"), " "),
        ids=PaperIds(),
        links=Links(),
        announced_on=UNDATED,
    )


def _several(value: object, between: str) -> tuple[str, ...]:
    """A list of names, or one string of them."""
    if isinstance(value, str):
        return tuple(filter(None, value.split(between)))
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _judgements(path: Path, rows: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """Grades by question and row; judgements of papers that are not there are left out."""
    found: dict[str, dict[int, float]] = {}
    for number, line in _lines(path):
        fields = line.strip("\r\n").split("\t")
        if not line.strip() or (number == 1 and fields[-1] == "score"):
            continue
        try:
            question, paper, grade = fields[0], fields[1], float(fields[2])
        except (IndexError, ValueError) as error:
            mend = "Each line is query-id, corpus-id and score, between tabs."
            raise UsageError(f"{path}:{number}: not a judgement.", mend=mend) from error
        if paper in rows:
            found.setdefault(question, {})[rows[paper]] = grade
    return found


def _question(
    number: int,
    record: Mapping[str, Any],
    papers: Sequence[Paper],
    rows: Mapping[str, int],
    grades: Mapping[int, float],
) -> Question:
    library = [rows[str(key)] for key in record.get("library") or () if str(key) in rows]
    examples = tuple(Example(papers[row].title, papers[row].abstract) for row in library)
    interest = Interest(
        InterestId(number),
        _name(record),
        statement=str(record.get("text") or ""),
        examples=examples,
    )
    return Question(interest, frozenset(library), grades)
