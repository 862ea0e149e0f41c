"""The embedder inside the box: a table of token vectors, averaged per text.

Needs numpy and tokenizers, no network and no model hub; `tools/train_static.py` built the table
from arXiv metadata and open ontologies (see `data/NOTICE.md`). Each token's vector has 256 values
of 4 bits and one scale; a text is the sum of its tokens' vectors, each weighted by rarity and by
1 + log(occurrences), scaled to unit length. It knows words, not their order: pairs of words that
belong together have vectors of their own.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import pairwise
from threading import Lock
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

from digest.errors import ConfigError
from digest.matching.base import Vectors
from digest.matching.tokens import Rows, Tokens, known_pairs

CHUNK = 16  #: papers worked on at once: what they need stays in the cache
FORMAT = 1
Item = TypeVar("Item")
SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9])")


def sentences(text: str) -> list[str]:
    """The sentences of an abstract, roughly: cut after . ! ? ; before a capital or a digit."""
    return [part for part in SENTENCE_END.split(text.strip()) if part]


def blank_tokenizer(model: Any) -> Tokenizer:
    """A tokenizer around `model` that folds case and diacritics and keeps letters and digits."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[a-z0-9]+"), "removed", invert=True)
    return tokenizer


@dataclass(frozen=True, slots=True)
class Table:
    """What the data file holds: signed 4-bit values unpacked to int8, scales, token weights."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    weights: NDArray[np.float32]  #: log(papers / papers with the token), of the training text
    pairs: NDArray[np.int64]  #: sorted codes first * words + second; their rows follow the words
    tokenizer: Tokenizer

    @property
    def words(self) -> int:
        return len(self.weights) - len(self.pairs)


def pack(vectors: Vectors) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Rows as 4-bit values, two a byte, and a scale a row: the best of nine by squared error."""
    peak = np.abs(vectors).max(axis=1, keepdims=True) / 7
    best, scales = np.full(len(vectors), np.inf), peak.copy()
    for shrink in np.linspace(0.6, 1.0, 9):
        scale = np.maximum(peak * shrink, 1e-8)
        error = np.square(np.clip(np.rint(vectors / scale), -7, 7) * scale - vectors).sum(axis=1)
        better = error < best
        best[better], scales[better] = error[better], scale[better]
    values = (np.clip(np.rint(vectors / np.maximum(scales, 1e-8)), -7, 7) + 8).astype(np.uint8)
    return (values[:, 0::2] << 4) | values[:, 1::2], scales[:, 0].astype(np.float32)


def unpack(codes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Both values of every byte by one look-up."""
    bytewise = np.arange(256, dtype=np.int16)
    both = np.stack([(bytewise >> 4) - 8, (bytewise & 15) - 8], axis=1).astype(np.int8)
    return both.view(np.int16)[:, 0][codes].view(np.int8)


def write_table(
    vectors: Vectors, weights: NDArray[np.float32], pairs: NDArray[np.int64], tokenizer: bytes
) -> bytes:
    """The data file's bytes; the same input gives the same bytes."""
    codes, scales = pack(vectors)
    stream = io.BytesIO()
    np.savez(
        stream,
        format=np.array(FORMAT),
        codes=codes,
        scales=scales.astype(np.float16),
        weights=weights.astype(np.float16),
        pairs=pairs.astype(np.int64),
        tokenizer=np.frombuffer(gzip.compress(tokenizer, mtime=0), np.uint8),
    )
    return stream.getvalue()


def read_table(data: bytes) -> Table:
    """The table in `data`; raises ConfigError when this program cannot read it."""
    with _told_if_damaged(), np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        if int(arrays["format"]) != FORMAT:
            raise ValueError(f"format {int(arrays['format'])}")
        return Table(
            values=unpack(arrays["codes"]),
            scales=arrays["scales"].astype(np.float32),
            weights=arrays["weights"].astype(np.float32),
            pairs=arrays["pairs"],
            tokenizer=Tokenizer.from_str(gzip.decompress(arrays["tokenizer"].tobytes()).decode()),
        )


def read_width(data: bytes) -> int:
    """How many values a vector of the table has, without reading the table; raises as that does."""
    with _told_if_damaged(), ZipFile(io.BytesIO(data)) as archive:
        with archive.open("codes.npy") as member:
            np.lib.format.read_magic(member)
            shape, _, _ = np.lib.format.read_array_header_1_0(member)
        return 2 * int(shape[1])


@contextmanager
def _told_if_damaged() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, IndexError, OSError, EOFError, BadZipFile) as error:
        fault = f"the static table cannot be read ({error}); reinstall paper-digest"
        raise ConfigError("matching.embedder", [fault]) from error


@dataclass(frozen=True, slots=True)
class PartVectors:
    """Papers as vectors: `whole` one a paper, `parts` one a title or sentence.

    The parts of paper i are `parts[starts[i]:starts[i + 1]]`; `starts` has one entry more than
    there are papers. Every paper has at least one part.
    """

    whole: Vectors
    parts: Vectors
    starts: NDArray[np.int64]


