"""The sentence of an abstract that says most: chosen, never written, so nothing in it is invented.

    sentences | near the whole | says what is new or found | where it stands | fit to stand alone

Each sentence is scored by its cosine to the whole abstract and title, by words with which authors
announce what they did and found, by its place and by its length; the best wins, the earlier of
equals. Deterministic, about a millisecond a paper.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from digest.matching.base import Embedder, Vectors
from digest.model import Paper
from digest.rendering.spans import line, shorten

MAKER: Final = "extractive-1"  #: changes with the choice, so that old choices are made anew
LONGEST: Final = 240  #: characters of a summary
SHORTEST_ABSTRACT: Final = 250  #: characters; less is its own summary

_TOO_SHORT: Final = 50
_GOOD: Final = 180  #: a sentence up to here needs no cutting in anybody's head

# Not an end: abbreviations before the stop, and initials.
_END: Final = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bet al\.)(?<!\bvs\.)(?<!\bcf\.)(?<!\bca\.)"
    r"(?<!\bFig\.)(?<!\bEq\.)(?<!\bRef\.)(?<!\bNo\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\b[A-Z]\.)"
    r"[\"”’)]*\s+(?=[A-Z0-9“\"(])"
)
#: "BACKGROUND:", "Results." and their like, with which structured abstracts open their parts
_HEADING: Final = re.compile(
    r"^(?P<part>background|introduction|objectives?|aims?|purpose|motivation|methods?|"
    r"materials? and methods|design|findings|results?|conclusions?|significance|interpretation|"
    r"importance|summary|availability(?: and implementation)?)\s*[:.–—-]\s+",
    re.IGNORECASE,
)
_HEADING_WORTH: Final = {"conclusion": 0.5, "finding": 0.35, "interpretation": 0.4, "result": 0.2}
_OPENERS: Final = re.compile(
    r"^(?:(?:in|with) this (?:paper|work|article|study|letter|report|manuscript|survey)|"
    r"here|herein|in the present (?:paper|work|study)|to (?:this|that) end|"
    r"to\b[^,.;]{0,60}\b(?:this|these|such) (?:\w+ )?(?:issues?|challenges?|limitations?|gaps?|"
    r"problems?|questions?|shortcomings?|needs?|difficult\w+|concerns?)|accordingly|"
    r"therefore|thus|hence|overall|finally|in summary|"
    r"in conclusion|taken together|together|altogether|motivated by this|specifically|"
    r"in particular|importantly|notably|moreover|furthermore|additionally|in addition|"
    r"as a result|consequently),?\s+(?=\w)",
    re.IGNORECASE,
)
_NEW: Final = re.compile(
    r"\b(?:we|this (?:paper|work|article|study|survey|thesis|letter|review)|the authors?|"
    r"our (?:method|approach|model|work|study|results?|findings|analysis|experiments))\b"
    r"(?:\s+(?:also|further|then|here|therefore|thus|now|first|introduce and))?\s+"
    r"(?P<verb>propose|present|introduce|develop|show|demonstrate|find|found|prove|report|describe|"
    r"establish|reveal|identify|observe|suggest|achieve|outperform|derive|obtain|construct|design|"
    r"build|provide|argue|discover|conclude|characteri[sz]e|investigate|study|examine|explore|"
    r"analy[sz]e|measure|compare|review|survey|offer|address)",
    re.IGNORECASE,
)
_VERB_WORTH: Final = {
    "investigate": 0.18, "study": 0.18, "examine": 0.18, "explore": 0.15, "analyze": 0.18,
    "analyse": 0.18, "measure": 0.22, "compare": 0.2, "describe": 0.25, "review": 0.3,
    "survey": 0.3, "address": 0.2, "obtain": 0.2, "observe": 0.22, "suggest": 0.22,
    "provide": 0.18, "offer": 0.18, "argue": 0.3,
}  # fmt: skip
_FOUND: Final = re.compile(
    r"\b(?:results (?:show|indicate|suggest|demonstrate|reveal)|outperform\w*|"
    r"state[- ]of[- ]the[- ]art|improv(?:es|ed|ing|ement)|reduc(?:es|ed|ing)|increas(?:es|ed)|"
    r"significantly|associated with|compared (?:with|to)|achiev(?:es|ed|ing)|"
    r"leads? to|enabl(?:es|ing))\b",
    re.IGNORECASE,
)
_LEANS: Final = re.compile(
    r"^(?:it|its|they|their|these|those|this(?! (?:paper|work|article|study|survey|review|letter))|"
    r"such|he|she|however|but|yet|and|also|while|although|for (?:example|instance)|then|next|"
    r"second(?:ly)?|third(?:ly)?|both|moreover|furthermore|additionally|in addition)\b",
    re.IGNORECASE,
)
_WANTS: Final = re.compile(
    r"\b(?:however|remains? (?:un|a challenge|challenging|difficult|elusive|largely|poorly)|"
    r"little is known|has (?:received|attracted)|have (?:received|attracted)|widely used|"
    r"is (?:crucial|essential|important|critical|known)|are (?:crucial|essential|important)|"
    r"recent(?:ly)?|traditional|existing|often|typically|future work|code (?:is|and|will be)|"
    r"available at|github|https?:|accepted|trial registration|rest of (?:the|this) paper)\b",
    re.IGNORECASE,
)


def extract(papers: Sequence[Paper], embedder: Embedder) -> list[str]:
    """One sentence for each paper, at most `LONGEST` characters; "" where none is fit to stand."""
    parts = [sentences(paper.abstract) for paper in papers]
    texts = [text for one in parts for text in one]
    wholes = embedder.embed([f"{paper.title}. {paper.abstract}" for paper in papers])
    vectors = embedder.embed(texts)
    found, start = [], 0
    for paper, one, whole in zip(papers, parts, wholes, strict=True):
        near = vectors[start : start + len(one)] @ whole
        found.append(_best(paper, one, near))
        start += len(one)
    return found


def sentences(abstract: str) -> list[str]:
    """The sentences of an abstract, its headings on the sentences they open."""
    return [" ".join(part.split()) for part in _END.split(abstract.strip()) if part.strip()]


def _best(paper: Paper, parts: Sequence[str], near: Vectors) -> str:
    if len(paper.abstract) < SHORTEST_ABSTRACT or len(parts) < 2:
        return ""
    scores = [_worth(text, n, len(parts)) + float(near[n]) for n, text in enumerate(parts)]
    best = int(np.argmax(np.round(scores, 4)))  # the same winner on every machine
    return fit(parts[best])


def fit(sentence: str) -> str:
    """The sentence without what only leads over to it, and no longer than `LONGEST`."""
    bare = _OPENERS.sub("", _HEADING.sub("", sentence), count=1)
    bare = bare[:1].upper() + bare[1:]
    return shorten(line(bare), LONGEST) if len(bare) >= _TOO_SHORT else ""


def _worth(sentence: str, place: int, count: int) -> float:
    """What a sentence is worth beside its nearness to the whole."""
    heading = _HEADING.match(sentence)
    bare = sentence[heading.end() :] if heading else sentence
    worth = 0.0
    if heading:
        part = heading["part"].lower()
        worth += next((w for name, w in _HEADING_WORTH.items() if part.startswith(name)), -0.2)
    lead = _OPENERS.match(bare)
    if announced := _NEW.search(bare[:160]):
        worth += _VERB_WORTH.get(announced["verb"].lower(), 0.35)
    if _FOUND.search(bare):
        worth += 0.1
    if _WANTS.search(bare):
        worth -= 0.2
    if _LEANS.match(bare[lead.end() :] if lead else bare):
        worth -= 0.25
    if place == 0:
        worth -= 0.1  # where authors say why the field matters
    worth -= max(0.0, len(bare) - _GOOD) / 400 + (0.5 if len(bare) < _TOO_SHORT else 0.0)
    return worth - 0.04 * place / count
