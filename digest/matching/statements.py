"""Statements against papers: BM25, the whole paper's vector, its nearest sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.matching.background import Background, Batch
from digest.matching.base import Embedder, Vectors
from digest.matching.calibration import CalibrationStore
from digest.matching.sparse import Floats
from digest.matching.static import StaticEmbedder, unit
from digest.matching.stems import stems

NAMES = ("words", "meaning", "nearest sentence")
WEIGHTS = (0.55, 0.25, 0.20)
WORD_SCALE = 10  #: brings BM25 to the size of a cosine, for `calibration.FLOOR`
TITLE_STEMS = 8
GROWTH = 0.75  #: measured on titles, and on first sentences of abstracts, of arXiv papers


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Statements made ready: stems, and unit vectors with the background's mean taken away."""

    stems: Sequence[Sequence[str]]
    vectors: Vectors

    def __getitem__(self, rows: slice) -> Questions:
        return Questions(self.stems[rows], self.vectors[rows])

    def __len__(self) -> int:
        return len(self.stems)

    def stretch(self, row: int) -> float:
        """By how much a long statement reaches higher scores than one of a title's length."""
        return float(max(1.0, len(set(self.stems[row])) / TITLE_STEMS) ** GROWTH)


class Asking:
    """Makes statements ready.

    Their vectors are kept with what a scorer's scores mean, and for as long: most runs then embed
    nothing, and no statement is sent to a service of the operator's twice in a week.
    """

    def __init__(
        self,
        embedder: Embedder,
        background: Background,
        *,
        records: CalibrationStore | None = None,
        scorer: str = "",
    ) -> None:
        """`records`: where vectors outlive the process, under the `scorer`'s name."""
        self._embedder, self._background = embedder, background
        self._records, self._scorer = records, scorer

    def ask(self, statements: Sequence[str]) -> Questions:
        vectors = self._vectors(statements) if statements else self._nothing
        return Questions([stems(statement) for statement in statements], vectors)

    @property
    def _nothing(self) -> Vectors:
        return np.zeros((0, self._embedder.dimensions), np.float32)

    def _vectors(self, statements: Sequence[str]) -> Vectors:
        """Kept ones are told apart by what is said, and are to the last bit what was made."""
        if self._records is None or not self._background.is_enough:
            return self._made(statements)
        names = list(map(_name, statements))
        kept = dict(self._records.load(self._scorer, list(dict.fromkeys(names))))
        new = {one: said for one, said in zip(names, statements, strict=True) if one not in kept}
        if new:
            made = self._made(list(new.values())).astype("<f4")
            fresh = {one: row.tobytes() for one, row in zip(new, made, strict=True)}
            self._records.save(self._scorer, fresh)
            kept |= fresh
        together = b"".join(map(kept.__getitem__, names))
        return np.frombuffer(together, "<f4").reshape(len(names), -1)

    def _made(self, statements: Sequence[str]) -> Vectors:
        embedder, background = self._embedder, self._background
        if isinstance(embedder, StaticEmbedder) and background.frequencies is not None:
            vectors = embedder.embed_statements(statements, background.frequencies)
        else:
            vectors = embedder.embed(statements)
        known = np.abs(vectors).sum(axis=1, keepdims=True) > 0
        return unit(np.where(known, vectors - background.mean, 0).astype(np.float32))


def _name(statement: str) -> str:
    """Under which a statement's vector is kept; no interest's calibration has such a name."""
    return f"statement {hashlib.sha256(statement.encode()).hexdigest()[:32]}"


def parts(questions: Questions, batch: Batch) -> tuple[Floats, Floats, Floats]:
    """Three arrays questions × papers, in the order of NAMES."""
    words = batch.index.scores(questions.stems)
    words /= WORD_SCALE
    return words, *batch.vectors.cosines(questions.vectors)
