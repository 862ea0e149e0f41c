"""Words given on the command line, as members of a closed list."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from digest.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)


def chosen(kind: type[Choice], names: Iterable[str] | None) -> list[Choice]:
    """The members called `names`; raises UsageError listing what there is."""
    known = {one.value: one for one in kind}
    given = list(names or ())
    for name in given:
        if name not in known:
            raise UsageError(f"There is no {name!r}.", mend=f"There are: {', '.join(known)}.")
    return [known[name] for name in given]
