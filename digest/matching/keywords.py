"""The keyword queries of everybody, evaluated on a batch of papers at once.

    scan = Scan(papers)                     the words of each paper, once
    compiled = Compiled(queries)            the terms of all queries, each once
    evaluation = scan.evaluate(compiled)    bitmaps of papers: terms, then combinations

Cost is linear in papers plus terms; a paper is never looked at for one subscriber alone. Where a
term stands is worked out only for the papers that are listed. It holds no policy: truth, vetoes
and places are facts for `digest.matching.ranking`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from digest.matching.circuit import NOWHERE, PROSE, Bits, Circuit, Leaf, run
from digest.matching.expression import Query
from digest.matching.names import LabelIndex, NameIndex, find_label, find_name, name_words
from digest.matching.scoring import Floats
from digest.matching.sparse import ranges
from digest.matching.stemmed import stream_of
from digest.matching.stream import Ints, Lexicon, Occurrences, Stream
from digest.matching.wildcards import Beginnings, Wildcard, wildcard
from digest.model import Field, Hit, Paper

Bools = NDArray[np.bool_]
MOST_HITS = 8  #: places told of one term in one field of one paper
_FIELDS = (None, *Field)
_TITLE, _ABSTRACT = Field.TITLE, Field.ABSTRACT
_Wanted = tuple[int, dict[int, tuple[Hit, ...]], tuple[Leaf, int, bool]]
_hit: Final = partial(tuple.__new__, Hit)  # `_make` without counting
_SCOPES = {None: 0, Field.TITLE: 1, Field.ABSTRACT: 2}
_SCOPE_OF = np.array([_SCOPES.get(field, 0) for field in _FIELDS], np.int64)
_IN_PROSE = np.array([field in PROSE for field in _FIELDS], np.bool_)


class Leaves:
    """The terms of all queries without an object for each: there may be a million of them."""

    def __init__(self, leaves: Collection[Leaf]) -> None:
        ends = np.cumsum([0, *(len(text) for text, _, _ in leaves)])
        self._ends = ends.astype(np.int64)
        self._texts = "".join([text for text, _, _ in leaves])
        self.fields = np.array([_FIELDS.index(field) for _, field, _ in leaves], np.int8)
        self.prefix = np.array([prefix for _, _, prefix in leaves], np.bool_)

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[Leaf]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, at: int) -> Leaf:
        return self.text(at), _FIELDS[self.fields.item(at)], self.prefix.item(at)

    def text(self, at: int) -> str:
        return self._texts[self._ends.item(at) : self._ends.item(at + 1)]


class _Texts(Sequence[str]):
    """The texts of some leaves."""

    def __init__(self, leaves: Leaves, chosen: Ints) -> None:
        self._leaves, self._chosen = leaves, chosen

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return _Texts(self._leaves, self._chosen[at])
        return self._leaves.text(int(self._chosen[at]))


class Compiled:
    """Queries made ready for any number of scans; what is asked of them goes by their number.

    Queries may come one by one: nothing of them is kept but arrays.
    """

    def __init__(self, queries: Iterable[Query]) -> None:
        circuit = Circuit()
        numbers = array("q")  # truth, veto and how many are wanted, a query
        wanted = array("q")
        self.joined: dict[int, tuple[int, ...]] = {}
        for at, query in enumerate(queries):
            gate = circuit.add(query)
            numbers.extend((gate.truth, gate.veto, len(gate.wanted)))
            wanted.extend(gate.wanted)
            if gate.joined:
                self.joined[at] = gate.joined
        self.truth, self.veto, self.wanted_sizes = _ints(numbers).reshape(-1, 3).T.copy()
        self.wanted = _ints(wanted)
        self.wanted_ends = np.cumsum(self.wanted_sizes)
        self.leaves = Leaves(circuit.leaves)
        self.glued = frozenset(circuit.glued)  #: leaves that only join two other ones to a word
        self.layers = circuit.layers()
        self.node_count = circuit.size
        self.leaf_nodes = np.array(circuit.leaf_nodes, np.int64)

    # Made when texts are scanned: an index finds its terms without, and each is large.

    @cached_property
    def lexicon(self) -> Lexicon:
        return Lexicon(_Texts(self.leaves, self._exact))

    @cached_property
    def wildcards(self) -> list[Wildcard]:
        return list(dict.fromkeys(self._patterns))

    @cached_property
    def terms(self) -> Ints:
        """Per leaf, the number of its term among the occurrences; names have none."""
        numbers = {one: at for at, one in enumerate(self.wildcards)}
        terms: Ints = np.full(len(self.leaves), NOWHERE, np.int64)
        terms[self._exact] = self.lexicon.numbers
        terms[self._wild] = [self.lexicon.size + numbers[one] for one in self._patterns]
        return terms

    @cached_property
    def scopes(self) -> Ints:
        found: Ints = _SCOPE_OF[self.leaves.fields]
        return found

    @cached_property
    def named(self) -> list[int]:
        return np.flatnonzero(~_IN_PROSE[self.leaves.fields]).tolist()

    @property
    def _exact(self) -> Ints:
        return np.flatnonzero(_IN_PROSE[self.leaves.fields] & ~self.leaves.prefix)

    @property
    def _wild(self) -> Ints:
        return np.flatnonzero(_IN_PROSE[self.leaves.fields] & self.leaves.prefix)

    @property
    def _patterns(self) -> list[Wildcard]:
        return [wildcard(text) for text in _Texts(self.leaves, self._wild)]

    @property
    def term_count(self) -> int:
        return self.lexicon.size + len(self.wildcards)


def _ints(numbers: array[int]) -> Ints:
    return np.frombuffer(numbers, np.int64) if len(numbers) else np.empty(0, np.int64)


class Scan:
    """Papers made ready for any number of queries."""

    def __init__(self, papers: Sequence[Paper], stream: Stream | None = None) -> None:
        """`stream`: their `stream_of`, where they were cut already."""
        self.papers = papers
        self.stream = stream or stream_of(papers)
        self.abstracts: list[int] = self.stream.begins[1::2].tolist()  #: where each begins
        #: known places of a term (as a single word only?) by paper, for all evaluations
        self.hits: dict[tuple[Leaf, bool], dict[int, tuple[Hit, ...]]] = defaultdict(dict)

    @cached_property
    def beginnings(self) -> Beginnings:
        return Beginnings(self.stream)

    @cached_property
    def authors(self) -> NameIndex:
        return NameIndex((at, name) for at, one in enumerate(self.papers) for name in one.authors)

    @cached_property
    def labels(self) -> dict[Field, LabelIndex]:
        papers = list(enumerate(self.papers))
        categories = ((at, label) for at, paper in papers for label in paper.categories)
        sources = ((at, label) for at, paper in papers for label in paper.sources)
        return {
            Field.CATEGORY: LabelIndex(categories, parts=False),
            Field.SOURCE: LabelIndex(sources, parts=True),
        }

    def evaluate(self, compiled: Compiled) -> Evaluation:
        parts = [compiled.lexicon.find(self.stream)]
        if compiled.wildcards:
            wild = self.beginnings.find(compiled.wildcards)
            offset = compiled.lexicon.size
            parts.append(Occurrences(wild.term + offset, wild.at, wild.length))
        return Evaluation(self, compiled, Occurrences.together(parts))

    def owners(self, leaf: Leaf) -> list[int]:
        """The papers in whose names (authors, categories, sources) a term is found."""
        text, field, prefix = leaf
        index = self.authors if field is Field.AUTHOR else self.labels[field or Field.SOURCE]
        return index.owners(text, prefix=prefix)


class Evaluation:
    """The truth of every query about every paper, and where its terms stand."""

    def __init__(self, scan: Scan, compiled: Compiled, found: Occurrences) -> None:
        self._scan = scan
        self._compiled = compiled
        order = np.lexsort((found.at, found.term))
        self._found = found.rows(order)
        self._text = scan.stream.text_of[self._found.at]
        self._size = len(scan.papers)
        self._asked_for: dict[int, list[_Wanted]] = {}
        self._fill()

    def _fill(self) -> None:
        """Rows of `bits`: nothing; three for each term that was found; names; combinations."""
        compiled, words = self._compiled, -(-self._size // 64)
        terms, inverse = np.unique(self._found.term, return_inverse=True)
        row_of_term = np.zeros(compiled.term_count + 1, np.int64)
        row_of_term[terms] = 1 + 3 * np.arange(len(terms))
        base = 1 + 3 * len(terms)
        combined = compiled.node_count - len(compiled.leaves)
        bits = np.zeros((base + len(compiled.named) + combined, words), np.uint64)
        paper, scope = self._text >> 1, 1 + (self._text & 1)
        for extra in (np.zeros_like(scope), scope):
            _set(bits, 1 + 3 * inverse + extra, paper)
        leaf_rows = row_of_term[compiled.terms] + compiled.scopes
        leaf_rows[row_of_term[compiled.terms] == 0] = 0
        for offset, leaf in enumerate(compiled.named):
            leaf_rows[leaf] = base + offset
            owners = np.array(self._scan.owners(compiled.leaves[leaf]), np.int64)
            _set(bits, np.full(len(owners), base + offset), owners)
        rows = np.full(compiled.node_count, NOWHERE, np.int64)
        rows[compiled.leaf_nodes] = leaf_rows
        rows[rows == NOWHERE] = base + len(compiled.named) + np.arange(combined)
        run(compiled.layers, bits, rows=rows, everything=self._everything(words))
        self._bits, self._rows, self._leaf_rows = bits, rows, leaf_rows

    def _everything(self, words: int) -> Bits:
        full = np.zeros((1, words), np.uint64)
        papers = np.arange(self._size)
        _set(full, np.zeros(self._size, np.int64), papers)
        return full

    def truth(self, queries: Ints) -> Bools:
        """Which papers (columns) the queries of these numbers (rows) are true of."""
        return self._unpack(self._rows[self._compiled.truth[queries]])

    def vetoed(self, queries: Ints) -> Bools:
        """Which papers those queries exclude."""
        nodes = self._compiled.veto[queries]
        return self._unpack(np.where(nodes == NOWHERE, 0, self._rows[nodes]))

    def _unpack(self, rows: Ints) -> Bools:
        octets = self._bits[rows].astype("<u8", copy=False).view(np.uint8)
        return np.unpackbits(octets, axis=1, bitorder="little")[:, : self._size].view(np.bool_)

    def strength(self, queries: Ints, papers: Ints) -> Floats:
        """For pairs of query and paper: how much of the query was found, titles twice, 0 to 1."""
        starts, ends, there = self._wanted_there
        sizes = ends[queries] - starts[queries]
        pair = np.repeat(np.arange(len(queries)), sizes)
        leaves = there[ranges(starts[queries], sizes)]
        paper = papers[pair]
        here = _get(self._bits, self._leaf_rows[leaves], paper)
        points = here + (here & _get(self._bits, self._title_rows[leaves], paper))
        total = np.bincount(pair, points, minlength=len(queries))
        wanted = np.maximum(2 * self._compiled.wanted_sizes[queries], 1)
        return (total / wanted).astype(np.float32)

    @cached_property
    def _title_rows(self) -> Ints:
        """For each leaf, the row of where it is in titles; of nothing for names."""
        in_prose = (self._compiled.terms != NOWHERE) & (self._leaf_rows > 0)
        return np.where(in_prose, self._leaf_rows - self._compiled.scopes + 1, 0)

    @cached_property
    def _wanted_there(self) -> tuple[Ints, Ints, Ints]:
        """The wanted leaves that occur at all; a query has those from its start to its end."""
        wanted, sizes = self._compiled.wanted, self._compiled.wanted_sizes
        there = self._leaf_rows[wanted] > 0
        before = np.concatenate([[0], np.cumsum(there)])
        ends = self._compiled.wanted_ends
        return before[ends - sizes], before[ends], wanted[there]

    # --- where ------------------------------------------------------------------------------

    def hits(self, query: int, paper: int) -> tuple[Hit, ...]:
        """The places where the query's wanted terms stand in the paper, in reading order."""
        word, bit, bits = paper >> 6, paper & 63, self._bits.data
        found = [
            known.get(paper) or known.setdefault(paper, self._hits(*wanted, paper))
            for row, known, wanted in self._asked_for.get(query) or self._wanted_of(query)
            if bits[row, word] >> bit & 1
        ]
        return found[0] if len(found) == 1 else in_reading_order(chain.from_iterable(found))

    def _wanted_of(self, query: int) -> list[_Wanted]:
        """The query's wanted leaves that occur at all, with their rows of the bits."""
        starts, ends, there = self._wanted_there
        wanted = [(leaf, False) for leaf in there[starts[query] : ends[query]].tolist()]
        wanted += [(leaf, True) for leaf in self._compiled.joined.get(query, ())]
        asked = self._asked_for[query] = []
        for leaf, whole in wanted:
            said, row = self._compiled.leaves[leaf], self._leaf_rows.item(leaf)
            term = self._compiled.terms.item(leaf)
            asked.append((row, self._scan.hits[said, whole], (said, term, whole)))
        return asked

    def _hits(self, said: Leaf, term: int, whole: bool, paper: int) -> tuple[Hit, ...]:
        """The places of one term; `whole`: only where it is a single word."""
        if term == NOWHERE:
            return in_reading_order(named_hits(said, self._scan.papers[paper]))
        return in_reading_order(self._prose_hits(said, term, whole, paper))

    def _prose_hits(self, said: Leaf, term: int, whole: bool, paper: int) -> list[Hit]:
        text, field, prefix = said
        name = f"{text}*" if prefix else text
        stream, abstract = self._scan.stream, self._scan.abstracts[paper]
        starts, texts, positions, lengths = self._places
        end = starts[term + 1]
        found, counts = list[Hit](), [0, 0]
        for here in range(bisect_left(texts, 2 * paper, starts[term], end), end):
            if texts[here] >> 1 != paper:
                break
            at, length = positions[here], lengths[here]
            where = _TITLE if at < abstract else _ABSTRACT
            counts[at < abstract] += 1
            fits = field in (None, where) and (length == 1 or not whole)
            if fits and counts[at < abstract] <= MOST_HITS:
                found.append(_hit((where, *stream.place(at, length), name, 0)))
        return found

    @cached_property
    def _places(self) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]:
        """Where each term's occurrences start; of each its text, which rises; position; words."""
        starts = np.searchsorted(self._found.term, np.arange(self._compiled.term_count + 1))
        found = self._found
        return starts.data, self._text.data, found.at.data, found.length.data


