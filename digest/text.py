"""Words as they arrive, made fit to keep, compare and show: the pure vocabulary of text.

Every string that enters from a source passes `clean` once and is plain text from then on, never
HTML (guarantee 7). Names and titles are compared here too; identifiers have `digest.identifiers`,
whose functions are offered here as well. Every function is linear in its input, which is the
world's.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz

from digest.identifiers import arxiv_id, canonical_url, doi, pmid, safe_url
from digest.latex import readable
from digest.symbols import SUBSCRIPTS, SUPERSCRIPTS, words

__all__ = [
    "arxiv_id",
    "author_key",
    "canonical_url",
    "clean",
    "doi",
    "fold",
    "pmid",
    "safe_url",
    "same_title",
    "share_author",
    "shorten",
    "split_authors",
    "title_key",
]

LONGEST = 50_000  #: characters of one field that are looked at; a longer abstract is no abstract

# --- clean text ---------------------------------------------------------------------------------


def _cp1252(code: int) -> str:
    """The character of one Windows-1252 byte, "" for the five that have none."""
    return bytes([code]).decode("cp1252", "ignore")


# What XML 1.0 forbids, what steers the display (bidi overrides), and what shows nothing at all.
_ILLEGAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff"
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
    "|(?<=[\x20-\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\x20-\x7f])"
)
# C1 controls are bytes of Windows-1252 that someone read as Latin-1.
_C1 = {code: _cp1252(code) for code in range(0x80, 0xA0) if code != 0x85}
# UTF-8 that someone read as Windows-1252: a lead byte's letter, then continuation bytes' letters.
_CONTINUATION = "\u0080-\u00bf" + "".join(c for c in map(_cp1252, range(0x80, 0xA0)) if c)
_MOJIBAKE_LEAD = re.compile(f"[\u00c2-\u00f4][{_CONTINUATION}]")
_MOJIBAKE = re.compile(
    f"[\u00c2-\u00df][{_CONTINUATION}]|[\u00e0-\u00ef][{_CONTINUATION}]{{2}}"
    f"|[\u00f0-\u00f4][{_CONTINUATION}]{{3}}"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"<(/?)(?:jats:|mml:|m:)?([A-Za-z][A-Za-z0-9-]{0,20})((?:[\s/][^<>]{0,4000})?)>")
_RAISED = re.compile(r"<(su[bp])(?:\s[^<>]{0,200})?>([^<>]{1,40})</\1\s*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<!--|<!\[CDATA\[|\]\]>|<(script|style)\b", re.IGNORECASE)
_BLOCKS = words(
    "p div br li ul ol dl dt dd h1 h2 h3 h4 h5 h6 hr table tr td th section article header footer "
    "blockquote pre title sec list list-item disp-formula figure figcaption main aside nav"
)
_INLINE = words(
    "a abbr acronym b bdi bdo big cite code del dfn em font i img ins kbd mark q s samp small span "
    "strike strong sub sup tt u var wbr input button form label script style iframe object embed "
    "center body html head link meta tbody thead tfoot caption svg path video audio source picture "
    "bold italic sc monospace underline named-content styled-content ext-link xref abstract "
    "inline-formula tex-math alternatives math mi mn mo mrow msub msup msubsup mfrac msqrt mroot "
    "mtext mspace mstyle mover munder munderover mfenced mtable mtr mtd semantics annotation "
    "mathvariant mpadded mphantom menclose mmultiscripts mprescripts none"
)
_SPECIAL = re.compile(r"[^\x20-\x7e]|[<&\\$^{}~`]|--|''|  ")  #: without these, nothing is to do
_BREAK = re.compile(r"[ \t]*\n[ \t]*\n\s*")
_INDENT = re.compile(r"\n {2,}(?=\S)")
_SPACE = re.compile(r"\s+")


def clean(raw: str, *, markup: bool = True, paragraphs: bool = False) -> str:
    """`raw` as plain text a person can read.

    Entities, LaTeX and odd white space become readable, characters that XML 1.0 forbids or that
    show nothing go, the rest is NFC. `markup`: tags known from HTML, JATS and MathML are taken out
    (`a <b` and `<unknown>` stay). `paragraphs` keeps paragraph breaks as one empty line, otherwise
    everything is one line.
    """
    text = raw[:LONGEST]
    if not _SPECIAL.search(text):
        return text.strip()
    text = _visible(text)
    if not markup and paragraphs:
        text = _INDENT.sub("\n\n", text.strip())
    if markup and "<" in text:
        text = _without_tags(text)
    for _ in range(2):  # some feeds escape twice
        if "&" not in text:
            break
        text = _visible(_ENTITY.sub(_character, text))
        if markup and "<" in text:
            text = _without_tags(text)
    text = unicodedata.normalize("NFC", readable(text))
    if not paragraphs:
        return _SPACE.sub(" ", text).strip()
    parts = (_SPACE.sub(" ", part).strip() for part in _BREAK.split(text))
    return "\n\n".join(part for part in parts if part)


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0]).replace("\ufffd", "")


def _visible(text: str) -> str:
    if not text.isascii() and _MOJIBAKE_LEAD.search(text):
        text = _MOJIBAKE.sub(_redecoded, text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() and text.isprintable() else _ILLEGAL.sub("", text.translate(_C1))


def _redecoded(found: re.Match[str]) -> str:
    raw = b"".join(c.encode("latin-1" if c < "\u0100" else "cp1252") for c in found[0])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return found[0]


def _without_tags(text: str) -> str:
    text = _RAISED.sub(_raised, _without_hidden(text))
    return _TAG.sub(_tag, text)


def _without_hidden(text: str) -> str:
    """Without comments, scripts and styles, content included; CDATA marks go, content stays."""
    pieces: list[str] = []
    position = 0
    while found := _HIDDEN.search(text, position):
        pieces.append(text[position : found.start()])
        position = found.end()
        if closer := "-->" if found[0] == "<!--" else f"</{found[1]}" if found[1] else "":
            end = re.compile(re.escape(closer), re.IGNORECASE).search(text, position)
            position = end.end() if end else len(text)
            if found[1] and end:
                position = (text.find(">", position) + 1) or len(text)
    return "".join(pieces) + text[position:]


def _raised(found: re.Match[str]) -> str:
    table = SUPERSCRIPTS if found[1].lower() == "sup" else SUBSCRIPTS
    content = found[2].strip()
    mapped = all(character in table for character in content)
    return "".join(table[c] for c in content) if mapped and not content.isalpha() else content


def _tag(found: re.Match[str]) -> str:
    name = found[2].lower()
    if name in _BLOCKS:
        return "\n" if name == "br" else "\n\n"
    return "" if name in _INLINE else found[0]


def shorten(text: str, length: int) -> str:
    """At most `length` characters, cut at a word and ended with an ellipsis."""
    if len(text) <= length:
        return text
    if length < 2:
        return "…"[:length]
    cut = text[:length]
    space = cut.rfind(" ")
    cut = cut[:space] if space > length // 2 else cut[:-1]
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(" \n,;:.–—-([{\u200d") + "…"


# --- comparing ----------------------------------------------------------------------------------

_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_ROMAN = words("i ii iii iv v vi vii viii ix x")
_NEAR = 93.0  #: rapidfuzz ratio from which two titles may be one


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Case, diacritics and compatibility forms removed: `Gödel` and `GODEL` are one."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in parts if not unicodedata.combining(c))
    return bare.casefold().translate(_UNDECOMPOSED)


def title_key(title: str) -> str:
    """Letters and digits of the title, folded: equal for titles that differ in dress only."""
    return "".join(c for c in fold(title) if c.isalnum())


def same_title(a: str, b: str) -> bool:
    """Whether two titles are one work's: equal keys, or nearly equal words and the same numbers.

    "Part I" and "Part II", "GPT-3" and "GPT-4" differ by a character and are different works.
    """
    key_a, key_b = title_key(a), title_key(b)
    if key_a == key_b:
        return bool(key_a)
    if min(len(key_a), len(key_b)) < 20 or _numbers(a) != _numbers(b):
        return False
    return fuzz.ratio(key_a, key_b, score_cutoff=_NEAR) >= _NEAR


def _numbers(title: str) -> list[str]:
    words = re.findall(r"\d+|[^\W\d_]+", fold(title))
    return [word for word in words if word.isdigit() or word in _ROMAN]


# --- people -------------------------------------------------------------------------------------

_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|phd|md|msc|dr|prof)\.?", re.IGNORECASE)
_PARTICLES = words("van von der den de del della di da do dos das du la le el al bin ibn")
_MOST_AUTHORS = 5000


_BRACKETED = re.compile(r"\([^()]{0,300}\)")
_NOBODY = re.compile(r"(?:\bet al\b|\band others\b|…)[ .,]*$", re.IGNORECASE)


def author_key(name: str) -> str:
    """Folded family name and first initial: `smith j` for "SMITH, J.", "J. Smith", "Jane Smith"."""
    family, given = _name_parts(name)
    key = "".join(c for c in fold(family) if c.isalnum())
    initial = next((c for c in fold(given) if c.isalnum()), "")
    return f"{key} {initial}".strip()


def share_author(a: Iterable[str], b: Iterable[str]) -> bool:
    """Whether a person is in both lists, as far as family name and initial can tell."""
    keys = {author_key(name) for name in a} - {""}
    return any(author_key(name) in keys for name in b)


def split_authors(text: str) -> tuple[str, ...]:
    """The people named in one string, each as "Given Family", in their order.

    Understands `A. One, B. Two and C. Three`, `One, A.; Two, B.` and `ONE, A., TWO, B.`.
    """
    text = _SPACE.sub(" ", _BRACKETED.sub(" ", _BRACKETED.sub(" ", text)))
    text = _NOBODY.sub("", text)
    if ";" in text:
        names = [_turned(part) for part in text.split(";")]
    else:
        lists = re.split(r" ?,? (?:and|&) ", text)
        parts = [part.strip() for piece in lists for part in piece.split(",")]
        names = _from_commas([part for part in parts if part], alone=len(lists) == 1)
    tidy = (_SPACE.sub(" ", name).strip(" ,;") for name in names)
    return tuple(dict.fromkeys(name for name in tidy if name))[:_MOST_AUTHORS]


def _are_initials(word: str) -> bool:
    letters = re.sub(r"[\s.-]+", "", word)
    return letters.isupper() and (len(letters) <= 2 or len(letters) <= len(word) // 2 + 1)


def _name_parts(name: str) -> tuple[str, str]:
    """Family and given name, as far as their shape tells."""
    family, comma, given = name.partition(",")
    if comma and given.strip() and not _SUFFIX.fullmatch(given.strip()):
        return _last_word(family), given
    words = [w for w in family.split() if not _SUFFIX.fullmatch(w)] or family.split()
    if len(words) < 2 or (not words[-1].isascii() and _is_cjk(words[-1])):
        return "".join(words), ""
    if all(len(w.strip(".")) == 1 for w in words[1:]):
        return words[0], words[1]  # "Smith J", as PubMed writes
    return words[-1], words[0]


def _last_word(family: str) -> str:
    words = [w for w in family.split() if not _SUFFIX.fullmatch(w)] or family.split()
    return words[-1] if words else family


def _is_cjk(word: str) -> bool:
    return any("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" for c in word)


def _from_commas(parts: list[str], *, alone: bool) -> list[str]:
    parts = [part for part in parts if not _SUFFIX.fullmatch(part)]
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 == 0 and all(_are_initials(given) for _, given in pairs):
        return [_turned(f"{family}, {given}") for family, given in pairs]
    if alone and len(parts) == 2 and any(" " not in p for p in parts) and parts[0][0].isupper():
        return [_turned(", ".join(parts))]  # "Smith, Jane": one person turned, not two mononyms
    return parts


def _turned(name: str) -> str:
    """`FAMILY, Given` as `Given Family`, without the shouting."""
    family, comma, given = (part.strip() for part in name.partition(","))
    if not comma or not given:
        return family
    return f"{given} {' '.join(_calm(word) for word in family.split())}"


def _calm(word: str) -> str:
    if not word.isupper() or len(word) < 2:
        return word
    lower = word.lower()
    return (
        lower if lower in _PARTICLES else re.sub(r"[^\W\d_]+", lambda m: m[0].capitalize(), lower)
    )
