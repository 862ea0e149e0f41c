"""Example papers against papers: several points, not one blurred mean, and a trained part.

With any number of liked examples: the mean and the nearest, by vector and by TF-IDF. With four or
more, two classifiers learned from them against the background join (`digest.matching.learning`).
Disliked examples count as unwanted when learning, and push down what resembles them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from digest.matching.background import Background, Batch
from digest.matching.base import Embedder, Vectors
from digest.matching.learning import Classifier, Fit
from digest.matching.lexicon import words_of
from digest.matching.sparse import Floats, SparseRows
from digest.model import Example

LEARN_FROM = 4  #: liked examples below which nothing is learned
WORD_RIDGE = 1.0
VECTOR_RIDGE = 10.0
DISLIKE = -0.6  #: weight of being near a disliked example
DISLIKED = "like a disliked example"  #: the name of that part


@dataclass(frozen=True, slots=True, eq=False)
class Negatives:
    """Papers of the background that stand for "not wanted", the same for every reader."""

    vectors: Vectors
    features: SparseRows


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Both classifiers of one reader, and the negatives they were learned against."""

    by_words: Fit
    by_vectors: Fit
    negatives: Negatives

    def parts(self, taste: Taste, batch: Batch) -> list[Floats]:
        size = len(self.negatives.vectors)
        words, vectors = self.by_words.coefficients, self.by_vectors.coefficients
        mixed = self.negatives.features.mixed(words[:size]) + taste.features.mixed(words[size:])
        direction = vectors[:size] @ self.negatives.vectors + vectors[size:] @ taste.vectors
        found = [batch.features.times(mixed), batch.vectors.products(direction[None])[:, 0]]
        known = batch.negative >= 0
        for part, fit in zip(found, (self.by_words, self.by_vectors), strict=True):
            part[known] += fit.left_out[batch.negative[known]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """What one interest's examples say, ready to be compared with papers.

    `vectors` and `features` hold the liked examples first, then the disliked.
    """

    examples: Sequence[Example]
    liked: int
    vectors: Vectors
    features: SparseRows
    learned: Learned | None = None

    def weights(self) -> list[tuple[str, float]]:
        """Name and weight of each part, in the order of `parts`; liked parts add up to 1."""
        names = ["like the examples", "like the nearest example", "words of the examples"]
        learned = ["learned words", "learned meaning"]
        names += ["words of the nearest example"] if self.learned is None else learned
        found = [(name, 1 / len(names)) for name in names] if self.liked else []
        disliked = len(self.examples) > self.liked
        return [*found, (DISLIKED, DISLIKE)] if disliked else found

    def parts(self, batch: Batch) -> list[Floats]:
        """One array a part, one value a paper."""
        near = batch.vectors.products(self.vectors)
        found: list[Floats] = []
        if self.liked:
            liked, words = near[:, : self.liked], self.features.take(range(self.liked))
            evenly = np.full(self.liked, 1 / self.liked, np.float32)
            found = [liked.mean(axis=1), liked.max(axis=1)]
            found.append(batch.features.times(words.mixed(evenly)))
            if self.learned is None:
                found.append(words.products(batch.features).max(axis=0))
            else:
                found += self.learned.parts(self, batch)
        if len(self.examples) > self.liked:
            found.append(np.maximum(near[:, self.liked :].max(axis=1), 0))
        return found

    def nearest(self, vector: Vectors) -> tuple[str, float]:
        """Title of the liked example nearest to a paper's vector, and the cosine."""
        cosines = self.vectors[: self.liked] @ vector
        best = int(cosines.argmax())
        return self.examples[best].title, float(cosines[best])


class Learner:
    """Makes tastes; what all readers share is computed once, and only when someone needs it."""

    def __init__(self, embedder: Embedder, background: Background) -> None:
        self._embedder = embedder
        self._background = background

    @cached_property
    def _negatives(self) -> Negatives:
        sample, rows = self._background.sample, self._background.negatives
        return Negatives(sample.vectors.of(rows), sample.features.take(rows))

    @cached_property
    def _by_vectors(self) -> Classifier:
        return Classifier(self._negatives.vectors @ self._negatives.vectors.T, VECTOR_RIDGE)

    @cached_property
    def _by_words(self) -> Classifier:
        features = self._negatives.features
        return Classifier(features.products(features), WORD_RIDGE)

    def taste(self, examples: Sequence[Example]) -> Taste:
        """What these examples say; they need at least one that has any text."""
        ordered = sorted(examples, key=lambda example: not example.positive)
        liked = sum(example.positive for example in ordered)
        vectors = self._embedder.embed([f"{e.title}. {e.abstract}" for e in ordered])
        lexicon = self._background.lexicon
        features = lexicon.feature_rows(words_of(e.title, e.abstract) for e in ordered)
        taste = Taste(ordered, liked, vectors, features)
        enough = liked >= LEARN_FROM and self._background.is_enough
        return self._learned(taste) if enough else taste

    def _learned(self, taste: Taste) -> Taste:
        labels = np.array([1 if e.positive else -1 for e in taste.examples], np.float32)
        words, vectors, negatives = taste.features, taste.vectors, self._negatives
        by_words = self._by_words.fit(
            words.products(negatives.features), words.products(words), labels
        )
        by_vectors = self._by_vectors.fit(
            vectors @ negatives.vectors.T, vectors @ vectors.T, labels
        )
        return replace(taste, learned=Learned(by_words, by_vectors, negatives))
