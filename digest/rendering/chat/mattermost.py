"""A digest as Mattermost posts in Markdown: 16,383 characters each, and "@all" calls nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from digest.rendering.chat.markdown import escape, link, links, marked
from digest.rendering.chat.post import Placed, Post, labelled, lead, numbered, pack, placed
from digest.rendering.spans import plain, shorten

_ROOM: Final = 12_000
_HEAD_ROOM: Final = 2_500
_LINE: Final = 600
_TITLE: Final = 300
_WHY: Final = 700


def draw(post: Post) -> list[bytes]:
    """The posts, in order."""
    texts = [_text(one) for one in placed(post.view)]
    sizes = [len(text) + 2 for text in texts]
    parts = pack(texts, sizes, room=_ROOM, most=200, first=_HEAD_ROOM)
    return [_message(post, part, number, len(parts)) for number, part in enumerate(parts, 1)]


def _message(post: Post, texts: Sequence[str], number: int, count: int) -> bytes:
    frame = post.view.frame
    paragraphs = []
    if number == 1:
        where = " · ".join(filter(None, (post.title, frame.date)))
        told = [shorten(text, _LINE) for text in (where, *lead(post.view)) if text]
        paragraphs += [f"#### {escape(frame.headline)}", "\n".join(map(escape, told))]
    paragraphs += texts
    if number == count:
        paragraphs.append(" · ".join(links(post.foot)))
    paragraphs.append(escape(numbered(number, count)))
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def _text(one: Placed) -> str:
    card = one.card
    lines = [
        f"**{link(shorten(plain(card.title), _TITLE), card.url)}**",
        marked(card.authors, _WHY),
        marked(labelled(card), _WHY),
        marked(card.why, _WHY),
        escape(shorten(card.also, _LINE)),
        " · ".join([*map(escape, card.chips), *links(card.actions)]),
    ]
    text = "  \n".join(line for line in lines if line)
    return f"##### {escape(one.section)} · {escape(one.count)}\n{text}" if one.opens else text
