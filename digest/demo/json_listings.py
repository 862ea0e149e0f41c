"""The two JSON shapes: Hugging Face's daily papers, and a laboratory's JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from digest.demo.markup import as_html, moment, paragraph
from digest.demo.sample import SamplePaper

LAB = "Open Registers Lab"
LAB_SITE = "https://open-registers.example"


def write_daily_papers(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    """What `huggingface.co/api/daily_papers` answers; the outer `publishedAt` is 5 h off there."""
    _write([_daily_paper(paper, today) for paper in papers], target)


def write_lab_feed(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"{LAB}: notes",
        "home_page_url": f"{LAB_SITE}/",
        "feed_url": f"{LAB_SITE}/feed.json",
        "language": "en",
        "items": [_note(paper, today) for paper in papers],
    }
    _write(feed, target)


def _daily_paper(paper: SamplePaper, today: date) -> dict[str, Any]:
    submitter = _account(paper)
    published = moment(paper.first_seen(today), hour=17, minute=8)
    shared = {"title": paper.title, "summary": paper.abstract, **_organisation(paper)}
    inner = {
        "id": paper.arxiv_id(today),
        "authors": [
            {"_id": f"{paper.slot:016x}{place:08x}", "name": name, "hidden": False}
            for place, name in enumerate(paper.authors)
        ],
        "publishedAt": f"{published:%Y-%m-%dT%H:%M:%S.000Z}",
        "submittedOnDailyAt": f"{paper.announced(today)}T03:12:44.318Z",
        "submittedOnDailyBy": {**submitter, "user": submitter["name"]},
        "upvotes": paper.votes,
        "discussionId": f"{paper.slot:024x}",
        **shared,
    }
    return {
        "paper": inner,
        "publishedAt": f"{published - timedelta(hours=5):%Y-%m-%dT%H:%M:%S.000Z}",
        "numComments": paper.comments,
        "submittedBy": submitter,
        "isAuthorParticipating": paper.submitter in paper.authors,
        **shared,
    }


def _account(paper: SamplePaper) -> dict[str, Any]:
    handle = "-".join(paper.submitter.lower().split())
    return {
        "_id": f"{paper.slot:024x}",
        "fullname": paper.submitter,
        "name": handle,
        "type": "user",
    }


def _organisation(paper: SamplePaper) -> dict[str, Any]:
    if not paper.organisation:
        return {}
    name = "".join(paper.organisation.split())
    return {"organization": {"_id": f"{0:024x}", "name": name, "fullname": paper.organisation}}


def _note(paper: SamplePaper, today: date) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": f"{LAB_SITE}/notes/{paper.slot}",
        "url": f"{LAB_SITE}/notes/{paper.slot}",
        "title": paper.title,
        "content_html": as_html(paragraph(paper.abstract)),
        "date_published": moment(paper.announced(today), hour=2, minute=30).isoformat(),
        "authors": [{"name": name} for name in paper.authors],
        "tags": list(paper.categories),
    }
    if "arxiv" in paper.sources:
        item["external_url"] = f"https://arxiv.org/abs/{paper.arxiv_id(today)}"
    return item


def _write(value: Any, target: Path) -> None:
    target.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
