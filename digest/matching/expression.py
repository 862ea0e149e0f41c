"""What a parsed query is: terms, and how AND, OR and NOT combine them.

A query is kept as steps in postfix order, so that no depth of parentheses needs recursion: not to
parse, compare, print or evaluate it. `digest.matching.query` reads the language.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from digest.model import Field


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase, as written; `prefix` when it ended in `*`.

    `field` None means title and abstract.
    """

    text: str
    field: Field | None = None
    phrase: bool = False
    prefix: bool = False
    column: int = dataclasses.field(default=1, compare=False)

    def __str__(self) -> str:
        star = "*" if self.prefix else ""
        body = f'"{self.text}{star}"' if self.phrase else f"{self.text}{star}"
        return f"{self.field}:{body}" if self.field else body

    @property
    def words(self) -> str:
        """What the subscriber wrote, without field and quotes: the name of its hits."""
        return f"{self.text}*" if self.prefix else self.text


class Operator(StrEnum):
    AND = "AND"
    OR = "OR"
    NOT = "NOT"


@dataclass(frozen=True, slots=True)
class Combination:
    """An operator over the `count` operands before it (NOT: one)."""

    operator: Operator
    count: int = 1


Step = Term | Combination
_NOT = Operator.NOT
T = TypeVar("T")
_BINDING = {Operator.OR: 1, Operator.AND: 2, Operator.NOT: 3}


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `str()` gives its normal form, which parses to an equal query."""

    steps: tuple[Step, ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple([step for step in self.steps if isinstance(step, Term)])

    def holds(self, has: Callable[[Term], bool]) -> bool:
        """The truth of the query, given the truth of its terms."""
        stack: list[bool] = []
        for step in self.steps:
            if isinstance(step, Term):
                stack.append(has(step))
            else:
                stack.append(_combine(step.operator, _take(stack, step.count)))
        return stack[0]

    @property
    def negates(self) -> bool:
        return any([type(one) is Combination and one.operator is _NOT for one in self.steps])

    def wanted(self) -> tuple[Term, ...]:
        """The terms that speak for a paper: those not under a NOT, each once."""
        return tuple(dict.fromkeys(self.speaking()))

    def speaking(self) -> Sequence[Term]:
        """The same, as often as they stand."""
        if not self.negates:
            return self.terms
        sides = [True]
        found = []
        for step in reversed(self.steps):
            side = sides.pop()
            if isinstance(step, Combination):
                inner = not side if step.operator is Operator.NOT else side
                sides.extend([inner] * step.count)
            elif side:
                found.append(step)
        return found[::-1]

    def exclusions(self) -> tuple[Query, ...]:
        """What must not be there, whatever else speaks for a paper.

        These are the NOTs of the outermost AND; a NOT under an OR concerns that alternative only.
        """
        return tuple(Query(self.steps[start:end]) for start, end in self.excluded())

    def excluded(self) -> Iterator[tuple[int, int]]:
        """The spans of `exclusions()` in `steps`."""
        if not self.negates:
            return
        starts = self._starts()
        last = len(self.steps) - 1
        operands = [last] if last >= 0 else []
        while operands:
            at = operands.pop()
            step = self.steps[at]
            if not isinstance(step, Combination):
                continue
            if step.operator is Operator.NOT:
                yield starts[at - 1], at
            elif step.operator is Operator.AND:
                operands.extend(_operands(at, step.count, starts))

    def _starts(self) -> list[int]:
        """For each step, where its own subtree begins."""
        starts: list[int] = []
        for at, step in enumerate(self.steps):
            first = at
            for _ in range(step.count if isinstance(step, Combination) else 0):
                first = starts[first - 1]
            starts.append(first)
        return starts

    def __str__(self) -> str:
        stack: list[tuple[str, int]] = []
        for step in self.steps:
            if isinstance(step, Term):
                stack.append((str(step), 4))
            else:
                stack.append(_written(step.operator, _take(stack, step.count)))
        return stack[0][0] if stack else ""


def _take(stack: list[T], count: int) -> list[T]:
    taken = stack[-count:]
    del stack[-count:]
    return taken


def _combine(operator: Operator, values: list[bool]) -> bool:
    if operator is Operator.NOT:
        return not values[0]
    return all(values) if operator is Operator.AND else any(values)


def _operands(at: int, count: int, starts: list[int]) -> list[int]:
    found = []
    for _ in range(count):
        at -= 1
        found.append(at)
        at = starts[at]
    return found


def _written(operator: Operator, parts: list[tuple[str, int]]) -> tuple[str, int]:
    binding = _BINDING[operator]
    texts = [text if inner > binding else f"({text})" for text, inner in parts]
    if operator is Operator.NOT:
        return f"NOT {texts[0]}", binding
    return f" {operator} ".join(texts), binding
