"""A digest as one JSON document, for programs: the body of the signed webhook.

    {"type": "digest", "version": 1, "id": "…", "date": "2026-11-20",
     "composed_at": "2026-11-20T07:30:00Z", "title": "Harbour team", "headline": "…",
     "summary": "…", "note": "…", "considered": 1284, "left_out": 2,
     "links": {"web": "https://…", "team": "https://…"},
     "sections": [{"name": "…", "papers": [
        {"id": 101, "key": "arxiv:2611.00101", "title": "…", "url": "https://…",
         "authors": ["…"], "abstract": "…",
         "summary": {"text": "…", "machine_written": false},
         "why": "…", "also": "…", "revision": false, "score": 3.2, "votes": 84, "comments": 12,
         "categories": ["cs.LG"], "sources": ["arxiv"], "links": [{"label": "PDF", "url": "https://…"}]}]}]}

`id` is the same at every try, so a receiver can tell a repeat. Keys may be added; none changes its
meaning without another `version`. All texts are plain text.
"""

from __future__ import annotations

import json
from typing import Any, Final

from digest.model import Item, Paper
from digest.rendering.chat.post import Post
from digest.rendering.spans import plain
from digest.rendering.view import Card, summary

VERSION: Final = 1


def draw(post: Post) -> list[bytes]:
    """The document: always one."""
    return [json.dumps(document(post), ensure_ascii=False).encode()]


def document(post: Post) -> dict[str, Any]:
    frame, digest = post.view.frame, post.digest
    items = {item.paper_id: item for section in digest.sections for item in section.items}
    return {
        "type": "digest",
        "version": VERSION,
        "id": post.key,
        "date": digest.local_date.isoformat(),
        "composed_at": digest.composed_at.isoformat().replace("+00:00", "Z"),
        "title": post.title,
        "headline": frame.headline,
        "summary": frame.summary,
        "note": frame.note,
        "considered": digest.considered,
        "left_out": digest.left_out,
        "links": {"web": post.web, "team": post.team},
        "sections": [
            {
                "name": section.name,
                "papers": [
                    _paper(card, items[card.paper_id], post.papers[card.paper_id])
                    for card in section.cards
                ],
            }
            for section in post.view.sections
        ],
    }


def _summary(paper: Paper) -> dict[str, Any] | None:
    if paper.summary is None:
        return None
    return {"text": plain(summary(paper)), "machine_written": paper.summary.is_written}


def _paper(card: Card, item: Item, paper: Paper) -> dict[str, Any]:
    return {
        "id": paper.id,
        "key": paper.key,
        "title": plain(card.title),
        "url": card.url,
        "authors": list(paper.authors),
        "abstract": paper.abstract,
        "summary": _summary(paper),
        "why": plain(card.why),
        "also": card.also,
        "revision": item.revision,
        "score": item.score,
        "votes": paper.votes,
        "comments": paper.comments,
        "categories": list(paper.categories),
        "sources": list(paper.sources),
        "links": [{"label": action.label, "url": action.url} for action in card.actions],
    }
