"""Header fields as RFC 5322 wants them, each on one line that no mail program will break.

Python's email package turns a `List-Unsubscribe` longer than a line into encoded words, which no
mail provider reads; so header fields are written here and the package only judges them in tests.
Values are cleaned first: no value can end its line or start another field (guarantee 7).
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email

from digest.rendering.spans import line, shorten

_WORD_BYTES: Final = 39  #: of UTF-8 in one encoded word: 64 columns, 76 with the field's name
_PHRASE_LENGTH: Final = 60
_LINE_LIMIT: Final = 998  #: RFC 5322 §2.1.1
_SAFE_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
_PLAIN_PHRASE: Final = re.compile(r"[A-Za-z0-9 ]+")


@lru_cache(maxsize=1024)
def unstructured(text: str) -> str:
    """The value of a field for people, such as Subject: ASCII as it is, else RFC 2047 words."""
    clean = line(text)
    if clean.isascii() and "=?" not in clean and len(clean) < _LINE_LIMIT - 40:
        return clean
    return encoded_words(clean)


def encoded_words(text: str) -> str:
    """RFC 2047: base 64 words of at most 75 columns, one a line, no character split."""
    words: list[str] = []
    word, size = "", 0
    for character in text:
        width = len(character.encode())
        if size + width > _WORD_BYTES:
            words.append(word)
            word, size = "", 0
        word, size = word + character, size + width
    words.append(word)
    encoded = (b64encode(word.encode()).decode("ascii") for word in words)
    return "\r\n ".join(f"=?utf-8?B?{word}?=" for word in encoded)


def mailbox(name: str, address: str) -> str:
    """`"Name" <address>`, or the address alone; the address as `wire_address` gives it."""
    if not name:
        return wire_address(address)
    return f"{phrase(name)} <{wire_address(address)}>".lstrip()


@lru_cache(maxsize=1024)
def phrase(text: str) -> str:
    """A display name: bare, quoted or as encoded words, as it needs."""
    name = shorten(line(text), _PHRASE_LENGTH)
    if not name.isascii() or "=?" in name:
        return encoded_words(name)
    if not name or _PLAIN_PHRASE.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def wire_address(address: str) -> str:
    """The address for header and envelope: its domain in ASCII (IDNA).

    A local part beyond ASCII stays as it is and needs SMTPUTF8 (RFC 6531). Raises ValueError for
    anything that is no single address.
    """
    return address if _SAFE_ADDRESS.fullmatch(address) else _judged(address)


@lru_cache(maxsize=1024)
def _judged(address: str) -> str:
    try:
        known = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"not one mail address: {error}") from error
    return known.ascii_email or f"{known.local_part}@{known.ascii_domain}"
