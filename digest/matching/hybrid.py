"""The product's own measure of likeness: words and meaning together, against a fixed background.

    statement  .55 BM25 + .25 whole paper + .20 nearest sentence, each standardised
    examples   mean and nearest, by vector and by words; learned parts from four examples on
    both       half and half, and again standardised
    aversion   nearness to a disliked example, for an interest with nothing else to compare

A score is the number of spreads above what is usual in the background; its share ("top 1 %") is
measured there too. A second stage, when there is one, only reorders each interest's best papers, so
scores, shares and thresholds mean the same with and without it. It decides nothing: that is
`digest.matching.ranking`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.matching.background import (
    Background,
    Batch,
)
from digest.matching.base import Embedder
from digest.matching.calibration import (
    Calibrated,
    Calibration,
    Calibrations,
    CalibrationStore,
    calibrate,
    calibrate_rows,
)
from digest.matching.diversity import find_alike
from digest.matching.examples import DISLIKED, Learner, Taste
from digest.matching.scoring import Alike, Scores, nearness
from digest.matching.second import SecondStage
from digest.matching.sparse import Floats
from digest.matching.statements import NAMES, WEIGHTS, Asking, Questions, parts
from digest.matching.stream import Stream
from digest.matching.usual import usual
from digest.matching.vectors import MemoryVectors, VectorStore
from digest.model import Example, Hit, Interest, Paper

SCORING = "hybrid-1"  #: raise when the formula changes: kept calibrations are then stale
TASTES = 500  #: learned tastes kept, about 100 kB each
ROWS = 256  #: statements measured against the background at once


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """One interest made ready: its row among the questions, its taste, the parts' names."""

    question: int | None
    taste: Taste | None
    names: tuple[str, ...]
    weights: tuple[float, ...]
    averse: bool = False  #: there is only what was disliked

    @property
    def is_statement(self) -> bool:
        """A statement and nothing else: scored together with all others."""
        return self.question is not None and self.taste is None


