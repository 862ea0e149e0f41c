"""Spans as the pages write them: everything escaped, emphasis as elements of HTML."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup, escape

from digest.rendering.spans import Kind, Spans

_TAGS: Final = {Kind.MARK: "mark", Kind.STRONG: "b", Kind.EMPHASIS: "i"}


def marked(spans: Spans) -> Markup:
    """The spans one after the other and nothing between; templates know it as a filter."""
    parts = []
    for text, kind in spans:
        tag = _TAGS.get(kind)
        parts.append(f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text))
    return Markup("".join(parts))
