"""A digest as Slack's Block Kit, within all of Slack's limits.

    header | context | section a paper … | context

50 blocks a message, 3,000 characters a section, 150 a header; a message of some 13,000 characters
fails whatever its parts. `&`, `<` and `>` are the only characters to escape; escaped, no text can
mention anybody or link anywhere, and `verbatim` keeps Slack from finding links in it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from digest.rendering.chat.post import Placed, Post, labelled, lead, numbered, pack, placed, shy
from digest.rendering.spans import Kind, Spans, plain, shorten
from digest.rendering.view import Action, Card

_HEADER: Final = 150
_SECTION: Final = 3000
_CONTEXT: Final = 2000
_FALLBACK: Final = 1000
_TITLE: Final = 300
_WHY: Final = 700
_CARDS: Final = 40  #: a message; with headings, head and foot never more than 50 blocks
_ROOM: Final = 8000  #: characters of blocks a message, as JSON; half of what Slack takes …
_HEAD_ROOM: Final = 2500  #: … and this for headline, summary and notes

Block = dict[str, Any]


def draw(post: Post) -> list[bytes]:
    """The messages, in order."""
    units = [_unit(one) for one in placed(post.view)]
    sizes = [sum(map(_size, unit)) for unit in units]
    parts = pack(units, sizes, room=_ROOM, most=_CARDS, first=_HEAD_ROOM)
    return [
        _message(post, [block for unit in part for block in unit], number, len(parts))
        for number, part in enumerate(parts, 1)
    ]


def escape(text: str) -> str:
    """Text that Slack shows as it is."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shy(safe)


def _message(post: Post, cards: Sequence[Block], number: int, count: int) -> bytes:
    frame = post.view.frame
    blocks = [*(_head(post) if number == 1 else ()), *cards, *_foot(post, number, count)]
    text = " ".join(filter(None, (frame.headline, numbered(number, count))))
    message = {
        "text": escape(shorten(text, _FALLBACK)),
        "blocks": blocks,
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return json.dumps(message, ensure_ascii=False).encode()


def _head(post: Post) -> list[Block]:
    frame = post.view.frame
    title = {"type": "plain_text", "text": shorten(frame.headline, _HEADER), "emoji": False}
    lines = [" · ".join(filter(None, (post.title, frame.date))), *lead(post.view)]
    return [{"type": "header", "text": title}, _context("\n".join(map(_line, filter(None, lines))))]


def _foot(post: Post, number: int, count: int) -> list[Block]:
    links = [_link(action) for action in post.foot] if number == count else []
    text = " · ".join(filter(None, (*links, numbered(number, count))))
    return [_context(text)] if text else []


def _unit(one: Placed) -> list[Block]:
    if not one.opens:
        return [_card(one.card)]
    heading = f"*{_line(shorten(one.section, _HEADER))}* · {_line(one.count)}"
    return [_section(heading), _card(one.card)]


def _card(card: Card) -> Block:
    title = escape(shorten(plain(card.title), _TITLE))
    lines = [
        f"*<{_url(card.url)}|{title}>*",
        _marked(card.authors),
        _marked(labelled(card)),
        _marked(card.why, limit=_WHY),
        _line(card.also),
        " · ".join([*map(_line, card.chips), *map(_link, card.actions)]),
    ]
    return _section("\n".join(filter(None, lines)))


def _marked(spans: Spans, limit: int = _WHY) -> str:
    """With the emphasis of the spans; without it where the text must be cut."""
    if sum(len(span.text) for span in spans) > limit:
        return escape(shorten(plain(spans), limit))
    return "".join(_emphasised(escape(span.text), span.kind) for span in spans)


def _emphasised(text: str, kind: Kind) -> str:
    """Slack wants its marks right at the word."""
    mark = {Kind.PLAIN: "", Kind.EMPHASIS: "_"}.get(kind, "*")
    bare = text.strip()
    if not mark or not bare or mark in bare:
        return text
    start = text.index(bare)
    return f"{text[:start]}{mark}{bare}{mark}{text[start + len(bare) :]}"


def _line(text: str) -> str:
    return escape(text)


def _link(action: Action) -> str:
    return f"<{_url(action.url)}|{escape(action.label)}>"


def _url(url: str) -> str:
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text, _SECTION)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text, _CONTEXT)]}


def _mrkdwn(text: str, limit: int) -> Block:
    """A text that is too long after all loses whole lines, never half a link."""
    lines = text.split("\n")
    while len(lines) > 1 and len("\n".join(lines)) > limit:
        del lines[-1]
    return {"type": "mrkdwn", "text": "\n".join(lines)[:limit], "verbatim": True}


def _size(block: Block) -> int:
    return len(json.dumps(block, ensure_ascii=False))
