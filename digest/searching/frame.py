"""The frame of an index: what is usual in the archive, against which every likeness is measured.

A digest measures against the last weeks of the stream; search measures against an even sample of
everything there is to be found. The parts of a score, their weights and their calibration are the
digests' own (`digest.matching.statements`, `digest.matching.calibration`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.matching.background import ENOUGH, TITLE
from digest.matching.base import Embedder, Vectors
from digest.matching.static import PartVectors, StaticEmbedder, sentences, unit
from digest.matching.vectors import VectorStore, ensure, stacked
from digest.model import Links, Paper, PaperId, PaperIds
from digest.searching.segment import Ints, WholeVectors
from digest.store.searchable import Searchable

SAMPLE = 600  #: papers that say what is usual
COARSE = 64  #: dimensions of the first look


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """`model` is "" where nothing is embedded. `sample` are papers' ids; their parts stand in
    `parts` from `starts`, one more than there are papers."""

    model: str
    mean: Vectors
    basis: Vectors  #: dimensions x COARSE
    frequencies: NDArray[np.int64] | None
    sample: Ints
    parts: Vectors
    starts: NDArray[np.int64]

    @property
    def is_enough(self) -> bool:
        return len(self.sample) >= ENOUGH

    def centred(self, vectors: Vectors) -> Vectors:
        """Without what is usual, of unit length; zero rows stay zero."""
        known = np.abs(vectors).sum(axis=1, keepdims=True) > 0
        return unit(np.where(known, vectors - self.mean, 0).astype(np.float32))

    def cosines(self, vectors: Vectors, question: Vectors) -> Vectors:
        """`centred(vectors) @ question`, without making those."""
        dots = vectors @ np.stack([question, self.mean], axis=1)
        squares = np.einsum("ij,ij->i", vectors, vectors)
        lengths = squares - 2 * dots[:, 1] + self.mean @ self.mean
        found: Vectors = (dots[:, 0] - self.mean @ question) / np.sqrt(np.maximum(lengths, 1e-12))
        return np.where(squares > 0, found, 0).astype(np.float32)

    def question(self, statement: str, embedder: Embedder) -> Vectors:
        """A statement's vector, as digests have it."""
        if isinstance(embedder, StaticEmbedder) and self.frequencies is not None:
            found = embedder.embed_statements([statement], self.frequencies)
        else:
            found = embedder.embed([statement])
        vector: Vectors = self.centred(found)[0]
        return vector

    def packed(self, vectors: Vectors) -> WholeVectors:
        """Papers' vectors in the form a segment keeps."""
        centred = self.centred(vectors)
        scales = (np.abs(centred).max(axis=1, initial=0) / 127).astype(np.float32)
        fine = np.rint(centred / np.maximum(scales, 1e-12)[:, None]).astype(np.int8)
        return WholeVectors((centred @ self.basis).astype(np.float32), fine, scales)


def make_frame(
    papers: Sequence[Searchable], embedder: Embedder | None, store: VectorStore
) -> Frame:
    """The frame of a sample of papers; their vectors are computed where there are none."""
    ids = np.array([paper.id for paper in papers], np.int64)
    if embedder is None:
        none = np.zeros((0, 0), np.float32)
        return Frame("", none[:0].reshape(0), none, None, ids, none, np.zeros(1, np.int64))
    vectors = part_vectors(papers, embedder, store)
    mean = vectors.whole.mean(axis=0) if len(papers) else np.zeros(embedder.dimensions, np.float32)
    wholes = titled(vectors.whole, vectors.parts[vectors.starts[:-1]])
    centred = unit((wholes - mean).astype(np.float32))
    return Frame(
        model=embedder.id,
        mean=mean,
        basis=_basis(centred),
        frequencies=_frequencies(papers, embedder),
        sample=ids,
        parts=unit((vectors.parts - mean).astype(np.float32)),
        starts=vectors.starts,
    )


def part_vectors(
    papers: Sequence[Searchable], embedder: Embedder, store: VectorStore
) -> PartVectors:
    light = [as_paper(paper) for paper in papers]
    return stacked(light, ensure(embedder, light, store), embedder.dimensions)


def as_paper(one: Searchable) -> Paper:
    """What an embedder needs of a paper."""
    return Paper(
        id=one.id,
        key="",
        title=one.title,
        abstract=one.abstract,
        authors=one.authors,
        categories=one.categories,
        ids=PaperIds(),
        links=Links(),
        announced_on=one.announced_on,
    )


def stacked_wholes(
    ids: Sequence[PaperId], stored: Mapping[PaperId, bytes], dimensions: int
) -> Vectors:
    """Whole papers' vectors, the title said once more, from their first two float16 rows.

    Zeros where there is none; a paper without parts is as it was.
    """
    found = np.zeros((len(ids), 2 * dimensions), np.float32)
    for row, id_ in enumerate(ids):
        if data := stored.get(id_):
            found[row, : len(data) // 2] = np.frombuffer(data, np.float16)
    return titled(found[:, :dimensions], found[:, dimensions:])


def titled(wholes: Vectors, titles: Vectors) -> Vectors:
    """As `background` has it: titles tell more than their share of the words."""
    return unit(wholes + TITLE * titles)


def _basis(centred: Vectors) -> Vectors:
    """The directions along which papers differ most."""
    size = centred.shape[1]
    if size <= COARSE or len(centred) < COARSE:
        return np.eye(size, dtype=np.float32)
    _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    basis: Vectors = np.ascontiguousarray(vectors[:, -COARSE:]).astype(np.float32)
    return basis


def _frequencies(papers: Sequence[Searchable], embedder: Embedder) -> NDArray[np.int64] | None:
    if not isinstance(embedder, StaticEmbedder) or not papers:
        return None
    return embedder.frequencies([[one.title, *sentences(one.abstract)] for one in papers])
