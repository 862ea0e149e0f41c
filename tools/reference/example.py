"""The comments of config.example.toml, key by key: they are what the reference says of each key.

A comment belongs to the keys below it up to the next comment; `# … or key = "…" here` is a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from digest.config.example import example

_HEADER: Final = re.compile(r"#?\[{1,2}([a-z.]+)\]{1,2}$")
_KEY: Final = re.compile(r"(?:#|# … or )?([a-z_]+) = (.*)$")
_KIND: Final = re.compile(r'#?kind = "([a-z]+)"$')


@dataclass(slots=True)
class Told:
    """One table of the example: what stands above its header, and of each of its keys."""

    header: str
    kind: str = ""  #: of a source
    about: str = ""
    keys: dict[str, str] = field(default_factory=dict)


def tables() -> list[Told]:
    """Every table of the example, in its order."""
    found: list[Told] = []
    comment: list[str] = []
    is_open = False  # whether the last line was a comment that goes on
    for line in example().splitlines():
        if header := _HEADER.match(line):
            found.append(Told(header[1], about=_joined(comment)))
            comment, is_open = [], False
        elif found and found[-1].header == "sources" and (kind := _KIND.match(line)):
            found[-1].kind = kind[1]
        elif found and (key := _KEY.match(line)):
            found[-1].keys.setdefault(key[1], _joined(comment))
            is_open = False
        elif line.startswith("# ---") or not line.strip() or line == "#":
            comment, is_open = [], False
        elif line.startswith("# "):
            comment = [*comment, line[2:]] if is_open else [line[2:]]
            is_open = True
    return found


def _joined(lines: list[str]) -> str:
    text = " ".join(lines)
    return re.sub(r"^… or(?: without a command)?,?\s*", "Or ", text).strip()
