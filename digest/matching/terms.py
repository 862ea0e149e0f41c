"""Words: how a text, and a query's term, is cut and compared.

Case and diacritics are folded (`Schrödinger` is `schrodinger`), compatibility forms opened (`ﬁ`,
full-width letters), a lone Greek letter gets its name (`α-synuclein` is `alpha-synuclein`), plurals
share a key with their singular. Hyphen, space and nothing are one spelling: `fine-tuning`,
`fine tuning`, `finetuning`. Scripts written without spaces give one token a character, so that any
stretch of them can be found. Offsets always refer to the text as given.

It knows no papers and no queries, only text.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import chain, islice
from typing import Final, NamedTuple

import numpy as np

from digest.matching.plurals import singular

MAX_JOINS = 3  #: boundaries one match may join or split (state-of-the-art, stateoftheart)

#: Han, kana, hangul, Thai, Lao, Burmese, Khmer: no spaces, or particles glued to the word
_SOLO = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_GREEK = "\u0370-\u03ff\u1f00-\u1fff"
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_CODE = r"[Cc](?:\+\+|\#)(?!\w)|[Ff]\#(?!\w)"
_POSSESSIVE = r"(?:['’][sS](?!\w))?"
_ASCII_WORD = re.compile(rf"({_CODE}|[A-Za-z0-9]+){_POSSESSIVE}", re.ASCII)
_WORD = re.compile(
    rf"({_CODE}|[{_SOLO}]|[{_GREEK}]+"
    rf"|(?:[^\W_{_SOLO}{_GREEK}]|[\u0900-\u0dff])+){_POSSESSIVE}"
)
_DROPPED = re.compile(rf"[{_MARKS}\ufe20-\ufe2f\u00ad\u200c\u200d\u2060\ufeff]")
_SPECIAL = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}
    | {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH"}
    | {"ı": "i", "ħ": "h", "Ħ": "H", "™": " ", "℠": " "}
)
_HYPHEN = re.compile(r"[-‐‑‒–—―−﹣－_'’ʼ·]?")
_FUNCTION_WORDS = """
    a an and are as at be but by can do for from had has he her his how i if in into is it its
    may me more most my no nor not of on or our per she so some such than that the their them
    then these they this those to us via vs was we were what when where which who whose why will
    with you your
"""
_FUNCTION = frozenset(_FUNCTION_WORDS.split())
is_function_word: Final = _FUNCTION.__contains__  #: of a surface


class _Folds(dict[int, str]):
    """What each character becomes; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = character.translate(_SPECIAL)
        if folded == character and folded not in "йЙ":
            opened = unicodedata.normalize("NFKD", character)
            folded = unicodedata.normalize("NFC", _DROPPED.sub("", opened).translate(_SPECIAL))
        self[code] = folded
        return folded


_FOLDS = _Folds({code: chr(code) for code in range(128)})


def fold(text: str) -> str:
    """The text without diacritics and compatibility forms; case is kept."""
    return text if text.isascii() else text.translate(_FOLDS)


#: for `str.translate`: of a plain text, the words with blanks between them
SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}
_IN_WORD = np.array([chr(code).isalnum() for code in range(128)])


def cut(text: str) -> list[str]:
    """The words of a text, folded, case as written."""
    if is_plain(text):
        return text.translate(SPACED).split()  # the same, and quicker
    return _ASCII_WORD.findall(text) if text.isascii() else _WORD.findall(fold(text))


def cut_with_gaps(text: str) -> tuple[list[str], list[str]]:
    """The words of a text as `cut` gives them, and what stands between them."""
    pieces = _ASCII_WORD.split(text) if text.isascii() else _WORD.split(fold(text))
    return pieces[1::2], pieces[2:-1:2]


def spans(text: str) -> list[tuple[int, int]]:
    """Where each word of `cut(text)` stands in the text as given."""
    if text.isascii():
        return [match.span(1) for match in _ASCII_WORD.finditer(text)]
    if all(len(_FOLDS[ord(character)]) == 1 for character in set(text)):
        return [match.span(1) for match in _WORD.finditer(fold(text))]
    origin = [at for at, character in enumerate(text) for _ in _FOLDS[ord(character)]]
    origin.append(len(text))
    found = (match.span(1) for match in _WORD.finditer(fold(text)))
    return [(origin[start], max(origin[end], origin[end - 1] + 1)) for start, end in found]


