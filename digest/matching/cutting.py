"""Many texts cut at once: their words, what stands between them, and where each of them stands.

Plain texts (ASCII, and nothing in them that makes a word of more than letters and digits) are cut
together, a few passes over all their letters; others one by one, and where their words stand is
looked for only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digest.matching.terms import SPACED, Gap, cut_with_gaps, gap_kind, is_plain

TOGETHER = 256  #: texts cut at once: what they need stays in the cache
UNKNOWN: Final = -1  #: where a word stands of whose text nobody asked before
_IN_WORD = np.array([chr(code).isalnum() for code in range(128)])
_BLANK = np.array([chr(code).isspace() for code in range(128)])
_TIGHT = np.array([gap_kind(chr(code)) is Gap.NOTHING for code in range(128)])

Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Some texts as `terms.cut_with_gaps` and `terms.bounds` have them, one after the other.

    `gaps`: the kind of what follows each word, OTHER after a text's last; `sizes`: words of each
    text; `bounds`: where each word starts and ends in its text, or UNKNOWN.
    """

    words: list[str]
    gaps: NDArray[np.int8]
    sizes: NDArray[np.int64]
    bounds: Places


def cut_all(texts: Sequence[str]) -> Iterator[Cut]:
    """The texts in order, some at a time."""
    for start in range(0, len(texts), TOGETHER):
        for plain, some in groupby(texts[start : start + TOGETHER], is_plain):
            cut = _together if plain else _each
            yield cut(list(some))


def _together(texts: Sequence[str]) -> Cut:
    joined = "\n".join(texts)
    letters = np.frombuffer(f" {joined} ".encode(), np.uint8)
    inside = _IN_WORD[letters]
    edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])
    firsts = np.searchsorted(edges[:, 0], begins)
    sizes = np.diff(firsts)
    gaps = np.full(len(edges), Gap.OTHER, np.int8)
    after, next_one = edges[:-1, 1], edges[1:, 0]
    blanks = np.cumsum(_BLANK[letters[1:-1]], dtype=np.int32)
    wide = next_one - after
    gaps[:-1][blanks[next_one - 1] - blanks[after - 1] == wide] = Gap.SPACE
    gaps[:-1][(wide == 1) & _TIGHT[letters[1 + after]]] = Gap.NOTHING
    gaps[firsts[1:][sizes > 0] - 1] = Gap.OTHER
    bounds = edges - np.repeat(begins[:-1], sizes)[:, None]
    return Cut(joined.translate(SPACED).split(), gaps, sizes, bounds.astype(np.int32).reshape(-1))


def _each(texts: Sequence[str]) -> Cut:
    words: list[str] = []
    gaps: list[int] = []
    sizes: list[int] = []
    for text in texts:
        found, between = cut_with_gaps(text)
        words += found
        gaps += map(gap_kind, between)
        gaps += [Gap.OTHER] * bool(found)
        sizes.append(len(found))
    bounds = np.full(2 * len(words), UNKNOWN, np.int32)
    return Cut(words, np.array(gaps, np.int8), np.array(sizes, np.int64), bounds)
