"""LaTeX in titles and abstracts, made readable as plain Unicode.

Not a TeX engine: no macros, no packages, no comments (`%` is a percent sign here, because arXiv's
metadata is not a TeX file), and money stays money (`$5` is not mathematics). What is not understood
is left readable: an unknown command in mathematics becomes its name. Linear in the input, no I/O.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from digest.symbols import (
    ACCENTS,
    BLACKBOARD,
    LETTERS,
    SPACES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
    words,
)

_DEPTH = 40  #: deeper groups are taken as they stand
_WORTH_IT = re.compile(r"[\\$^{}~]|--|``|''")
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_]|[^\\{}^_]+|\\", re.DOTALL)
_OPENER = re.compile(r"\\[\\$(\[]|\$\$?")
_CLOSERS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$", "$": "$"}
_LONGEST = 2000  #: characters of one formula
_MONEY = re.compile(r"\d[\d.,]*[kKmMbB]?\s+[A-Za-z]{2,}")
_BARE_SCRIPT = re.compile(r"(?<=[\w)\]])\^(?:\{([^{}]{1,40})\}|([+-]?\d+|[A-Za-z*+-]))")
_BARE_INDEX = re.compile(r"(?<=[\w)\]])_\{([^{}]{1,40})\}")
_LONE_GROUP = re.compile(
    r"(?<![\w\\}])\{([A-Za-z][\w’'. -]{0,80})\}|\{([A-Z][\w-]{0,40}|[^\w\s{}])\}"
)
_VERBATIM = re.compile(r"\\verb\*?([|!+@/])([^|!+@/]{0,100})\1")
_MACRO = re.compile(
    r"(?<![\w:/\\.])\\(?=[A-Za-z]{2})"
)  # the authors' own: its name is all there is
_TIE = re.compile(r"(?<=[\w.,)])~(?=[\w(\[\\])")
_DROPPED_ARGUMENT = words(
    "cite citep citet citealp ref eqref cref label footnote vspace hspace color textcolor"
)
_SECOND_ARGUMENT = frozenset({"href", "textcolor", "colorbox"})
_PLAIN = {"%": "%", "&": "&", "_": "_", "#": "#", "$": "$", "{": "{", "}": "}", "\\": " ", "-": ""}


def readable(text: str) -> str:
    """`text` with its LaTeX turned into the characters a reader expects to see."""
    if not _WORTH_IT.search(text):
        return text
    return "".join(_pieces(text))


def _pieces(text: str) -> list[str]:
    """Prose and mathematics in turn. Each closer is searched for once, so this stays linear."""
    pieces: list[str] = []
    ends: dict[str, int] = {}
    done = position = 0
    while opener := _OPENER.search(text, position):
        closer = _CLOSERS.get(opener[0])
        end = _end(text, closer, opener.end(), ends) if closer else -1
        content = text[opener.end() : end] if closer and end > 0 else ""
        position = opener.end()
        if closer and _is_math(content, closer, text[end + 1 : end + 2]):
            pieces += [_prose(text[done : opener.start()]), _Reader(content, math=True).read()]
            done = position = end + len(closer)
    return [*pieces, _prose(text[done:])]


def _end(text: str, closer: str, start: int, ends: dict[str, int]) -> int:
    """Where the closer next stands, or -1; `ends` remembers the last answer for each closer."""
    known = ends.get(closer, start - 1)
    if known != -1 and known < start:
        known = ends[closer] = text.find(closer, start)
    return known


def _is_math(content: str, closer: str, after: str) -> bool:
    """Whether this is mathematics, and not `$5 or $10`: Pandoc's rule, and no money in it."""
    if not content or len(content) > _LONGEST:
        return False
    if closer != "$" or (re.search(r"[\\^_]", content) and not _MONEY.match(content)):
        return True
    if len(content.strip()) < 3 and not any(map(str.isdigit, content)):
        return True
    padded = content[0].isspace() or content[-1].isspace()
    return not padded and not after.isdigit() and not _MONEY.match(content)


def _prose(text: str) -> str:
    if not _WORTH_IT.search(text):
        return text
    text = _VERBATIM.sub(r"\2", _TIE.sub(" ", text))
    text = text.replace("---", "—").replace("``", "“").replace("''", "”")
    text = re.sub(r"(?<=[\w\s])--(?=[\w\s])", "–", text)
    text = _BARE_SCRIPT.sub(lambda m: _script(m[1] or m[2], SUPERSCRIPTS, "^"), text)
    text = _BARE_INDEX.sub(lambda m: _script(m[1], SUBSCRIPTS, "_"), text)
    if "\\" in text:
        text = _MACRO.sub("", _Reader(text, math=False).read())
    return _LONE_GROUP.sub(lambda m: m[1] or m[2], text)


