"""Markdown as chat programs read it: what is text stays text, links go where they say. Pure."""

from __future__ import annotations

import re
from typing import Final

from digest.rendering.chat.post import shy
from digest.rendering.spans import Kind, Spans, plain, shorten
from digest.rendering.view import Action

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")
_ADDRESS: Final = {"(": "%28", ")": "%29", "<": "%3C", ">": "%3E", " ": "%20", "\\": "%5C"}
_MARKS: Final = {Kind.PLAIN: "", Kind.EMPHASIS: "*"}


def escape(text: str) -> str:
    """Text without formatting, links, emoji codes and mentions."""
    return shy(_SPECIAL.sub(r"\\\1", text))


def marked(spans: Spans, limit: int) -> str:
    """With the emphasis of the spans; without it where the text must be cut."""
    if sum(len(span.text) for span in spans) > limit:
        return escape(shorten(plain(spans), limit))
    return "".join(_emphasised(span.text, _MARKS.get(span.kind, "**")) for span in spans)


def link(label: str, url: str) -> str:
    """A link whose address cannot end early."""
    target = "".join(_ADDRESS.get(character, character) for character in url)
    return f"[{escape(label)}]({target})"


def links(actions: tuple[Action, ...]) -> list[str]:
    return [link(action.label, action.url) for action in actions]


def _emphasised(text: str, mark: str) -> str:
    bare = text.strip()
    if not mark or not bare:
        return escape(text)
    start = text.index(bare)
    return f"{text[:start]}{mark}{escape(bare)}{mark}{text[start + len(bare) :]}"