class StaticEmbedder:
    """An Embedder over a table; also gives a vector for every sentence at little extra cost.

    The table is read when there is something to embed: most often all vectors are kept already.
    """

    def __init__(self, read: Callable[[], bytes], *, id: str, dimensions: int) -> None:
        """`read` gives the data file's bytes, whose id and width are known."""
        self._bytes = read
        self._width = dimensions
        self._reading = Lock()
        self._known: Table | None = None
        self._local: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None
        self._id = id

    @classmethod
    def of(cls, data: bytes) -> StaticEmbedder:
        id = f"static-{FORMAT}-{hashlib.sha256(data).hexdigest()[:12]}"
        return cls(lambda: data, id=id, dimensions=read_width(data))

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimensions(self) -> int:
        return self._width

    @cached_property
    def _table(self) -> Table:
        with self._reading:  # several threads may be the first
            if self._known is None:
                self._known = read_table(self._bytes())
            return self._known

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._table.tokenizer)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._table.weights)

    def embed_statements(self, texts: Sequence[str], frequencies: NDArray[np.int64]) -> Vectors:
        """Like `embed`, for questions put to a background with these token frequencies.

        A token weighs the geometric mean of its rarity in the training text and in the background.
        """
        return self._embed(texts, self._localised(frequencies))

    def _localised(self, frequencies: NDArray[np.int64]) -> NDArray[np.float32]:
        """The weights for these frequencies; those of the array asked with last are kept."""
        known = self._local
        if known is None or known[0] is not frequencies:
            local = np.log((frequencies[-1] + 1) / (frequencies[:-1] + 1)).clip(0.05)
            weights = np.sqrt(self._table.weights * local).astype(np.float32)
            known = self._local = frequencies, weights
        return known[1]

    def embed_papers(self, papers: Sequence[Sequence[str]]) -> PartVectors:
        """Vectors of papers given as parts (title first, then sentences)."""
        wholes, parts, weights = [], [], self._table.weights
        for chunk in _chunks(papers, CHUNK):
            part, rows = self._read(part for paper in chunk for part in paper)
            counts = [len(paper) for paper in chunk]
            paper = np.repeat(np.arange(len(chunk)), counts)[part]
            parts.append(self._sum(part, rows, sum(counts), weights))
            wholes.append(self._sum(paper, rows, len(chunk), weights))
        starts = np.concatenate([[0], np.cumsum([len(paper) for paper in papers])])
        return PartVectors(self._stack(wholes), self._stack(parts), starts.astype(np.int64))

    def frequencies(self, papers: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """In how many papers each token occurs; the last entry is the number of papers."""
        size = len(self._table.weights)
        counts = np.zeros(size + 1, np.int64)
        for chunk in _chunks(papers, CHUNK):
            part, rows = self._read(part for paper in chunk for part in paper)
            paper = np.repeat(np.arange(len(chunk)), [len(paper) for paper in chunk])[part]
            np.add.at(counts, np.unique(paper * size + rows) % size, 1)
        counts[-1] = len(papers)
        return counts

    def _embed(self, texts: Sequence[str], weights: NDArray[np.float32]) -> Vectors:
        return self._stack(
            [
                self._sum(*self._read(chunk), len(chunk), weights)
                for chunk in _chunks(texts, 2 * CHUNK)
            ]
        )

    def _stack(self, chunks: Sequence[Vectors]) -> Vectors:
        return np.concatenate([np.zeros((0, self.dimensions), np.float32), *chunks])

    def _read(self, texts: Iterable[str]) -> tuple[Rows, Rows]:
        """The number of the text, and the row, of each token and then of each known pair."""
        owners, rows = self._tokens.read(texts)
        at, found = known_pairs(rows, self._table.pairs, self._table.words)
        within = owners[at] == owners[at + 1]
        paired = owners[at[within]], found[within]
        return np.concatenate([owners, paired[0]]), np.concatenate([rows, paired[1]])

    def _sum(self, owners: Rows, rows: Rows, texts: int, weights: NDArray[np.float32]) -> Vectors:
        """Unit vectors of so many texts; zero where a text has no token."""
        sums = np.zeros((texts, self.dimensions), np.float32)
        size = len(weights)
        codes, counts = np.unique(owners * size + rows, return_counts=True)
        owners, rows = np.divmod(codes, size)
        factors = self._table.scales[rows] * weights[rows] * (1 + np.log(counts))
        factors = factors.astype(np.float32)
        values = self._table.values[rows].astype(np.float32)
        ends = np.searchsorted(owners, np.arange(texts + 1)).tolist()
        for text, (start, end) in enumerate(pairwise(ends)):
            np.dot(factors[start:end], values[start:end], out=sums[text])
        return unit(sums)


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to unit length; zero rows stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled


def make_unit(vectors: Vectors) -> Vectors:
    """`unit` in place, some rows at a time: for arrays that are not wanted twice in memory."""
    for start in range(0, len(vectors), 1024):
        rows = vectors[start : start + 1024]
        rows[:] = unit(rows)
    return vectors


def _chunks(items: Sequence[Item], size: int) -> Iterable[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@lru_cache(maxsize=1)
def static_embedder() -> StaticEmbedder:
    """The embedder shipped with the package, one for the process; its record says whose id it has.

    So a run in which nothing is embedded does not read the table's megabytes.
    """
    folder = files("digest.matching").joinpath("data")
    record = json.loads(folder.joinpath("static.json").read_text())
    read = folder.joinpath("static.npz").read_bytes
    return StaticEmbedder(read, id=record["id"], dimensions=record["settings"]["dimensions"])
