"""Rows of an index as a batch for the digests' own scorer, without reading their texts again.

What `Background.of` and `Background.prepare` make of papers' texts is made here from the index, all
at once and not paper by paper: the same words, the same features, the same stored vectors. Only the
token frequencies behind a statement's vector are the archive's instead of the background's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from digest.matching.background import (
    ENOUGH,
    SAMPLE,
    Background,
    Batch,
    Frequencies,
    evenly,
)
from digest.matching.base import Embedder, Vectors
from digest.matching.lexicon import HASHES, K1, SHARED, SPARE, B, Features, Lexicon, WordIndex
from digest.matching.sparse import Floats, Ints, SparseRows
from digest.matching.stems import stem
from digest.matching.usual import usual
from digest.model import Links, Paper, PaperId, PaperIds
from digest.searching.halves import HalfMeanings, HalfVectors, Stored
from digest.searching.index import Index
from digest.searching.segment import GAP_BITS, Segment

_FIRST, _SECOND = np.uint64(0x9E3779B1), np.uint64(0x85EBCA77)  #: as in `lexicon.features`

_NO_IDS, _NO_LINKS = PaperIds(), Links()


@dataclass(frozen=True, slots=True, eq=False)
class _Tokens:
    """The stems of some rows, in order: whose they are, in which text, and their hashes."""

    owners: Ints
    texts: Ints  #: a number for each title and each abstract
    hashes: NDArray[np.uint64]


def _tokens(index: Index, rows: Ints) -> _Tokens:
    parts = list(_segment_tokens(index, rows))
    owners = np.concatenate([np.zeros(0, np.int64), *(one.owners for one in parts)])
    order = np.argsort(owners, kind="stable")
    return _Tokens(
        owners[order],
        np.concatenate([np.zeros(0, np.int64), *(one.texts for one in parts)])[order],
        np.concatenate([np.zeros(0, np.uint64), *(one.hashes for one in parts)])[order],
    )


def _segment_tokens(index: Index, rows: Ints) -> Iterator[_Tokens]:
    for begin, segment in zip(index.begins, index.segments, strict=True):
        places = np.flatnonzero((rows >= begin) & (rows < begin + len(segment)))
        words, mine = segment.words, rows[places] - begin
        sizes = words.begins[mine + 1] - words.begins[mine]
        offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        ids = words.stream[np.repeat(words.begins[mine], sizes) + offsets] >> GAP_BITS
        owners = np.repeat(places, sizes)
        in_abstract = offsets >= np.repeat(words.title_words[mine], sizes)
        hashes = _stem_hashes(segment, ids)
        told = hashes != _NOTHING
        yield _Tokens(owners[told], (owners * 2 + in_abstract)[told], hashes[told])


_NOTHING = np.uint64(1 << 40)  #: no CRC-32


def _stem_hashes(segment: Segment, ids: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The hash of each word's stem, `_NOTHING` for a word that says nothing."""
    different, inverse = np.unique(ids, return_inverse=True)
    surfaces = segment.words.vocabulary.surfaces
    stems = [stem(surfaces[number]) for number in different.tolist()]
    hashed = [zlib.crc32(one.encode()) if one else int(_NOTHING) for one in stems]
    return np.array(hashed, np.uint64)[inverse]


def _features(tokens: _Tokens) -> tuple[Ints, Ints, Ints, Ints]:
    """Owners and hashes of the stems, then of the neighbouring pairs (`lexicon.features`)."""
    same = tokens.texts[:-1] == tokens.texts[1:]
    first, second = tokens.hashes[:-1][same], tokens.hashes[1:][same]
    pairs = ((first * _FIRST + second * _SECOND) >> np.uint64(7)) % np.uint64(HASHES)
    singles = (tokens.hashes % np.uint64(HASHES)).astype(np.int64)
    return tokens.owners, singles, tokens.owners[:-1][same], pairs.astype(np.int64)


# --- the background -----------------------------------------------------------------------------


