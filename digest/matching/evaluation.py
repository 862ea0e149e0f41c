"""How good is matching, measured on a judged collection (see `digest.matching.collection`).

`hybrid` is scored by the very code that makes digests; the other methods are its yardsticks: BM25
and TF-IDF alone, vectors alone, and, when there is a second stage, the hybrid without it. The
collection is its own background. Papers are taken in slices, so that 100,000 fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digest.errors import UsageError
from digest.matching.background import Background, Batch
from digest.matching.base import Embedder
from digest.matching.collection import Collection, Question, read_collection
from digest.matching.hybrid import HybridScorer
from digest.matching.lexicon import Words, words_of
from digest.matching.measures import NAMES, interval, measure
from digest.matching.second import SecondStage
from digest.matching.sparse import Floats
from digest.matching.vectors import MemoryVectors, VectorStore
from digest.model import Interest

SLICE = 4_000  #: papers made ready at once
CELLS = 40_000_000  #: scores held at once, a method
FIRST = "hybrid without second stage"

Results = dict[str, list[Floats]]


@dataclass(frozen=True, slots=True)
class Report:
    """Means over questions by method and measure, and their 95 % bootstrap intervals."""

    documents: int
    queries: int
    methods: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, Mapping[str, tuple[float, float]]]

    def to_json(self) -> dict[str, object]:
        methods = {name: dict(values) for name, values in self.methods.items()}
        return {"documents": self.documents, "queries": self.queries, "methods": methods}


def evaluate(
    folder: Path,
    *,
    embedder: Embedder,
    second: Embedder | None = None,
    judged_only: bool = False,
    report: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure every method on the collection in `folder`.

    `second`: the second stage's embedder. `judged_only`: rank, for each question, only the papers
    its judgements name. `report` hears papers done and papers in all, for a progress bar. Raises
    UsageError naming the file and line when the collection cannot be read.
    """
    collection = read_collection(folder)
    if not collection.questions:
        mend = "Check that qrels.tsv uses the ids of queries.jsonl and corpus.jsonl."
        raise UsageError(f"{folder}: no question has a relevant paper.", mend=mend)
    bench = _Bench.of(collection, embedder, second)
    results: Results = {}
    step = max(1, CELLS // max(len(collection.papers), 1))
    groups = range(0, len(collection.questions), step)
    for turn, start in enumerate(groups):
        questions = collection.questions[start : start + step]
        heard = _progress(report, turn, len(groups), len(collection.papers))
        for name, scores in bench.scores(questions, heard).items():
            results.setdefault(name, []).extend(_measured(scores, questions, judged_only))
    return _report(collection, results)


def _progress(
    report: Callable[[int, int], None] | None, turn: int, turns: int, papers: int
) -> Callable[[int], None]:
    return lambda done: report(turn * papers + done, turns * papers) if report else None


def _measured(scores: Floats, questions: Sequence[Question], judged_only: bool) -> list[Floats]:
    found = []
    for row, question in enumerate(questions):
        pool = sorted(question.grades) if judged_only else range(scores.shape[1])
        candidates = np.array([one for one in pool if one not in question.library], np.int64)
        found.append(measure(scores[row], candidates, question.relevant))
    return found


def _report(collection: Collection, results: Results) -> Report:
    tables = {name: np.array(rows) for name, rows in results.items()}
    columns = {
        name: {measure: table[:, at] for at, measure in enumerate(NAMES)}
        for name, table in tables.items()
    }
    means = {n: {m: float(v.mean()) for m, v in by.items()} for n, by in columns.items()}
    spans = {n: {m: interval(v) for m, v in by.items()} for n, by in columns.items()}
    return Report(len(collection.papers), len(collection.questions), means, spans)


@dataclass(frozen=True, slots=True)
class _Bench:
    """The methods, ready to score questions over the whole collection."""

    collection: Collection
    embedder: Embedder
    background: Background
    scorer: HybridScorer
    second: SecondStage | None

    @classmethod
    def of(cls, collection: Collection, embedder: Embedder, second: Embedder | None) -> _Bench:
        background = Background.of(collection.papers, embedder, store=MemoryVectors())
        store: VectorStore = MemoryVectors(len(collection.papers) + 1)
        stage = SecondStage(second, background, store=store) if second else None
        scorer = HybridScorer(embedder, background, store=MemoryVectors(SLICE))
        return cls(collection, embedder, background, scorer, stage)

    def scores(
        self, questions: Sequence[Question], report: Callable[[int], None]
    ) -> dict[str, Floats]:
        """Scores by method, questions × papers."""
        interests = [question.interest for question in questions]
        asked = [_asked(interest) for interest in interests]
        slices: list[dict[str, Floats]] = []
        papers = self.collection.papers
        for start in range(0, len(papers), SLICE):
            batch = self.scorer.prepare(papers[start : start + SLICE])
            slices.append(self._slice(interests, asked, batch))
            report(start + len(batch))
        found = {n: np.concatenate([part[n] for part in slices], axis=1) for n in slices[0]}
        return self._second_stage(questions, found) if self.second else found

    def _slice(
        self, interests: Sequence[Interest], asked: Sequence[Words], batch: Batch
    ) -> dict[str, Floats]:
        features = self.background.lexicon.feature_rows(asked)
        return {
            "bm25": np.array([batch.index.score(title + rest) for title, rest in asked]),
            "tfidf": features.products(batch.features),
            "dense": np.array([self._dense(interest, batch) for interest in interests]),
            "hybrid": self.scorer.score(interests, batch).values,
        }

    def _dense(self, interest: Interest, batch: Batch) -> Floats:
        """Cosines alone: to the statement, or half mean and half nearest example."""
        texts = [f"{example.title}. {example.abstract}" for example in interest.examples]
        near = batch.vectors.products(self.embedder.embed(texts or [interest.statement]))
        total: Floats = near.mean(axis=1) + near.max(axis=1)
        return total

    def _second_stage(
        self, questions: Sequence[Question], found: dict[str, Floats]
    ) -> dict[str, Floats]:
        """The hybrid's best papers looked at again; a reader's own papers take no place there."""
        assert self.second is not None
        values = found["hybrid"].copy()
        for row, question in enumerate(questions):
            values[row, sorted(question.library)] = -np.inf
        interests = [question.interest for question in questions]
        self.second.reorder(interests, self.collection.papers, values, np.ones_like(values))
        return {**found, FIRST: found["hybrid"], "hybrid": values}


def _asked(interest: Interest) -> Words:
    """What a plain search engine would be asked: the statement, or the examples' texts."""
    if interest.statement.strip():
        return words_of("", interest.statement)
    titles = " ".join(example.title for example in interest.examples)
    return words_of(titles, " ".join(example.abstract for example in interest.examples))