def named_hits(wanted: Leaf, paper: Paper) -> Iterator[Hit]:
    """Where a term stands among a paper's authors, categories or sources."""
    text, field, prefix = wanted
    name = f"{text}*" if prefix else text
    words = name_words(text)
    values = {
        Field.AUTHOR: paper.authors,
        Field.CATEGORY: paper.categories,
        Field.SOURCE: paper.sources,
    }
    for element, value in enumerate(values[field] if field else ()):
        if field is Field.AUTHOR:
            place = find_name(words, value, prefix=prefix)
        else:
            parts = field is Field.SOURCE
            place = find_label(words, value, prefix=prefix, parts=parts)
        if place is not None and field is not None:
            yield Hit(field, *place, name, element)


_ORDER = {field: at for at, field in enumerate(Field)}


def in_reading_order(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Each once."""
    found = tuple(hits)
    return found if len(found) < 2 else tuple(sorted(dict.fromkeys(found), key=reading_order))


def reading_order(hit: Hit) -> tuple[int, int, int, int]:
    return _ORDER[hit.field], hit.element, hit.start, -hit.end


def _set(bits: Bits, rows: Ints, papers: Ints) -> None:
    masks = np.uint64(1) << (papers & 63).astype(np.uint64)
    np.bitwise_or.at(bits, (rows, papers >> 6), masks)


def _get(bits: Bits, rows: Ints, papers: Ints) -> NDArray[np.uint8]:
    words: Bits = bits[rows, papers >> 6] >> (papers & 63).astype(np.uint64)
    return (words & np.uint64(1)).astype(np.uint8)
