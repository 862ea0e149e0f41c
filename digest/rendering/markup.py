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
        safe = escape(text) if _special(text) else text
        parts.append(f"<{tag}>{safe}</{tag}>" if tag else safe)
    return Markup("".join(parts))


def _special(text: str) -> bool:
    # Most texts hold none of these, and to look costs half of what it takes to make them Markup.
    return "&" in text or "<" in text or ">" in text or '"' in text or "'" in text