class _Counts(Mapping[str, int]):
    """How many papers of the background hold each stem, counted when it is asked for."""

    def __init__(self, index: Index, rows: Ints, other: Mapping[str, int]) -> None:
        self._index = index
        self._there = np.zeros(len(index), np.bool_)
        self._there[rows] = True
        self._other = other

    def __getitem__(self, word: str) -> int:
        count = self._other.get(word, 0)
        for begin, segment in zip(self._index.begins, self._index.segments, strict=True):
            rows, _ = segment.stems.of(word)
            count += int(self._there[begin : begin + len(segment)][rows].sum())
        return count

    def get(self, word: str, default: int | None = None) -> int:  # type: ignore[override]  # every word has a count
        return self[word]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def lexicon_of(index: Index, rows: Ints, *, features: bool) -> Lexicon:
    """The background's words; `features` only where examples need them."""
    lengths = np.concatenate([segment.lengths for segment in index.segments])[rows]
    papers, other = len(rows), dict[str, int]()
    mean_length = max(float(lengths.sum()), 1.0) / max(papers, 1)
    found = _rarity(index, rows) if features else Features(())
    if papers < ENOUGH:
        common = usual()
        papers, mean_length = papers + common.papers, common.mean_length
        other = dict(common.words)
    return Lexicon(papers, mean_length, _Counts(index, rows, other), found)


def _rarity(index: Index, rows: Ints) -> Features:
    """Column of each hash and rarity of each column, as `Lexicon.of` has them."""
    owners, singles, pair_owners, pairs = _features(_tokens(index, rows))
    codes = np.concatenate([owners * HASHES + singles, pair_owners * HASHES + pairs])
    counts = np.bincount(np.unique(codes) % HASHES, minlength=HASHES)
    shared = np.flatnonzero(counts >= SHARED)
    frequencies = np.concatenate([counts[shared], np.zeros(SPARE, np.int64)])
    rarity = np.log((len(rows) + 1) / (frequencies + 1)).astype(np.float32)
    return Features.known(shared, rarity)


# --- batches ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexWords(WordIndex):
    """A WordIndex that looks words up in the index."""

    lexicon: Lexicon
    index: Index
    columns: Ints  #: of each row of the index, its place in the batch, or -1

    def scores(self, questions: Sequence[Sequence[str]], *, together: int = 1) -> Floats:
        empty = np.zeros((0, self.papers), np.float32)
        return np.vstack([empty, *map(self.score, questions)])

    def score(self, question: Sequence[str]) -> Floats:
        total = np.zeros(self.papers + 1, np.float32)  # the last gathers what is not in the batch
        lengths = np.concatenate([segment.lengths for segment in self.index.segments])
        norms = K1 * (1 - B + B * lengths.astype(np.float32) / self.lexicon.mean_length)
        for word in question:
            weight = self.lexicon.rarity(word) * (K1 + 1)
            for begin, segment in zip(self.index.begins, self.index.segments, strict=True):
                rows, times = segment.stems.of(word)
                columns = self.columns[begin : begin + len(segment)][rows]
                inside = columns >= 0
                often = times[inside].astype(np.float32)
                norm = norms[begin : begin + len(segment)][rows[inside]]
                total[columns[inside]] += weight * often / (often + norm)
        return total[:-1]


@dataclass(frozen=True, eq=False)
class IndexBatch(Batch):
    """A Batch whose features are made from the index, and only when examples ask for them."""

    archive: Index
    rows: Ints

    @cached_property
    def features(self) -> SparseRows:
        lexicon = self.lexicon
        owners, singles, pair_owners, pairs = _features(_tokens(self.archive, self.rows))
        spare = lexicon.width - SPARE + singles % SPARE
        known = lexicon.features.columns(singles)
        paired = lexicon.features.columns(pairs)
        columns = np.concatenate([np.where(known >= 0, known, spare), paired[paired >= 0]])
        whose = np.concatenate([owners, pair_owners[paired >= 0]])
        codes, counts = np.unique(whose * lexicon.width + columns, return_counts=True)
        owner, column = np.divmod(codes, lexicon.width)
        weighted = (1 + np.log(counts)) * lexicon.features.rarity[column]
        lengths = np.sqrt(np.bincount(owner, np.square(weighted), minlength=len(self))) + 1e-9
        starts = np.searchsorted(owner, np.arange(len(self) + 1)).astype(np.int64)
        data = (weighted / lengths[owner]).astype(np.float32)
        return SparseRows(starts, column.astype(np.int64), data, lexicon.width)