class HybridScorer:
    """A Scorer over one embedder and one background.

    `calibrations` keeps what each interest's scores mean and its statement's vector, by its
    content, the model and the background, so that it is measured once; `store` keeps papers'.
    """

    def __init__(
        self,
        embedder: Embedder,
        background: Background,
        *,
        store: VectorStore | None = None,
        calibrations: CalibrationStore | None = None,
        second: SecondStage | None = None,
    ) -> None:
        self._embedder = embedder
        self._background = background
        self._store = MemoryVectors() if store is None else store
        self._calibrations = Calibrations(self.id, calibrations)
        self._asking = Asking(embedder, background, records=calibrations, scorer=self.id)
        if calibrations is not None:
            background.keep_in(calibrations, self.id)
        self._second = second
        self._learner = Learner(embedder, background)
        self._tastes: dict[tuple[Example, ...], Taste] = {}

    @property
    def id(self) -> str:
        return f"{SCORING}:{self._embedder.id}:{self._background.id}"

    def prepare(self, papers: Sequence[Paper], stream: Stream | None = None) -> Batch:
        return self._background.prepare(papers, self._embedder, self._store, stream=stream)

    def score(self, interests: Sequence[Interest], ready: Batch) -> Scores:
        profiles, questions = self._profiles(interests)
        values = np.full((len(interests), len(ready)), -np.inf, np.float32)
        share, level = np.ones_like(values), np.full_like(values, -np.inf)
        aversion = np.zeros_like(values) if any(one.averse for one in profiles) else None
        calibrations = self._calibrated(interests, profiles, questions)
        asked = parts(questions, ready)
        if rows := [row for row, one in enumerate(profiles) if one.is_statement]:
            numbers = [n for row in rows if (n := profiles[row].question) is not None]
            together = Calibrated([one for row in rows if (one := calibrations[row]) is not None])
            stated = [_rows(part, numbers) for part in asked]
            likeness = together.total(stated, WEIGHTS)
            values[rows], share[rows] = likeness, together.share(likeness)
            stretches = np.array([[questions.stretch(number)] for number in numbers])
            level[rows] = self._level(profiles[rows[0]], stated, likeness, stretch=stretches)
        for row, (profile, known) in enumerate(zip(profiles, calibrations, strict=True)):
            if known is None or profile.is_statement:
                continue
            found = _parts(profile, asked, ready)
            likeness = known.total(found, profile.weights)
            if profile.averse and aversion is not None:
                aversion[row] = nearness(known.share(likeness))
            else:
                values[row], share[row] = likeness, known.share(likeness)
                stretch = 1.0 if profile.question is None else questions.stretch(profile.question)
                level[row] = self._level(profile, found, likeness, stretch=stretch)
        if self._second and len(ready):
            self._second.try_to_reorder(interests, ready.papers, values, share)

        def told(row: int, column: int) -> tuple[Hit, ...]:
            return ready.places.told(interests[row].statement, column)

        resembles = _Resembles(profiles, questions, ready)
        return Scores(values, share, resembles, told, level, aversion)

    def measure(self, interests: Sequence[Interest]) -> None:
        """Keep what these interests' scores mean, and what matching needs of the background."""
        self._background.settle()
        self._calibrated(interests, *self._profiles(interests))

    def alike(self, ready: Batch) -> Alike:
        return find_alike(ready.vectors.of(slice(None)))

    def _level(
        self,
        profile: _Profile,
        found: Sequence[Floats],
        values: Floats,
        *,
        stretch: float | NDArray[np.float64],
    ) -> Floats:
        """Likeness in spreads above what is usual in science at large.

        Vectors of another model than the shipped one are measured on this background alone.
        """
        common = usual()
        if common.model != self._embedder.id:
            return values
        return common.level(profile.names, profile.weights, found, stretch=stretch)

    def breakdown(self, interest: Interest, ready: Batch) -> dict[str, Floats]:
        """Each part's score for every paper, in spreads above the usual, by name."""
        profiles, questions = self._profiles([interest])
        known = self._calibrated([interest], profiles, questions)[0]
        if known is None:
            return {}
        found = _parts(profiles[0], parts(questions, ready), ready)
        triples = zip(profiles[0].names, found, known.means, known.spreads, strict=True)
        return {name: (part - mean) / spread for name, part, mean, spread in triples}

    def part_names(self, interest: Interest) -> tuple[str, ...]:
        """Names of the parts of this interest's score."""
        return self._profiles([interest])[0][0].names

    def _profiles(self, interests: Sequence[Interest]) -> tuple[list[_Profile], Questions]:
        stated = [interest for interest in interests if interest.statement.strip()]
        questions = self._asking.ask([one.statement for one in stated])
        rows = {id(interest): row for row, interest in enumerate(stated)}
        return [self._profile(one, rows.get(id(one))) for one in interests], questions

    def _profile(self, interest: Interest, question: int | None) -> _Profile:
        if question is not None and not interest.examples:
            return _Profile(question, None, NAMES, WEIGHTS)
        spoken = [e for e in interest.examples if (e.title + e.abstract).strip()]
        liked = any(example.positive for example in spoken)
        taste = self._taste(spoken) if spoken else None
        if taste is not None and question is None and not liked:
            return _Profile(None, taste, (DISLIKED,), (1.0,), averse=True)
        both = question is not None and liked
        weights: list[tuple[str, float]] = []
        if question is not None:
            weights += zip(NAMES, WEIGHTS, strict=True)
        if taste is not None:
            weights += taste.weights()
        scaled = [(name, weight / 2 if both else weight) for name, weight in weights]
        names = tuple(name for name, _ in scaled)
        return _Profile(question, taste, names, tuple(weight for _, weight in scaled))

    def _taste(self, examples: Sequence[Example]) -> Taste:
        """The examples' taste, learned again only when they were not seen lately."""
        key = tuple(examples)
        if key not in self._tastes:
            if len(self._tastes) >= TASTES:
                self._tastes.clear()
            self._tastes[key] = self._learner.taste(examples)
        return self._tastes[key]

    def _calibrated(
        self, interests: Sequence[Interest], profiles: Sequence[_Profile], questions: Questions
    ) -> list[Calibration | None]:
        keys = [_content(interest) for interest in interests]
        known = self._calibrations.get(keys)
        wanted = [row for row, one in enumerate(profiles) if one.weights]
        todo = list({keys[row]: row for row in wanted if keys[row] not in known}.values())
        for start in range(0, len(todo), ROWS):
            measured = self._measured(todo[start : start + ROWS], profiles, questions)
            fresh = {keys[row]: one for row, one in measured}
            known |= fresh
            if self._background.is_enough:
                self._calibrations.put(fresh)
        return [known.get(key) for key in keys]

    def _measured(
        self, rows: Sequence[int], profiles: Sequence[_Profile], questions: Questions
    ) -> list[tuple[int, Calibration]]:
        sample = self._background.sample
        if not self._background.is_enough:
            return [(row, usual().calibration(profiles[row].names)) for row in rows]
        numbers = [n for row in rows if (n := profiles[row].question) is not None]
        some = questions[slice(min(numbers, default=0), max(numbers, default=-1) + 1)]
        asked, first = parts(some, sample), min(numbers, default=0)
        stated = [row for row in rows if profiles[row].is_statement]
        among = [n - first for row in stated if (n := profiles[row].question) is not None]
        alone = calibrate_rows([_rows(part, among) for part in asked], WEIGHTS) if stated else []
        fresh = list(zip(stated, alone, strict=True))
        for row in rows:
            if profiles[row].taste is not None:
                found = _parts(profiles[row], asked, sample, first=first)
                fresh.append((row, calibrate(found, profiles[row].weights)))
        return fresh


def _rows(part: Floats, numbers: Sequence[int]) -> Floats:
    """Those rows, which rise; the array itself where that is all."""
    return part if len(numbers) == len(part) else part[numbers]


def _parts(
    profile: _Profile, asked: Sequence[Floats], batch: Batch, *, first: int = 0
) -> list[Floats]:
    """The parts of one interest's score, in the order of its weights."""
    found: list[Floats] = []
    if profile.question is not None:
        found += [part[profile.question - first] for part in asked]
    return found + profile.taste.parts(batch) if profile.taste is not None else found


@dataclass(frozen=True, slots=True, eq=False)
class _Resembles:
    """Answers `Scores.resembles`."""

    profiles: Sequence[_Profile]
    questions: Questions
    batch: Batch

    def __call__(self, row: int, column: int) -> str | None:
        profile = self.profiles[row]
        if profile.taste is None or not profile.taste.liked:
            return None
        title, cosine = profile.taste.nearest(self.batch.vectors.of(slice(column, column + 1))[0])
        if profile.question is None:
            return title
        question = self.questions.vectors[profile.question]
        stated = self.batch.vectors.cosine(question, column)
        return title if cosine >= stated else None


def _content(interest: Interest) -> str:
    """A digest of what an interest says; its name and limits do not matter."""
    said = [
        interest.statement,
        *(f"{e.positive}{e.title}\0{e.abstract}" for e in interest.examples),
    ]
    return hashlib.sha256("\0\0".join(said).encode()).hexdigest()[:32]
