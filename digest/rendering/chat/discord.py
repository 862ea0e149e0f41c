"""A digest as Discord embeds, within all of Discord's limits.

10 embeds and 6,000 characters of embeds a message, 2,000 characters of content, 256 a title, 4,096
a description. `allowed_mentions` names nobody, so whatever a title holds, nobody is called.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from digest.rendering.chat.markdown import escape, links, marked
from digest.rendering.chat.post import Placed, Post, labelled, lead, numbered, pack, placed
from digest.rendering.spans import plain, shorten

_EMBEDS: Final = 10
_ROOM: Final = 5400  #: of the 6,000 characters of embeds a message
_CONTENT: Final = 2000
_LINE: Final = 600
_TITLE: Final = 240
_WHY: Final = 700
_FOOTER: Final = 500
_SECTION: Final = 120

Embed = dict[str, Any]


def draw(post: Post) -> list[bytes]:
    """The messages, in order."""
    embeds = [_embed(one) for one in placed(post.view)]
    parts = pack(embeds, [_size(one) for one in embeds], room=_ROOM, most=_EMBEDS)
    return [_message(post, part, number, len(parts)) for number, part in enumerate(parts, 1)]


def _message(post: Post, embeds: Sequence[Embed], number: int, count: int) -> bytes:
    message = {
        "content": _content(post, number, count),
        "embeds": list(embeds),
        "allowed_mentions": {"parse": []},
    }
    return json.dumps(message, ensure_ascii=False).encode()


def _content(post: Post, number: int, count: int) -> str:
    frame = post.view.frame
    lines = []
    if number == 1:
        where = " · ".join(filter(None, (post.title, frame.date)))
        texts = [shorten(text, _LINE) for text in (where, *lead(post.view)) if text]
        lines += [f"**{escape(shorten(frame.headline, _LINE))}**", *map(escape, texts)]
    if number == count:
        lines += links(post.foot)
    lines.append(escape(numbered(number, count)))
    return _cut([line for line in lines if line], _CONTENT) or "…"


def _embed(one: Placed) -> Embed:
    card = one.card
    lines = [
        marked(card.authors, _WHY),
        marked(labelled(card), _WHY),
        marked(card.why, _WHY),
        escape(shorten(card.also, _LINE)),
        " · ".join(links(card.actions)),
    ]
    embed: Embed = {
        "title": shorten(plain(card.title), _TITLE),
        "url": card.url,
        "description": _cut([line for line in lines if line], 4096),
    }
    if card.chips:
        embed["footer"] = {"text": shorten(" · ".join(card.chips), _FOOTER)}
    if one.opens:
        embed["author"] = {"name": shorten(f"{one.section} · {one.count}", _SECTION)}
    return embed


def _size(embed: Embed) -> int:
    """What Discord counts: title, description, footer and author."""
    footer, author = embed.get("footer", {}), embed.get("author", {})
    texts = (embed["title"], embed["description"], footer.get("text"), author.get("name"))
    return sum(len(text) for text in texts if text)


def _cut(lines: list[str], limit: int) -> str:
    """Whole lines only: never half a link."""
    while len(lines) > 1 and len("\n".join(lines)) > limit:
        lines = lines[:-1]
    return "\n".join(lines)[:limit]