@dataclass(frozen=True, slots=True, eq=False)
class Known(Sequence[Paper]):
    """Papers of which no more is known than this, each made when it is looked at."""

    ids: Sequence[PaperId]
    days: Ints  #: as ordinals
    votes: NDArray[np.int32]
    titles: dict[PaperId, str] = field(default_factory=dict)  #: of those whose was asked for

    @classmethod
    def at(cls, index: Index, rows: Ints) -> Known:
        ids = [PaperId(one) for one in index.ids[rows].tolist()]
        return cls(ids, index.days[rows].astype(np.int64), index.votes[rows])

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> Paper: ...
    @overload
    def __getitem__(self, at: slice) -> list[Paper]: ...
    def __getitem__(self, at: int | slice) -> Paper | list[Paper]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        one, day = self.ids[at], date.fromordinal(int(self.days[at]))
        return Paper(
            id=one,
            key=str(one),
            title=self.titles.get(one, ""),
            abstract="",
            authors=(),
            categories=(),
            ids=_NO_IDS,
            links=_NO_LINKS,
            announced_on=day,
            votes=int(self.votes[at]) or None,
        )


def background_of(
    index: Index, rows: Ints, embedder: Embedder, stored: Stored, *, features: bool
) -> Background:
    """The background that `Background.of` would make of the papers in these rows."""
    chosen = np.array(evenly(rows.tolist(), SAMPLE), np.int64)
    papers = Known.at(index, chosen)
    vectors = HalfVectors.read(papers.ids, stored, embedder.dimensions)
    lexicon, mean = lexicon_of(index, rows, features=features), _mean(vectors.wholes(), embedder)
    source = _Rows(index, chosen, papers, vectors, lexicon, mean)
    return Background(f"index-{int(index.version)}-{len(rows)}", papers, source)


class _Rows(NamedTuple):
    """A background's Source: rows of the index, and their vectors."""

    archive: Index
    chosen: Ints
    papers: Known
    vectors: HalfVectors
    words: Lexicon
    centre: Vectors

    def read(self) -> Sequence[Paper]:
        return self.papers

    def lexicon(self) -> Lexicon:
        return self.words

    def frequencies(self) -> Frequencies | None:
        return self.archive.frame.frequencies

    def mean(self) -> Vectors:
        return self.centre

    def sample(self, background: Background) -> IndexBatch:
        return batch_of(self.archive, self.chosen, self.papers, background, self.vectors)


def batch_of(
    index: Index, rows: Ints, papers: Known, background: Background, vectors: HalfVectors
) -> IndexBatch:
    """Rows of the index, ready to be scored; `papers` and `vectors` are theirs."""
    columns = np.full(len(index), -1, np.int64)
    columns[rows] = np.arange(len(rows))
    words = IndexWords({}, SparseRows.of([], 0), len(rows), background.lexicon, index, columns)
    return IndexBatch(
        papers=papers,
        index=words,
        words=(),
        lexicon=background.lexicon,
        vectors=HalfMeanings.measure(vectors, background.mean),
        negative=background.places(papers.ids),
        archive=index,
        rows=rows,
    )


def _mean(vectors: Vectors, embedder: Embedder) -> Vectors:
    """As in `background`: of too few papers, what is usual for the shipped table."""
    if len(vectors) >= ENOUGH:
        mean: Vectors = vectors.mean(axis=0)
        return mean
    common = usual()
    fits = common.model == embedder.id
    return common.mean if fits else np.zeros(embedder.dimensions, np.float32)
