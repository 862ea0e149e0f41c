"""Texts as rows of a token table, each different word cut once.

The tokenizers of our tables fold a text, take its runs of letters and digits and cut each run by
itself. So a word's tokens never depend on its neighbours: they are asked for once and remembered,
which is several times faster than having whole texts cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece

Rows = NDArray[np.int64]  #: rows of a table
REMEMBERED = 1 << 15  #: different words, some megabytes
_FEW = 16  #: words that are sooner cut one by one than handed to other threads
_WORD = re.compile("[a-z0-9]+")


class Tokens:
    """Reads texts by a tokenizer of `static.blank_tokenizer`, as that would."""

    def __init__(self, tokenizer: Tokenizer, *, remembered: int = REMEMBERED) -> None:
        self._tokenizer = tokenizer
        self._most = remembered
        self._known: dict[str, tuple[int, ...]] = {}
        longest_first = isinstance(tokenizer.model, WordPiece)  # then a word of the table stays one
        self._whole = tokenizer.token_to_id if longest_first else lambda word: None

    def read(self, texts: Iterable[str]) -> tuple[Rows, Rows]:
        """Parallel arrays: the number of the text, and the row of each of its tokens in turn."""
        words = [_WORD.findall(self._folded(text)) for text in texts]
        known = self._learnt(set(chain.from_iterable(words)))
        tokens = [[one for word in text for one in known[word]] for text in words]
        sizes = np.fromiter(map(len, tokens), np.int64, len(tokens))
        rows = np.fromiter(chain.from_iterable(tokens), np.int64, int(sizes.sum()))
        return np.repeat(np.arange(len(tokens)), sizes), rows

    def _folded(self, text: str) -> str:
        if text.isascii():
            return text.lower()
        return str(self._tokenizer.normalizer.normalize_str(text))

    def _learnt(self, words: set[str]) -> Mapping[str, tuple[int, ...]]:
        """The tokens of all these words; other threads may be learning too."""
        known = self._known
        if len(known) > self._most:
            known = self._known = {}
        if new := [word for word in words if word not in known]:
            whole = {word: (row,) for word in new if (row := self._whole(word)) is not None}
            known.update(whole)
            rest = [word for word in new if word not in whole]
            known.update(zip(rest, (tuple(one.ids) for one in self._cut(rest)), strict=True))
        return known

    def _cut(self, words: list[str]) -> list[Encoding]:
        if len(words) > _FEW:
            return list(self._tokenizer.encode_batch_fast(words, add_special_tokens=False))
        return [self._tokenizer.encode(word, add_special_tokens=False) for word in words]


def known_pairs(rows: Rows, pairs: Rows, words: int) -> tuple[Rows, Rows]:
    """Where a row and the next are a known pair, and the row of that pair.

    `pairs` are sorted codes first * words + second; their rows follow those of the words.
    """
    if len(rows) < 2 or not len(pairs):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    codes = rows[:-1] * words + rows[1:]
    places = np.minimum(np.searchsorted(pairs, codes), len(pairs) - 1)
    found = np.flatnonzero(pairs[places] == codes)
    return found, words + places[found]


def with_pairs(rows: Rows, pairs: Rows, words: int) -> Rows:
    """The rows of a text, followed by those of the known pairs of neighbours in it."""
    return np.concatenate([rows, known_pairs(rows, pairs, words)[1]])