def bounds(text: str) -> array[int]:
    """`spans` in little room, made quickly: start and end of each word, one after the other."""
    if not is_plain(text):
        return array("i", chain.from_iterable(spans(text)))
    inside = np.zeros(len(text) + 2, np.bool_)
    inside[1:-1] = _IN_WORD[np.frombuffer(text.encode(), np.uint8)]
    changes = np.flatnonzero(inside[1:] != inside[:-1])
    return array("i", changes.astype(np.intc).tobytes())


def spans_of(text: str, places: Sequence[int]) -> list[tuple[int, int]]:
    """Those of `spans` at some places, which rise; places beyond the end are left out."""
    if not places:
        return []
    if not text.isascii():
        found = spans(text)
        return [found[at] for at in places if at < len(found)]
    if _is_odd(text):
        matches = list(islice(_ASCII_WORD.finditer(text), places[-1] + 1))
        return [matches[at].span(1) for at in places if at < len(matches)]
    return list(_plain_spans(text, places))


def _plain_spans(text: str, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    rest, passed = text.translate(SPACED), 0
    for place in places:
        *before, rest = rest.split(None, place - passed) or [""]
        if len(before) < place - passed or not rest:
            return
        start, end = len(text) - len(rest), rest.find(" ")
        yield start, len(text) if end < 0 else start + end
        passed = place


def is_plain(text: str) -> bool:
    """Whether its words are its ASCII letters and digits, and never more than those or less."""
    return text.isascii() and not _is_odd(text)


def _is_odd(text: str) -> bool:
    """Whether a word of ASCII text may be more than its letters and digits, or less."""
    return "'" in text or "#" in text or "+" in text


def surface(word: str) -> str:
    """A cut word in lower case, as names and wildcards compare it."""
    lower = word.casefold()
    if len(lower) == 1 and "\u0370" <= lower <= "\u03ff":
        name = unicodedata.name(lower, "").rpartition(" ")[2].lower()
        return name if name.isascii() and name else lower
    return lower


@lru_cache(maxsize=1 << 17)
def key(word: str) -> str:
    """What a cut word is compared by: folded, plural and singular alike."""
    return singular(word) if word.isascii() else surface(word)


class Gap(IntEnum):
    """What stands between two words."""

    NOTHING = 0  #: or a hyphen, an apostrophe, an underscore
    SPACE = 1
    OTHER = 2


@lru_cache(maxsize=4096)
def gap_kind(gap: str) -> Gap:
    folded = fold(gap)
    if folded and folded.isspace():
        return Gap.SPACE
    return Gap.NOTHING if _HYPHEN.fullmatch(folded) else Gap.OTHER


def free_boundary(before: str, gap: Gap, after: str) -> bool:
    """Whether two neighbouring words (surfaces) may also be written as one, and one as these two.

    With a hyphen or nothing between them, always; with a space unless one is a function word, so
    that `often` does not find "of ten"; never two numbers, nor across any other punctuation.
    """
    if gap is Gap.OTHER or (before[-1].isdigit() and after[0].isdigit()):
        return False
    return gap is Gap.NOTHING or not (before in _FUNCTION or after in _FUNCTION)


class Spelling(NamedTuple):
    """A run of words as it is compared: its keys, and which boundaries may vanish.

    `free[i]` concerns the boundary after word `i`.
    """

    words: tuple[str, ...]
    free: tuple[bool, ...]

    @property
    def joined(self) -> str:
        return "".join(self.words)

    def boundaries(self) -> dict[int, bool]:
        """Offset of each inner boundary in `joined`, and whether it is free."""
        found, at = {}, 0
        for word, free in zip(self.words, self.free, strict=False):
            at += len(word)
            found[at] = free
        return found

    def same_as(self, other: Spelling) -> bool:
        """Whether both are spellings of one thing."""
        if self.words == other.words:
            return True
        if self.joined != other.joined:
            return False
        ours, theirs = self.boundaries(), other.boundaries()
        lonely = [free for at, free in ours.items() if at not in theirs]
        lonely += [free for at, free in theirs.items() if at not in ours]
        return len(lonely) <= MAX_JOINS and all(lonely)


@lru_cache(maxsize=1 << 14)
def spell(text: str) -> Spelling:
    """How the words of a short text (a query's term) are compared."""
    if text.isalnum() and text.isascii():
        return Spelling((key(text),), ())  # the same, and quicker
    words, gaps = cut_with_gaps(text)
    keys = tuple(map(key, words))
    if not gaps:
        return Spelling(keys, ())
    lower = list(map(surface, words))
    kinds = map(gap_kind, gaps)
    return Spelling(keys, tuple(map(free_boundary, lower, kinds, lower[1:])))
