"""Which papers of a batch say nearly the same; and the papers of a batch as the bits of a number.

As bits, what several interests found is joined and compared at once, however much it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from digest.model import PaperId

Twins = Mapping[PaperId, PaperId]  #: papers with nearly the same title, and who stands for them
Alike = Mapping[PaperId, Mapping[PaperId, float]]  #: near-copies, the nearest first, and their cost


_bit: Final = (1).__lshift__  #: of a column


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """The near-copies among the papers of one batch.

    `papers`: whose each bit is; `columns`: which bit is whose. `kin`: for a paper all whose being
    listed may matter to it, or its being listed to them: twins, and near-copies both ways. `near`:
    the same as bits. `copied`: who has any, as bits.
    """

    papers: tuple[PaperId, ...]
    columns: Mapping[PaperId, int]
    twins: Twins
    alike: Alike
    kin: Mapping[PaperId, tuple[PaperId, ...]]
    near: Mapping[PaperId, int]
    copied: int

    @classmethod
    def among(
        cls, papers: Iterable[PaperId], *, twins: Twins | None = None, alike: Alike | None = None
    ) -> Copies:
        batch = tuple(papers)
        columns = {paper: at for at, paper in enumerate(batch)}
        kin = _kin(columns, twins or {}, alike or {})
        near = {paper: _mask(others, columns) for paper, others in kin.items()}
        return cls(batch, columns, twins or {}, alike or {}, kin, near, _mask(near, columns))

    def mask(self, papers: Iterable[PaperId]) -> int:
        """The bits of those papers, all of the batch and each told once."""
        return _mask(papers, self.columns)


def _mask(papers: Iterable[PaperId], columns: Mapping[PaperId, int]) -> int:
    return bits_of(map(columns.__getitem__, papers))


def bits_of(columns: Iterable[int]) -> int:
    """Columns, each told once, as a number."""
    return sum(map(_bit, columns))


def _kin(
    batch: Collection[PaperId], twins: Twins, alike: Alike
) -> dict[PaperId, tuple[PaperId, ...]]:
    families: dict[PaperId, list[PaperId]] = defaultdict(list)
    for paper, head in twins.items():
        families[head].append(paper)
    pairs = [(one, other) for family in families.values() for one in family for other in family]
    pairs += [(one, other) for one, others in alike.items() for other in others]
    kin: dict[PaperId, dict[PaperId, None]] = defaultdict(dict)
    for one, other in pairs:
        if one != other and one in batch and other in batch:
            kin[one][other] = kin[other][one] = None
    return {paper: tuple(others) for paper, others in kin.items()}
