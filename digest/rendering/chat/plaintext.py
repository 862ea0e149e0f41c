"""A digest as short plain texts, for services that know nothing else (apprise).

Many of them take 1,000 characters a message and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from digest.rendering.chat.post import Placed, Post, labelled, lead, numbered, pack, placed, shy
from digest.rendering.spans import plain, shorten

_ROOM: Final = 850  #: of 1,000; the rest is for the foot
_HEAD_ROOM: Final = 400
_TITLE: Final = 140
_LINE: Final = 160
_SUMMARY: Final = 300
_URL: Final = 300


def draw(post: Post) -> list[bytes]:
    """The texts, in order."""
    texts = [shy(_text(one)) for one in placed(post.view)]
    sizes = [len(text) + 2 for text in texts]
    parts = pack(texts, sizes, room=_ROOM, most=50, first=_HEAD_ROOM)
    return [_message(post, part, number, len(parts)) for number, part in enumerate(parts, 1)]


def _message(post: Post, texts: Sequence[str], number: int, count: int) -> bytes:
    paragraphs = []
    if number == 1:
        head = [shorten(line, _LINE) for line in (post.view.frame.headline, *lead(post.view))]
        paragraphs.append(shy("\n".join(head[:3])))
    paragraphs += texts
    if number == count:
        paragraphs += [action.url for action in post.foot[:1]]
    paragraphs.append(numbered(number, count))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph).encode()


def _text(one: Placed) -> str:
    card = one.card
    chips = [chip for chip in card.chips if chip.startswith("▲")]
    lines = [
        shorten(plain(card.title), _TITLE),
        shorten(" · ".join([plain(card.authors), *chips]), _LINE),
        shorten(plain(labelled(card)), _SUMMARY),
        shorten(plain(card.why), _LINE),
        card.url if len(card.url) <= _URL else "",
    ]
    return "\n".join(line for line in lines if line)
