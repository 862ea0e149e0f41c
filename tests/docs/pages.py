"""The documentation as its tests read it: fenced blocks, tables and commands, by page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.code import ROOT

DOCS = ROOT / "docs"
_FENCE = re.compile(r"^ *```(\w+)([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(digest [^`\n]*)`(?!`)")
_TITLE = re.compile(r'title="([^"]+)"')
_ENDS = re.compile(r"\s(?:>|>>|\||&&|#)\s.*$|\s>\S.*$")


@dataclass(frozen=True)
class Block:
    """A fenced block; `place` for messages, `title` the file it would be."""

    page: str
    number: int
    language: str
    title: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.number}"


def pages() -> list[Path]:
    """Every page, the README files and the example configuration's neighbours in prose."""
    return [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "deploy" / "README.md"]


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in pages():
        text = page.read_text("utf-8")
        for match in _FENCE.finditer(text):
            if match[1] in languages:
                line = text.count("\n", 0, match.start()) + 1
                title = _TITLE.search(match[2])
                found.append(
                    Block(shown(page), line, match[1], title[1] if title else "", match[3])
                )
    return found


def lines(block: Block) -> Iterator[str]:
    """The commands of a shell block, continued lines joined."""
    for line in re.sub(r"\\\n\s*", "", block.text).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def digest_arguments(line: str) -> list[str] | None:
    """What follows `digest` in a line of a shell; None for another program's line."""
    words = shlex.split(_ENDS.sub("", line), comments=True)
    for at, word in enumerate(words):
        is_ours = word == "digest" or word.endswith("/digest")
        if is_ours and (at == 0 or (words[at - 1] != "--rm" and words[0] in _BEFORE)):
            rest = words[at + 1 :]
            if rest[:1] == ["digest"]:  # docker compose run digest digest …
                return rest[1:]
            return rest
    return None


_BEFORE = ("digest", "sudo", "env", "docker")


def inline_commands() -> Iterator[tuple[str, str]]:
    """Every `digest …` in prose, with its page."""
    for page in [*pages(), ROOT / "config.example.toml", ROOT / "CHANGELOG.md"]:
        for match in _INLINE.finditer(page.read_text("utf-8")):
            yield shown(page), match[1]


def tables(page: Path) -> Iterator[list[list[str]]]:
    """The tables of a page: rows of cells, the header first."""
    for chunk in re.findall(r"(?:^\|.*\|\n)+", page.read_text("utf-8"), re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", row.strip().strip("|")) for row in chunk.splitlines()]
        yield [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]
