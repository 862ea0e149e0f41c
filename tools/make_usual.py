"""Build `digest/matching/data/usual.npz`: what is usual in science at large, as a few statistics.

    python -m tools.make_usual --arxiv FOLDER --out FILE

Measured on 3,000 papers of the folder, spread evenly, with the shipped table; typical statements
are the titles of other papers, typical examples other papers. Seeded by position: no chance.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from digest.matching.background import Background, evenly
from digest.matching.calibration import Calibration
from digest.matching.hybrid import HybridScorer
from digest.matching.lexicon import Lexicon, words_of
from digest.matching.static import static_embedder
from digest.matching.vectors import MemoryVectors
from digest.model import Example, Interest, InterestId, Links, Paper, PaperId, PaperIds
from tools.texts import Article, articles

FREQUENT = 6_000  #: stems kept
ASKED = 200  #: typical statements, and as many typical examples


def as_paper(number: int, article: Article) -> Paper:
    abstract = " ".join(article.sentences)
    day = date.fromisoformat(article.listed)
    return Paper(
        PaperId(number), str(number), article.title, abstract, (), (), PaperIds(), Links(), day
    )  # fmt: skip


class Kept:
    """A CalibrationStore that shows what was measured."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}

    def load(self, _scorer: str, _contents: Sequence[str]) -> Mapping[str, bytes]:
        return {}

    def save(self, _scorer: str, found: Mapping[str, bytes]) -> None:
        self.found |= found


def typical(papers: Sequence[Paper]) -> list[Interest]:
    said = [Interest(InterestId(0), "", statement=one.title) for one in papers]
    liked = [
        Interest(InterestId(0), "", examples=(Example(one.title, one.abstract),)) for one in papers
    ]
    return said + liked


def build(papers: Sequence[Paper]) -> bytes:
    embedder = static_embedder()
    lexicon = Lexicon.of([words_of(one.title, one.abstract) for one in papers])
    background = Background.of(evenly(papers, 3_000), embedder, store=MemoryVectors())
    kept = Kept()
    scorer = HybridScorer(embedder, background, calibrations=kept)
    scorer.score(typical(evenly(papers[7:], ASKED)), scorer.prepare(papers[:1]))
    measured = [Calibration.from_bytes(data) for data in kept.found.values()]
    parts: dict[str, tuple[float, float]] = {}
    for names in (3, 4):
        some = [one for one in measured if len(one.means) == names]
        labels = scorer.part_names(typical(papers[:1])[0 if names == 3 else 1])
        means = np.mean([one.means for one in some], axis=0).tolist()
        spreads = np.mean([one.spreads for one in some], axis=0).tolist()
        parts |= dict(zip(labels, zip(means, spreads, strict=True), strict=True))
    frequent = sorted(lexicon.words.items(), key=lambda pair: (-pair[1], pair[0]))[:FREQUENT]
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        model=np.frombuffer(embedder.id.encode(), np.uint8),
        papers=np.array(lexicon.papers),
        mean_length=np.array(lexicon.mean_length),
        stems=np.frombuffer("\n".join(word for word, _ in frequent).encode(), np.uint8),
        counts=np.array([count for _, count in frequent], np.int32),
        mean=background.mean.astype(np.float32),
        names=np.frombuffer("\n".join(parts).encode(), np.uint8),
        parts=np.array(list(parts.values()), np.float32),
        levels=np.mean([one.levels for one in measured], axis=0).astype(np.float32),
        shares=measured[0].shares,
    )
    return stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--arxiv", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found = articles(sorted(options.arxiv.glob("*.jsonl.gz")))
    papers = [as_paper(number, article) for number, article in enumerate(found)]
    options.out.write_bytes(build(papers))


if __name__ == "__main__":
    main()
