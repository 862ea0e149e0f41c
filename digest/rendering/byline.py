"""The lines under a title: who wrote it, where it was seen, and what people made of it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from digest.model import Field, Paper, Reasons
from digest.rendering.language import Language
from digest.rendering.spans import Kind, Spans, fill, line, say

_SHOWN: Final = 3
_ALL_OF: Final = 4  #: "and 1 more" would be longer than the name
_NAME_LENGTH: Final = 60
_CHIP_LENGTH: Final = 40
_SOURCES: Final = 3
# arXiv's own: cs.CL, physics.ao-ph, and its archives without parts. Others write subjects in words.
_ARXIV: Final = re.compile(
    r"[a-z-]+\.[A-Za-z-]+|hep-(?:ex|lat|ph|th)|nucl-(?:ex|th)|gr-qc|math-ph|quant-ph"
)

# How the places write their own names; anything else is shown as the operator named it.
_OWN_NAMES: Final = {
    "arxiv": "arXiv",
    "biorxiv": "bioRxiv",
    "medrxiv": "medRxiv",
    "pubmed": "PubMed",
    "huggingface": "Hugging Face",
    "hf": "Hugging Face",
}


def byline(authors: Sequence[str], reasons: Reasons, language: Language) -> Spans:
    """ "A, B, C and 6 more"; followed authors are marked, and never among the "more"."""
    marked = {hit.element for hit in reasons.hits if hit.field is Field.AUTHOR}
    marked |= _positions(authors, reasons.followed)
    shown = _shown(len(authors), marked)
    names = [_name(authors[n], n in marked) for n in shown]
    more = len(authors) - len(shown)
    if not more:
        return language.join(names)
    parts = {f"p{place}": name for place, name in enumerate(names)}
    return fill(_cut_short(len(names), language), rest=_rest(more, language), **parts)


@lru_cache(maxsize=64)
def _cut_short(count: int, language: Language) -> str:
    """ "{p0}, {p1}, {p2} and {rest}", as the language says it."""
    listed = "{p0}"
    for place in range(1, count):
        both = language.text("{first}, {next}").replace("{next}", f"{{p{place}}}")
        listed = both.replace("{first}", listed)
    return language.text("{names} and {rest}").replace("{names}", listed)


@lru_cache(maxsize=1024)
def _rest(more: int, language: Language) -> Spans:
    return say(language.count("{n} more", "{n} more", more))


def _shown(count: int, marked: set[int]) -> list[int]:
    """Which authors to show, in their own order: marked ones first to be kept."""
    if count <= _ALL_OF:
        return list(range(count))
    kept = sorted(n for n in marked if 0 <= n < count)[:_SHOWN]
    others = [n for n in range(count) if n not in kept]
    return sorted(kept + others[: _SHOWN - len(kept)])


def _name(author: str, marked: bool) -> Spans:
    return say(line(author, _NAME_LENGTH) or "?", Kind.MARK if marked else Kind.PLAIN)


def _positions(authors: Sequence[str], followed: Sequence[str]) -> set[int]:
    """Which of the authors are followed, case and accents aside."""
    wanted = {_folded(name) for name in followed}
    return {n for n, author in enumerate(authors) if _folded(author) in wanted} if wanted else set()


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def chips(paper: Paper, *, revision: bool, language: Language) -> tuple[str, ...]:
    """Small marks: places and category, votes, comments, organisation, a new version."""
    marks = [*places(paper), *_votes(paper, language)]
    if paper.organisation:
        marks.append(line(paper.organisation, _CHIP_LENGTH))
    if revision:
        marks.append(language.text("new version of a paper sent before"))
    return tuple(mark for mark in marks if mark)


def places(paper: Paper) -> list[str]:
    """ "arXiv cs.CL", "medRxiv": sources by their own names, one category at its own server."""
    return list(_places(paper.sources[:_SOURCES], paper.categories))


@lru_cache(maxsize=4096)
def _places(sources: Sequence[str], labels: Sequence[str]) -> Sequence[str]:
    names = [own_name(source) for source in sources]
    categories = [line(label, _CHIP_LENGTH) for label in labels]
    if not categories or any(_names(name, categories[0]) for name in names):
        return names
    for n, name in enumerate(names):
        if server := re.match(r"(ar|bior|medr)xiv$", name, re.IGNORECASE):
            is_arxiv = server[1].lower() == "ar"
            own = (one for one in categories if bool(_ARXIV.fullmatch(one)) is is_arxiv)
            if category := next(own, ""):
                names[n] = f"{name} {category}"
                return names
    return [*names, categories[0]]


def own_name(source: str) -> str:
    return _OWN_NAMES.get(source.lower(), line(source, _CHIP_LENGTH))


def _names(name: str, category: str) -> bool:
    return category.casefold() in name.casefold()


def _votes(paper: Paper, language: Language) -> list[str]:
    marks = []
    if paper.votes:
        marks.append(f"▲ {language.number(paper.votes)}")
    if paper.comments:
        marks.append(language.count("{n} comment", "{n} comments", paper.comments))
    return marks
