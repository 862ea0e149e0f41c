"""Keyword queries on a segment: exactly what `digest.matching.keywords` finds, from an index.

The operators are the same circuit; only where a term stands is found in another way. Digests look
through a day's texts for a hundred thousand terms, search looks through a hundred thousand texts
for a few.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.circuit import NOWHERE, PROSE, Bits, Leaf, run
from digest.matching.keywords import Compiled
from digest.matching.names import find_label, find_name, name_words
from digest.matching.terms import Gap, spell
from digest.matching.wildcards import wildcard
from digest.model import Field
from digest.searching.segment import (
    GAP_BITS,
    LONGEST,
    OFFSET_BITS,
    Bools,
    Floats,
    Ints,
    Labels,
    Lists,
    Names,
    Segment,
    WordPlaces,
    bits_of,
)
from digest.searching.vocabulary import LAST, Spellings, Vocabulary, compounds

Places = Ints | NDArray[np.uint32]  #: as in `WordPlaces.places`
_GAPS = (1 << GAP_BITS) - 1
_MANY = 8  #: lists from which on looking through them costs less than looking into each


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What queries (rows) say of papers (columns): found, excluded, how much of each is there."""

    true: Bools
    vetoed: Bools
    strength: Floats


def judge(queries: Compiled, segment: Segment) -> Verdicts:
    """Truth, veto and strength of every query, as `keywords.Evaluation` has them."""
    size = len(segment)
    places = [
        _known(segment, leaf, glued=at in queries.glued) for at, leaf in enumerate(queries.leaves)
    ]
    bits = np.zeros((queries.node_count, -(-size // 64)), np.uint64)
    for node, (there, _) in zip(queries.leaf_nodes.tolist(), places, strict=True):
        bits[node] = there
    run(queries.layers, bits, rows=np.arange(queries.node_count), everything=segment.everything)
    vetoed = np.zeros((len(queries.veto), size), np.bool_)
    for row, node in enumerate(queries.veto.tolist()):
        if node != NOWHERE:
            vetoed[row] = _unpacked(bits[node], size)
    true = [_unpacked(bits[node], size) for node in queries.truth.tolist()]
    strength = [_strength(leaves, places, size) for leaves in _wanted(queries)]
    return Verdicts(
        _stacked(true, np.zeros((0, size), np.bool_)),
        vetoed,
        _stacked(strength, np.zeros((0, size), np.float32)),
    )


def _stacked(rows: Sequence[NDArray[Any]], none: NDArray[Any]) -> NDArray[Any]:
    """One below the other; a single one is not copied."""
    return rows[0][None] if len(rows) == 1 else np.concatenate([none, *(row[None] for row in rows)])


def _wanted(queries: Compiled) -> Iterator[list[int]]:
    """The wanted leaves of each query."""
    ends = np.cumsum(queries.wanted_sizes)
    for end, count in zip(ends.tolist(), queries.wanted_sizes.tolist(), strict=True):
        yield queries.wanted[end - count : end].tolist()


def _strength(leaves: Sequence[int], places: Sequence[tuple[Bits, Bits]], size: int) -> Floats:
    total: NDArray[Any] = np.zeros(size, np.uint8 if len(leaves) < 128 else np.uint16)
    for leaf in leaves:
        for rows in places[leaf]:
            total += _unpacked(rows, size).view(np.uint8)
    shares: Floats = np.divide(total, np.float32(max(2 * len(leaves), 1)), dtype=np.float32)
    return shares


def _unpacked(bits: Bits, size: int) -> Bools:
    octets = bits.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, bitorder="little")[:size].view(np.bool_)


def _known(segment: Segment, leaf: Leaf, *, glued: bool) -> tuple[Bits, Bits]:
    """The rows that have a term, and those that have it in their title.

    `glued`: of two words that are asked for as well, where they are written as one.
    """

    return segment.found.get((leaf, glued), lambda: _find(segment, leaf, glued=glued))


def _find(segment: Segment, leaf: Leaf, *, glued: bool) -> tuple[Bits, Bits]:
    """The rows that have a term, and those that have it in their title (prose only)."""
    field, size = leaf[1], len(segment)
    if field not in PROSE:
        return bits_of(_owners(segment, leaf), size), bits_of(np.zeros(0, np.int64), size)
    there, in_title = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for run_ in runs(segment.words, leaf):
        if glued and not all(step.loose for step in run_[:-1]):
            continue  # it ends a word where the two meet: both are there by themselves
        some = places_of(segment.words, run_)
        rows = (some >> OFFSET_BITS).astype(np.int64)
        titled = (some & LONGEST) < segment.words.title_words[rows]
        in_title.append(rows[titled])
        there.append(_fitting(rows, titled, field))
    found = bits_of(np.concatenate(there), size)
    return found, bits_of(np.concatenate(in_title), size) & found


def _fitting(rows: Ints, titled: Bools, field: Field | None) -> Ints:
    if field is None:
        return rows
    fitting: Ints = rows[titled if field is Field.TITLE else ~titled]
    return fitting


# --- words --------------------------------------------------------------------------------------

Numbers = Sequence[int]


@dataclass(frozen=True, slots=True)
class Step:
    """One word of a run: the numbers it may have, and what must stand between it and the next."""

    numbers: Numbers
    loose: bool = False  #: the boundary after it must be one that may vanish
    tight: bool = False  #: nothing, or a hyphen, must stand there


def runs(words: WordPlaces, leaf: Leaf) -> Iterator[list[Step]]:
    """Every way in which a term of prose may stand in a text."""
    text, _, prefix = leaf
    if prefix:
        yield from _beginning(words.vocabulary, text)
        return
    for run_ in Spellings(spell(text), words.vocabulary, words.follow):
        yield [Step(numbers, loose=loose) for numbers, loose in run_]


def _beginning(known: Vocabulary, text: str) -> Iterator[list[Step]]:
    """Words that begin so, as `wildcards.Beginnings` finds them."""
    one = wildcard(text)
    yield [*(Step(known.known_as(head)) for head in one.heads), Step(known.beginning(one.start))]
    if one.heads and one.joined:
        yield [Step(known.beginning(one.joined))]
    if one.joined and not one.heads:
        for ranges in compounds(one.joined, known):
            last = len(ranges) - 1
            yield [Step(numbers, tight=at < last) for at, numbers in enumerate(ranges)]


def places_of(words: WordPlaces, steps: Sequence[Step], rows: Ints | None = None) -> Places:
    """Where (see `WordPlaces.places`) the steps stand one after the other within one text.

    `rows`, rising: looked for in those alone.
    """
    sizes = [words.places.size(step.numbers) for step in steps]
    rarest = int(np.argmin(sizes))
    numbers = steps[rarest].numbers
    here = words.places.of_all(numbers) if rows is None else _within(words.places, numbers, rows)
    if len(steps) == 1 or not len(here):
        return here
    found: Ints = here.astype(np.int64)
    found = found[(found & LONGEST) >= rarest] - rarest
    rows, offsets = found >> OFFSET_BITS, found & LONGEST
    last = offsets + len(steps) - 1
    titles = words.title_words[rows]
    sizes_of = words.begins[rows + 1] - words.begins[rows]
    inside = (last < sizes_of) & ((offsets >= titles) | (last < titles))
    found, at = found[inside], (words.begins[rows] + offsets)[inside]
    for place, step in enumerate(steps):
        if place != rarest:
            good = _is_one_of(words.stream[at + place] >> GAP_BITS, step.numbers)
            found, at = found[good], at[good]
    for place, step in enumerate(steps[:-1]):
        if step.loose or step.tight:
            good = _may_vanish(words, at + place) if step.loose else _is_tight(words, at + place)
            found, at = found[good], at[good]
    return found


def _within(lists: Lists, numbers: Numbers, rows: Ints) -> NDArray[np.uint32]:
    """Those of some lists' places that lie in these rows."""
    if len(numbers) > _MANY:
        here = lists.of_all(numbers)
        return here[np.isin(here >> OFFSET_BITS, rows)]
    firsts = (rows << OFFSET_BITS).astype(np.uint32)
    parts = [lists.values[:0]]
    for number in numbers:
        one = lists[number]
        lows = np.searchsorted(one, firsts)
        highs = np.searchsorted(one, firsts | np.uint32(LONGEST), side="right")
        pairs = zip(lows.tolist(), highs.tolist(), strict=True)
        parts += [one[low:high] for low, high in pairs if low < high]
    return np.concatenate(parts)


def _is_one_of(ids: NDArray[np.uint32], numbers: Numbers) -> Bools:
    if isinstance(numbers, range):
        inside: Bools = (ids >= numbers.start) & (ids < numbers.stop)
        return inside
    good = np.zeros(len(ids), np.bool_)
    for number in numbers:
        good |= ids == number
    return good


def _is_tight(words: WordPlaces, at: Ints) -> Bools:
    tight: Bools = (words.stream[at] & _GAPS) == Gap.NOTHING
    return tight


def _may_vanish(words: WordPlaces, at: Ints) -> Bools:
    """`terms.free_boundary` of the boundary after each position."""
    known, gaps = words.vocabulary, words.stream[at] & _GAPS
    before, after = words.stream[at] >> GAP_BITS, words.stream[at + 1] >> GAP_BITS
    function = known.is_function[before] | known.is_function[after]
    loose = (gaps == Gap.NOTHING) | ((gaps == Gap.SPACE) & ~function)
    free: Bools = loose & ~(known.ends_with_digit[before] & known.starts_with_digit[after])
    return free


# --- names --------------------------------------------------------------------------------------


def _owners(segment: Segment, leaf: Leaf) -> Ints:
    text, field, prefix = leaf
    if field is Field.AUTHOR:
        return _by_author(segment.authors, text, prefix=prefix)
    assert field is not None
    return _by_label(segment.labels[field], text, prefix=prefix, parts=field is Field.SOURCE)


def _by_label(labels: Labels, text: str, *, prefix: bool, parts: bool) -> Ints:
    wanted = name_words(text)
    numbers = [
        number
        for number, label in enumerate(labels.names)
        if find_label(wanted, label, prefix=prefix, parts=parts)
    ]
    return labels.rows.of_all(numbers).astype(np.int64)


def _by_author(authors: Names, text: str, *, prefix: bool) -> Ints:
    wanted = name_words(text)
    numbers = [
        number
        for number in _candidates(authors, wanted, prefix=prefix).tolist()
        if (len(wanted) == 1 and not prefix)
        or find_name(wanted, authors.names[number], prefix=prefix)
    ]
    rows: Ints = authors.rows.of_all(numbers).astype(np.int64)
    return rows


def _candidates(authors: Names, wanted: Sequence[str], *, prefix: bool) -> NDArray[np.uint32]:
    """The names that have every full word of `wanted` (and those that may have its beginnings)."""
    exact = wanted[:-1] if prefix else wanted
    full = [word for word in exact if len(word) > 1] or list(exact)
    if not full:
        return np.unique(authors.holders.of_all(_run(authors.words, wanted[-1])))
    found = _holders(authors, full[0])
    for word in full[1:]:
        found = np.intersect1d(found, _holders(authors, word))
    return found


def _holders(authors: Names, word: str) -> NDArray[np.uint32]:
    run_ = _run(authors.words, word)
    exact = run_ and authors.words[run_.start] == word
    return authors.holders[run_.start] if exact else authors.holders.values[:0]


def _run(words: Sequence[str], start: str) -> range:
    from_ = bisect_left(words, start)
    return range(from_, bisect_left(words, start + LAST, from_))
