"""All queries of all profiles as one circuit: every term once, every combination once.

What two queries share is computed once; what has the same shape is computed together, on bitmaps
with one bit a paper. Depth and size of a query do not matter, only their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digest.matching.expression import Combination, Operator, Query, Term
from digest.matching.terms import Gap, free_boundary, spell, surface
from digest.model import Field

Bits = NDArray[np.uint64]
Ints = NDArray[np.int64]
Leaf = tuple[str, Field | None, bool]  #: text, field, prefix: what decides where a term is found
_Shape = tuple[int, Operator, int]  #: level, operator, operands
_Joined = tuple[int, int, int]  #: leaves: two words as one, the first, the second
NOWHERE = -1
PROSE = (None, Field.TITLE, Field.ABSTRACT)  #: the scopes of a term that is looked for in texts


@dataclass(frozen=True, slots=True)
class Gate:
    """One compiled query: the nodes of its truth and of its exclusions, and its wanted terms."""

    truth: int
    veto: int
    wanted: tuple[int, ...]  #: leaves
    joined: tuple[int, ...]  #: leaves: two neighbouring words of the query written as one


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Combinations of one level, operator and number of operands, which are computed together."""

    operator: Operator
    nodes: Ints
    operands: Ints  #: a row for each node


class Circuit:
    """Nodes are leaves and combinations, numbered in the order in which they were first met."""

    def __init__(self) -> None:
        self.leaves: dict[Leaf, int] = {}
        self.leaf_nodes: list[int] = []
        self.glued: set[int] = set()  #: leaves nobody asks for but two neighbours as one word
        self._nodes: dict[tuple[Operator, tuple[int, ...]], int] = {}
        self._levels: list[int] = []
        self._shapes: dict[_Shape, tuple[list[int], list[int]]] = {}

    @property
    def size(self) -> int:
        return len(self._levels)

    def leaf(self, term: Term) -> int:
        """The number of the term among the leaves."""
        number = self._leaf(term)
        self.glued.discard(number)
        return number

    def _leaf(self, term: Term) -> int:
        key = (term.text, term.field, term.prefix)
        number = self.leaves.get(key)
        if number is None:
            number = self.leaves[key] = len(self.leaves)
            self.leaf_nodes.append(self._new_node(0))
            self.glued.add(number)
        return number

    def add(self, query: Query) -> Gate:
        """Wire the query up; what other queries have too is taken from them."""
        nodes: list[int] = []  # of every step
        stack: list[tuple[int, Term | None]] = []
        joined: list[_Joined] = []
        for step in query.steps:
            if isinstance(step, Term):
                stack.append((self.leaf_nodes[self.leaf(step)], step))
            else:
                operands = stack[-step.count :]
                del stack[-step.count :]
                stack.append((self._combine(step, operands, joined), None))
            nodes.append(stack[-1][0])
        vetoes = tuple([nodes[end - 1] for _, end in query.excluded()])
        veto = self._node(Operator.OR, vetoes) if vetoes else NOWHERE
        wanted = dict.fromkeys(map(self.leaf, query.speaking()))
        pairs = dict.fromkeys([leaf for leaf, *both in joined if wanted.keys() >= set(both)])
        return Gate(stack[0][0], veto, tuple(wanted), tuple(pairs))

    def _combine(
        self,
        step: Combination,
        operands: Sequence[tuple[int, Term | None]],
        joined: list[_Joined],
    ) -> int:
        nodes = [node for node, _ in operands]
        if step.operator is Operator.AND:
            for at, ((_, before), (_, after)) in enumerate(pairwise(operands)):
                if before and after and (one := join(before, after)):
                    leaf = self._leaf(one)
                    joined.append((leaf, self.leaf(before), self.leaf(after)))
                    other = self.leaf_nodes[leaf]
                    nodes[at] = self._node(Operator.OR, (nodes[at], other))
                    nodes[at + 1] = self._node(Operator.OR, (nodes[at + 1], other))
        return self._node(step.operator, tuple(nodes))

    def _node(self, operator: Operator, operands: tuple[int, ...]) -> int:
        operands = tuple(sorted(set(operands)))
        if len(operands) == 1 and operator is not Operator.NOT:
            return operands[0]
        key = operator, operands
        number = self._nodes.get(key)
        if number is None:
            level = 1 + max(map(self._levels.__getitem__, operands))
            number = self._nodes[key] = self._new_node(level)
            nodes, inputs = self._shapes.setdefault((level, operator, len(operands)), ([], []))
            nodes.append(number)
            inputs += operands
        return number

    def _new_node(self, level: int) -> int:
        self._levels.append(level)
        return len(self._levels) - 1

    def layers(self) -> list[Layer]:
        """All combinations, so that operands come before what is made of them."""
        return [
            Layer(operator, np.array(nodes, np.int64), np.array(inputs, np.int64).reshape(-1, size))
            for (_, operator, size), (nodes, inputs) in sorted(
                self._shapes.items(), key=lambda shape: shape[0][0]
            )
        ]


def run(layers: Sequence[Layer], bits: Bits, *, rows: Ints, everything: Bits) -> None:
    """Fill in the bitmaps of all combinations.

    `rows[node]` is the node's row in `bits`; `everything` has a bit set for each paper.
    """
    for layer in layers:
        inputs = rows[layer.operands.T]
        total = bits[inputs[0]]
        for column in inputs[1:]:
            if layer.operator is Operator.AND:
                total &= bits[column]
            else:
                total |= bits[column]
        bits[rows[layer.nodes]] = total ^ everything if layer.operator is Operator.NOT else total


def join(before: Term, after: Term) -> Term | None:
    """Two neighbouring words as one: who asks for `fine tuning` is glad of "finetuning"."""
    plain = not (before.phrase or after.phrase or before.prefix or after.prefix)
    if not plain or before.field != after.field or before.field not in PROSE:
        return None
    first, second = spell(before.text).words, spell(after.text).words
    if len(first) != 1 or len(second) != 1:
        return None
    if not free_boundary(surface(first[0]), Gap.SPACE, surface(second[0])):
        return None
    return replace(before, text=f"{before.text} {after.text}")
