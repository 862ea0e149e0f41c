"""Which papers a question finds, in which order, from an index alone: coarse for all, fine for few.

    words and veto (exact) | likeness of all, coarse | of the best 2,000, fine | of the best 60, by
    their sentences | the digests' one score

By words every paper is found that the query is true of; by meaning those of the nearest that stand
high in the archive. An exclusion always wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Embedder
from digest.matching.calibration import Calibration, calibrate
from digest.matching.keywords import Compiled
from digest.matching.names import find_label, name_words
from digest.matching.ranking import fused
from digest.matching.statements import NAMES, WEIGHTS
from digest.matching.stems import stems
from digest.matching.usual import usual
from digest.model import Field, PaperId
from digest.searching.asking import Asked
from digest.searching.finding import judge
from digest.searching.frame import Frame
from digest.searching.index import Index
from digest.searching.segment import Bools, Floats, Ints
from digest.searching.selecting import first

FINE = 2_000  #: rows whose own vectors are looked at
DEPTH = 60  #: rows whose sentences are looked at
SCATTERED = 8  #: one row of so many is sooner picked out than all are looked at in order
NEAR = 0.01  #: share of the archive up to which a paper is near …
AT_LEAST = 20  #: … and papers that are, however small the archive
MOST_STEMS = 128  #: of a long text, the rarest

Parts = Callable[[Sequence[PaperId]], Mapping[PaperId, bytes]]  #: float16, wholes first


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a search is narrowed to; days include both ends."""

    since: date | None = None
    until: date | None = None
    source: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows found, best first, with the score of each and its share of the archive (1: not near).

    No more rows than were asked for; `total` counts all that were found.
    """

    rows: Ints
    scores: Floats
    share: Floats
    total: int


def rank(
    index: Index,
    asked: Asked,
    narrowed: Narrowed,
    *,
    embedder: Embedder | None,
    parts: Parts,
    first: int | None = None,
) -> Ranked:
    """What is found. `parts` gives papers' vectors as stored, sentence by sentence; `first`: how
    many of the best are wanted, else all."""
    pool = index.alive & _inside(index, narrowed)
    true, strength = np.zeros(len(index), np.bool_), np.zeros(len(index), np.float32)
    if asked.query is not None:
        compiled = Compiled([asked.query])
        verdicts = [judge(compiled, segment) for segment in index.segments]
        strength = _joined([one.strength[0] for one in verdicts])
        if asked.query.exclusions():
            pool &= ~_joined([one.vetoed[0] for one in verdicts])
        true = _joined([one.true[0] for one in verdicts]) & pool
    looked = Likened(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32))
    if asked.statement.strip():
        among = true if asked.strict else pool
        looked = _compare(index, asked.statement, among, embedder=embedder, parts=parts)
    is_found = true
    if not asked.strict:
        near = looked.share <= max(NEAR, AT_LEAST / max(len(index), 1))
        is_found = true.copy()
        is_found[looked.rows[near]] = True
    found = np.flatnonzero(is_found)
    values, share = _spread(looked, len(index))
    merits = _Merits(share, values, true, strength, index.votes)
    rows = found if first is None or first >= len(found) else _contenders(found, merits, first)
    scores = merits.scores(rows)
    order = _in_order(index, rows, scores, first)[:first]
    return Ranked(rows[order], scores[order], share[rows[order]], len(found))


@dataclass(frozen=True, slots=True, eq=False)
class _Merits:
    """What the score of each row is made of."""

    share: Floats
    values: Floats
    true: Bools
    strength: Floats
    votes: NDArray[np.int32]

    def scores(self, rows: Ints) -> Floats:
        return fused(
            share=self.share[rows],
            values=self.values[rows],
            true=self.true[rows],
            strength=self.strength[rows],
            followed=np.zeros(len(rows), np.bool_),
            votes=self.votes[rows].astype(np.float32),
        )


@lru_cache(maxsize=256)
def _most_by_words(strongest: float) -> float:
    """What no row scores more than that is not near and has no votes; `strongest` of all rows."""
    merits = _Merits(
        share=np.ones(1, np.float32),
        values=np.zeros(1, np.float32),
        true=np.ones(1, np.bool_),
        strength=np.array([strongest], np.float32),
        votes=np.zeros(1, np.int32),
    )
    return float(merits.scores(np.zeros(1, np.int64))[0])


def _contenders(rows: Ints, merits: _Merits, first: int) -> Ints:
    """Of rows those among which the `first` are: seldom more than the near and the voted for."""
    special = rows[(merits.share[rows] < 1) | (merits.votes[rows] > 0)]
    if len(special) < first:
        return rows
    above = merits.scores(special) > _most_by_words(float(merits.strength.max(initial=0.0)))
    return special[above] if np.count_nonzero(above) >= first else rows


def _in_order(index: Index, rows: Ints, scores: Floats, first: int | None) -> Ints:
    """Places by score, then votes, the newer, the id; sorting a whole archive costs much more."""
    places = np.arange(len(rows))
    if first is not None and 0 < first < len(rows):
        places = np.flatnonzero(
            scores >= np.partition(scores, len(rows) - first)[len(rows) - first]
        )
    best = rows[places]
    order = np.lexsort((index.ids[best], -index.days[best], -index.votes[best], -scores[places]))
    return places[order]


def _inside(index: Index, narrowed: Narrowed) -> Bools:
    inside = np.ones(len(index), np.bool_)
    if narrowed.since is not None:
        inside &= index.days >= narrowed.since.toordinal()
    if narrowed.until is not None:
        inside &= index.days <= narrowed.until.toordinal()
    for field, label in (
        (Field.SOURCE, narrowed.source),
        (Field.CATEGORY, narrowed.category),
    ):
        if label is not None:
            inside &= _labelled(index, field, label)
    return inside


def _labelled(index: Index, field: Field, wanted: str) -> Bools:
    """The rows of a source or category: by its whole name, else as the query language finds it."""
    found = np.zeros(len(index), np.bool_)
    for begin, segment in zip(index.begins, index.segments, strict=True):
        labels = segment.labels[field]
        numbers = [at for at, one in enumerate(labels.names) if _is_label(one, wanted, field)]
        found[begin + labels.rows.of_all(numbers).astype(np.int64)] = True
    return found


def _is_label(label: str, wanted: str, field: Field) -> bool:
    if label.casefold() == wanted.casefold():
        return True
    words = name_words(wanted)
    is_category = field is Field.CATEGORY
    return bool(words) and is_category and find_label(words, label, parts=False) is not None


# --- likeness -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Likened:
    """Rows that were compared, the score of each, and the share of the archive at least as near."""

    rows: Ints
    scores: Floats
    share: Floats


def _spread(looked: Likened, size: int) -> tuple[Floats, Floats]:
    """Score and share of every row; those that were not compared are like nothing."""
    values, share = np.full(size, -np.inf, np.float32), np.ones(size, np.float32)
    values[looked.rows], share[looked.rows] = looked.scores, looked.share
    return values, share


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The segments' parts as one array; that of a single segment is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _compare(
    index: Index, statement: str, pool: Bools, *, embedder: Embedder | None, parts: Parts
) -> Likened:
    """How near the rows are that are worth looking at."""
    words = index.words(telling(index, statement))
    if embedder is None or not index.frame.model:
        known = _calibrated(index.frame, [words[index.sample_rows]])
        rows = np.flatnonzero(pool & (words > 0))
        return _told(known, rows, known.total([words[rows]], [1.0]))
    question = index.frame.question(statement, embedder)
    known = _calibrated(index.frame, _sample_parts(index, words, question))
    rows = _likeliest(pool, lambda some: _estimated(known, words, index, question, some))
    meaning = index.cosines(rows, question)
    rough = known.total([words[rows], meaning, _by_whole(known, meaning)], WEIGHTS)
    order = np.argsort(-rough, kind="stable")
    top = order[:DEPTH]
    sentence = _nearest_sentence(index, rows[top], meaning[top], question, parts)
    scores = np.minimum(rough, rough[top[-1]]) if len(top) else rough
    scores[top] = known.total([words[rows[top]], meaning[top], sentence], WEIGHTS)
    return _told(known, rows, scores)


def _likeliest(pool: Bools, estimate: Callable[[Ints | None], Floats]) -> Ints:
    """The rows of a pool that are worth a closer look; `estimate` does some of the rows, or all."""
    size = int(np.count_nonzero(pool))
    if size <= FINE:
        return np.flatnonzero(pool)
    if 2 * size < len(pool):
        rows: Ints = np.flatnonzero(pool)
        is_part = SCATTERED * size < len(pool)
        estimated = estimate(rows) if is_part else estimate(None)[rows]
        return rows[first(estimated, FINE)]
    estimated = estimate(None)
    if size < len(pool):
        estimated[~pool] = -np.inf
    return first(estimated, FINE)


def _told(known: Calibration, rows: Ints, scores: Floats) -> Likened:
    return Likened(rows, scores, known.share(scores))


def telling(index: Index, text: str) -> list[tuple[str, int]]:
    """The text's rarest stems, and how often it has each."""
    counts = Counter(stems(text))
    if len(counts) <= MOST_STEMS:
        return list(counts.items())
    rarest = sorted(counts, key=lambda one: (-index.rarity(one), one))[:MOST_STEMS]
    return [(one, counts[one]) for one in rarest]


