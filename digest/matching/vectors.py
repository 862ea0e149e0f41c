"""Papers' vectors: computed once a paper and model, kept where the installation keeps them.

Vectors of two models are never compared: everything is asked for by model id. Work is saved slice
by slice, so that a re-embedding can be interrupted at any instant and goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from digest.matching.base import Embedder, Vectors
from digest.matching.static import PartVectors, sentences
from digest.model import Paper, PaperId

SLICE = 64  #: papers embedded and saved together


@runtime_checkable
class PartEmbedder(Embedder, Protocol):
    """An embedder that also gives a vector for the title and every sentence, nearly free."""

    def embed_papers(self, papers: Sequence[Sequence[str]]) -> PartVectors: ...


class VectorStore(Protocol):
    """Where vectors are kept: one array a paper and model, row 0 the whole paper, then its parts.

    `load` leaves out papers it does not know.
    """

    def load(self, model: str, papers: Sequence[PaperId]) -> Mapping[PaperId, Vectors]: ...

    def save(self, model: str, vectors: Mapping[PaperId, Vectors]) -> None: ...


class MemoryVectors:
    """A VectorStore that lasts as long as the process; the oldest go first when it is full."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._kept: dict[tuple[str, PaperId], Vectors] = {}
        self._capacity = capacity

    def load(self, model: str, papers: Sequence[PaperId]) -> Mapping[PaperId, Vectors]:
        return {p: self._kept[model, p] for p in papers if (model, p) in self._kept}

    def save(self, model: str, vectors: Mapping[PaperId, Vectors]) -> None:
        self._kept.update({(model, paper): rows for paper, rows in vectors.items()})
        while len(self._kept) > self._capacity:
            del self._kept[next(iter(self._kept))]


def whole_text(paper: Paper) -> str:
    return f"{paper.title}. {paper.abstract}".strip()


def compute(embedder: Embedder, papers: Sequence[Paper]) -> dict[PaperId, Vectors]:
    """Fresh vectors as a VectorStore gives them back: what is kept has half precision."""
    return {paper: _halved(rows) for paper, rows in _computed(embedder, papers).items()}


def _halved(rows: Vectors) -> Vectors:
    return rows.astype(np.float16).astype(np.float32)


def _computed(embedder: Embedder, papers: Sequence[Paper]) -> dict[PaperId, Vectors]:
    if not isinstance(embedder, PartEmbedder):
        rows = embedder.embed([whole_text(paper) for paper in papers])
        return {paper.id: rows[at : at + 1] for at, paper in enumerate(papers)}
    found = embedder.embed_papers([[p.title, *sentences(p.abstract)] for p in papers])
    return {
        paper.id: np.vstack(
            [found.whole[at : at + 1], found.parts[found.starts[at] : found.starts[at + 1]]]
        )
        for at, paper in enumerate(papers)
    }


def ensure(
    embedder: Embedder,
    papers: Sequence[Paper],
    store: VectorStore,
    *,
    report: Callable[[int], None] | None = None,
) -> Mapping[PaperId, Vectors]:
    """The papers' vectors, computing and saving those that are missing.

    `report` hears how many papers each step added, for a progress bar.
    """
    found = dict(store.load(embedder.id, [paper.id for paper in papers]))
    missing = [paper for paper in papers if paper.id not in found]
    if report and len(papers) > len(missing):
        report(len(papers) - len(missing))
    for some in batched_papers(missing):
        fresh = compute(embedder, some)
        store.save(embedder.id, fresh)
        found |= fresh
        if report:
            report(len(some))
    return found


def batched_papers(papers: Sequence[Paper]) -> list[Sequence[Paper]]:
    return [papers[start : start + SLICE] for start in range(0, len(papers), SLICE)]


def stacked(papers: Sequence[Paper], found: Mapping[PaperId, Vectors], width: int) -> PartVectors:
    """One array of wholes and one of parts; a paper without parts is its own part."""
    sizes = [max(len(found[paper.id]) - 1, 1) for paper in papers]
    starts = np.cumsum([0, *sizes], dtype=np.int64)
    whole = np.zeros((len(papers), width), np.float32)
    parts = np.zeros((int(starts[-1]), width), np.float32)
    for row, paper in enumerate(papers):
        block = found[paper.id]
        whole[row] = block[0]
        parts[starts[row] : starts[row + 1]] = block[1:] if len(block) > 1 else block
    return PartVectors(whole, parts, starts)
