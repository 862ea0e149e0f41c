"""Papers and digests as the entries of a feed: the words that pages and mails have, as safe markup.

An entry names no token: who is passed a feed's address reads along, and can do nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup

from digest.model import Digest, Paper, PaperId
from digest.rendering.feed import Entry
from digest.rendering.language import Language
from digest.rendering.links import public_url
from digest.rendering.spans import Kind, Spans, line, plain
from digest.rendering.view import (
    Action,
    Card,
    View,
    actions,
    clean_title,
    summary,
    summary_label,
)
from digest.web.links import paper_path

_AUTHORS: Final = 20  #: names of one entry
_SUMMARY: Final = 300  #: characters
_TAGS: Final = {Kind.MARK: "mark", Kind.STRONG: "strong", Kind.EMPHASIS: "em"}


def name_of(base_url: str, what: str) -> str:
    """A tag URI (RFC 4151), the same whatever becomes of scheme, port and path."""
    host = (urlsplit(base_url).hostname or "localhost").replace(":", "-")
    return f"tag:{host},2024:{what}"


def paper_entry(paper: Paper, base_url: str, language: Language) -> Entry:
    """A paper as everybody sees it, dated by the day it was announced."""
    title = clean_title(paper)
    return Entry(
        id=name_of(base_url, f"paper/{paper.id}"),
        url=base_url + paper_path(paper.id, paper.title),
        title=title,
        html=_joined(
            [
                _summary(summary_label(paper, language), summary(paper)),
                *_abstract(paper),
                _links(actions(paper, language)),
            ]
        ),
        summary=line(paper.abstract, _SUMMARY) or title,
        at=datetime.combine(paper.announced_on, time(), UTC),
        authors=_authors(paper),
        categories=_categories(paper),
    )


def digest_entries(
    digest: Digest, seen: View, papers: dict[PaperId, Paper], base_url: str
) -> list[Entry]:
    """What a digest's mail shows, a paper once, dated by when it was composed."""
    found: dict[PaperId, Entry] = {}
    for card in (card for section in seen.sections for card in section.cards):
        paper = papers[card.paper_id]
        found.setdefault(card.paper_id, _card_entry(card, paper, digest, base_url))
    return list(found.values())


def _card_entry(card: Card, paper: Paper, digest: Digest, base_url: str) -> Entry:
    title = clean_title(paper)
    return Entry(
        id=name_of(base_url, f"digest/{digest.id}/paper/{paper.id}"),
        url=public_url(card.url) or base_url + paper_path(paper.id, paper.title),
        title=title,
        html=_joined(_card_parts(card)) or str(_paragraph(title)),
        summary=plain(card.excerpt) or plain(card.summary) or title,
        at=digest.composed_at.astimezone(UTC),
        authors=_authors(paper),
        categories=_categories(paper),
    )


def _card_parts(card: Card) -> Iterator[Markup]:
    yield _paragraph(_marked(card.authors))
    yield _summary(card.summary_label, card.summary)
    for spans in (card.excerpt, card.why):
        yield _paragraph(_marked(spans))
    yield _paragraph(card.also)
    yield _links(card.actions)


def _summary(label: str, spans: Spans) -> Markup:
    return Markup("<p><b>{}</b> {}</p>").format(label, _marked(spans)) if spans else Markup()


def _abstract(paper: Paper) -> list[Markup]:
    whole = [line(part) for part in paper.abstract.split("\n\n")]
    names = ", ".join(_authors(paper))
    return (
        [_paragraph(names), *map(_paragraph, whole)]
        if names or any(whole)
        else [_paragraph(clean_title(paper))]
    )


def _marked(spans: Spans) -> Markup:
    return Markup().join(
        Markup("<{0}>{1}</{0}>").format(_TAGS[span.kind], span.text)
        if span.kind in _TAGS
        else span.text
        for span in spans
    )


def _paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text) if text else Markup()


def _links(offered: Sequence[Action]) -> Markup:
    anchor = Markup('<a href="{}">{}</a>')
    return _paragraph(Markup(" · ").join(anchor.format(one.url, one.label) for one in offered))


def _joined(parts: Iterable[Markup]) -> str:
    return str(Markup().join(part for part in parts if part))


def _authors(paper: Paper) -> tuple[str, ...]:
    return tuple(name for name in map(line, paper.authors[:_AUTHORS]) if name)


def _categories(paper: Paper) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(line, paper.categories) if name))