def _calibrated(frame: Frame, parts: Sequence[Floats]) -> Calibration:
    if frame.is_enough:
        return calibrate(parts, WEIGHTS if len(parts) > 1 else [1.0])
    return usual().calibration(NAMES[: len(parts)])


def _sample_parts(index: Index, words: Floats, question: Floats) -> list[Floats]:
    frame, rows = index.frame, index.sample_rows
    if not len(rows):
        return [np.zeros(0, np.float32)] * 3
    nearest = np.maximum.reduceat(frame.parts @ question, frame.starts[:-1])
    return [words[rows], index.sample @ question, nearest]


def _estimated(
    known: Calibration, words: Floats, index: Index, question: Floats, rows: Ints | None
) -> Floats:
    """What the score of some rows (None: of every row) goes by, about: the order, not the values.

    The coarse cosine, standardised over the archive, stands for both parts of the meaning.
    """
    _, spread = index.coarse_usual(question)
    share = np.float32((WEIGHTS[1] + WEIGHTS[2]) / max(spread, 1e-6))
    estimated = index.coarse(share * question, rows)
    estimated += np.float32(WEIGHTS[0] / known.spreads[0]) * (
        words if rows is None else words[rows]
    )
    return estimated


def _by_whole(known: Calibration, meaning: Floats) -> Floats:
    """The nearest sentence, guessed: as far above the usual as the whole paper is."""
    return _z(known, (meaning - known.means[1]) / known.spreads[1])


def _z(known: Calibration, standard: Floats) -> Floats:
    found: Floats = standard * known.spreads[2] + known.means[2]
    return found


def _nearest_sentence(
    index: Index, rows: Ints, meaning: Floats, question: Floats, parts: Parts
) -> Floats:
    """The best cosine over title and sentences; the whole paper's where those are not stored."""
    ids = [PaperId(one) for one in index.ids[rows].tolist()]
    stored, width = parts(ids), 2 * len(question)
    found = meaning.copy()
    told = [at for at, one in enumerate(ids) if len(stored.get(one, b"")) > width]
    if told:
        blocks = [stored[ids[at]][width:] for at in told]
        starts = np.cumsum([0, *(len(block) // width for block in blocks[:-1])])
        vectors = np.frombuffer(b"".join(blocks), np.float16).reshape(-1, len(question))
        cosines = index.frame.cosines(vectors.astype(np.float32), question)
        found[told] = np.maximum.reduceat(cosines, starts)
    return found