class _Reader:
    """One pass over the tokens of one piece, either prose or mathematics."""

    def __init__(self, text: str, *, math: bool) -> None:
        self.tokens: list[str] = _TOKEN.findall(text)
        self.at = 0
        self.math = math

    def read(self) -> str:
        text = self.sequence(0, closing=False)
        return re.sub(r"[ \t]{2,}", " ", text).strip() if self.math else text

    def sequence(self, depth: int, *, closing: bool) -> str:
        """Everything up to the end, or up to the group's closing brace."""
        pieces: list[str] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == "}" and closing:
                break
            self.at += 1
            pieces.append(self.token(token, depth))
        return "".join(pieces)

    def token(self, token: str, depth: int) -> str:
        if token == "{":
            return self.group(depth)
        if token == "}":
            return "" if self.math else token
        if token in "^_":
            return self.script(token, depth) if self.math else token
        if token.startswith("\\"):
            return self.command(token[1:], depth)
        return token.replace("'", "′").replace("~", " ") if self.math else token

    def group(self, depth: int) -> str:
        """The content of a group whose opening brace was just read."""
        if depth >= _DEPTH:
            return ""
        start = self.at
        switched = start < len(self.tokens) and self.tokens[start].startswith("\\")
        inner = self.sequence(depth + 1, closing=True)
        closed = self.at < len(self.tokens)
        self.at += closed
        if self.math or switched:
            return inner.lstrip() if switched else inner
        return f"{{{inner}}}" if closed else f"{{{inner}"

    def argument(self, depth: int) -> str:
        """The next group's content, or the next single token or character."""
        self.skip_spaces()
        if self.at >= len(self.tokens):
            return ""
        token = self.tokens[self.at]
        if token == "{":
            self.at += 1
            inner = self.sequence(depth + 1, closing=True) if depth < _DEPTH else ""
            self.at += self.at < len(self.tokens)
            return inner
        if len(token) > 1 and not token.startswith("\\"):
            self.tokens[self.at] = token[1:]
            return token[0]
        if token == "}" or depth >= _DEPTH:
            return ""
        self.at += 1
        return self.token(token, depth + 1)

    def skip_spaces(self) -> None:
        if self.at < len(self.tokens) and self.tokens[self.at][:1].isspace():
            self.tokens[self.at] = self.tokens[self.at].lstrip()
            self.at += not self.tokens[self.at]

    def has_group(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at] == "{"

    def script(self, token: str, depth: int) -> str:
        table = SUPERSCRIPTS if token == "^" else SUBSCRIPTS
        return _script(self.argument(depth), table, token)

    def command(self, name: str, depth: int) -> str:
        name = name.rstrip("*") or name
        if name in _PLAIN:
            return _PLAIN[name]
        if name in ACCENTS and (not self.math or name.isalpha()):
            return self.accent(name, depth)
        if name in SPACES:
            return SPACES[name]
        if name in LETTERS:
            return self.letter(LETTERS[name])
        if name in SYMBOLS:
            return SYMBOLS[name]
        return self.structure(name, depth)

    def accent(self, name: str, depth: int) -> str:
        if name.isalpha() and len(name) == 1 and not self.has_group() and not self.spaced():
            return f"\\{name}"
        base = self.argument(depth).strip()
        plain = {"ı": "i", "ȷ": "j"}.get(base[:1], base[:1])
        return unicodedata.normalize("NFC", plain + ACCENTS[name] + base[1:]) if base else ""

    def spaced(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][:1].isspace()

    def letter(self, character: str) -> str:
        """A letter; the blank or `{}` that only ended its command goes, as TeX would have it."""
        if self.tokens[self.at : self.at + 2] == ["{", "}"]:
            self.at += 2
        elif not self.math:
            self.skip_spaces()
        return character

    def structure(self, name: str, depth: int) -> str:
        build = _STRUCTURES.get(name)
        if build is not None:
            return build(self, depth)
        if name in _DROPPED_ARGUMENT or name in _SECOND_ARGUMENT:
            self.argument(depth)
            return self.argument(depth) if name in _SECOND_ARGUMENT else ""
        if self.has_group():
            return self.argument(depth)
        if name in _SWITCHES:
            self.skip_spaces()
            return ""
        return name if self.math else f"\\{name}"


_SWITCHES = words(
    "it bf em tt sc rm sl sf itshape bfseries ttfamily scshape small large displaystyle textstyle "
    "left right big Big bigg Bigg bigl bigr Bigl Bigr limits nolimits mathstrut"
)


def _fraction(reader: _Reader, depth: int) -> str:
    above, below = reader.argument(depth), reader.argument(depth)
    return f"{_bracketed(above)}/{_bracketed(below)}"


def _root(reader: _Reader, depth: int) -> str:
    return "√" + _bracketed(reader.argument(depth))


def _blackboard(reader: _Reader, depth: int) -> str:
    return "".join(BLACKBOARD.get(letter, letter) for letter in reader.argument(depth))


def _binomial(reader: _Reader, depth: int) -> str:
    return f"({reader.argument(depth)} choose {reader.argument(depth)})"


_STRUCTURES: dict[str, Callable[[_Reader, int], str]] = {
    "frac": _fraction,
    "dfrac": _fraction,
    "tfrac": _fraction,
    "sqrt": _root,
    "mathbb": _blackboard,
    "binom": _binomial,
}


def _bracketed(text: str) -> str:
    return text if re.fullmatch(r"[\w.]*", text) else f"({text})"


def _script(text: str, table: dict[str, str], mark: str) -> str:
    """`text` as a super- or subscript: with the characters for it, else spelled with its mark."""
    text = text.strip()
    if text in ("", "′", "'"):
        return "′" if text else ""
    if all(character in table for character in text):
        return "".join(table[character] for character in text)
    return f"{mark}{text}" if re.fullmatch(r"[\w,]+|[^\w\s]", text) else f"{mark}({text})"
