"""The demo's listings: the invented papers, written as the real sources would announce them.

`write_listings` fills a folder and returns the `[[sources]]` that read it. It does not read, match
or send anything; the pipeline that does is the real one.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from digest.demo import arxiv_listings, journal_listings, json_listings, preprint_listings
from digest.demo.sample import announced_by, load_papers

SUBSCRIBERS = Path(__file__).with_name("subscribers.jsonl")


def write_listings(folder: Path, today: date) -> dict[str, list[dict[str, Any]]]:
    """Write every listing as announced on `today` and the six days before.

    Returns the part of a configuration that points at them: `{"sources": [{kind, name, path, …}]}`.
    The same day gives the same bytes. arXiv announces nothing at weekends, so that a weekday makes
    the better demo.
    """
    (folder / "arxiv").mkdir(parents=True, exist_ok=True)
    _write_arxiv(folder / "arxiv", today)
    papers = load_papers()
    json_listings.write_daily_papers(
        announced_by("huggingface", papers), today, folder / "hf-daily-papers.json"
    )
    for server in ("bioRxiv", "medRxiv"):
        key = server.lower()
        preprint_listings.write_rdf(
            announced_by(key, papers), today, folder / f"{key}.rdf", server=server
        )
    journal_listings.write_journal(announced_by("journal", papers), today, folder / "journal.rss")
    journal_listings.write_pubmed(announced_by("pubmed", papers), today, folder / "pubmed.rss")
    json_listings.write_lab_feed(announced_by("lab", papers), today, folder / "lab-feed.json")
    return {"sources": _sources(folder)}


def _write_arxiv(folder: Path, today: date) -> None:
    papers = announced_by("arxiv", load_papers())
    arxiv_listings.write_api(papers, today, folder / "arxiv-api.xml")
    arxiv_listings.write_atom(papers, today, folder / "arxiv-atom.xml")
    arxiv_listings.write_rss(papers, today, folder / "arxiv-rss.xml")


def _sources(folder: Path) -> list[dict[str, Any]]:
    def source(kind: str, name: str, file: str, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "name": name, "path": str(folder / file), **more}

    return [
        source("arxiv", "arXiv", "arxiv", categories=list(arxiv_listings.ARCHIVES)),
        source("huggingface", "Hugging Face", "hf-daily-papers.json"),
        source("biorxiv", "bioRxiv", "biorxiv.rdf", via="feed"),
        source("medrxiv", "medRxiv", "medrxiv.rdf", via="feed"),
        source("feed", journal_listings.JOURNAL, "journal.rss"),
        source("pubmed", "PubMed", "pubmed.rss"),
        source("feed", json_listings.LAB, "lab-feed.json"),
    ]
