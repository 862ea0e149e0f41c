"""A journal's RSS 0.91 and a saved PubMed search, each with the habits such feeds are known for.

The journal gives no guid, begins titles with U+FEFF, and hides DOI, authors and abstract in HTML.
PubMed's guid is no address, its links hold raw spaces, and every author has a `dc:creator`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

from digest.demo.markup import (
    ATOM,
    CONTENT,
    DC,
    as_html,
    child,
    linked,
    moment,
    paragraph,
    rfc822,
    write_xml,
)
from digest.demo.sample import SamplePaper

JOURNAL = "Herbarium Letters"
JOURNAL_SITE = "https://herbarium-letters.example"
_TRACKING = "utm_source=Mobile Safari UI/WKWebView&utm_medium=rss&utm_campaign=pubmed-2&v=2.18.0"


def write_journal(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    root = ET.Element("rss", {"version": "0.91"})
    channel = child(root, "channel")
    child(channel, "title", f"Latest Articles from {JOURNAL}")
    child(channel, "description", f"Latest Articles from {JOURNAL}")
    child(channel, "link", f"{JOURNAL_SITE}/")
    child(channel, "lastBuildDate", rfc822(moment(today, hour=4, offset=2)))
    for number, paper in enumerate(papers, 1):
        _article(channel, paper, today, first_page=11 * number)
    write_xml(root, target)


def _article(channel: ET.Element, paper: SamplePaper, today: date, *, first_page: int) -> None:
    address = f"{JOURNAL_SITE}/article/{paper.slot}/"
    body = as_html(
        paragraph(f"{JOURNAL} 87: {first_page}-{first_page + 9}"),
        paragraph(f"DOI: {paper.article_doi}"),
        paragraph(f"Authors: {', '.join(paper.authors)}"),
        paragraph(f"Abstract: {paper.abstract}"),
        linked("HTML", address),
        linked("PDF", f"{address}download/pdf/"),
    )
    item = child(channel, "item")
    child(item, "title", f"\ufeff{paper.title}")
    child(item, "link", address)
    child(item, "description", body)
    child(item, "category", paper.heading)
    child(item, "pubDate", rfc822(moment(paper.announced(today), hour=4, offset=2)))


def write_pubmed(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    namespaces = {"xmlns:dc": DC, "xmlns:atom": ATOM, "xmlns:content": CONTENT}
    root = ET.Element("rss", {**namespaces, "version": "2.0"})
    channel = child(root, "channel")
    search = "(sepsis) OR (primary care) OR (new species)"
    child(channel, "title", search)
    child(channel, "link", f"https://pubmed.ncbi.nlm.nih.gov/rss-feed/?feed_id=demo&{_TRACKING}")
    child(channel, "description", f"{search}: Latest results from PubMed")
    child(channel, "language", "en")
    child(channel, "lastBuildDate", rfc822(moment(today, hour=3)))
    for paper in papers:
        _record(channel, paper, today)
    write_xml(root, target)


def _record(channel: ET.Element, paper: SamplePaper, today: date) -> None:
    day, doi = paper.announced(today), paper.doi(today)
    item = child(channel, "item")
    child(item, "title", paper.title)
    child(item, "link", f"https://pubmed.ncbi.nlm.nih.gov/{paper.pmid}/?{_TRACKING}")
    child(item, "description", f"{paper.abstract[:200]}...")
    child(item, "content:encoded", _record_html(paper, day, doi))
    child(item, "guid", f"pubmed:{paper.pmid}", isPermaLink="false")
    child(item, "pubDate", rfc822(moment(day, hour=0, offset=-4)))
    for author in paper.authors:
        child(item, "dc:creator", author)
    child(item, "dc:date", day.isoformat())
    child(item, "dc:source", _published_in(paper))
    child(item, "dc:title", paper.title)
    child(item, "dc:identifier", f"pmid:{paper.pmid}")
    child(item, "dc:identifier", f"doi:{doi}")


def _record_html(paper: SamplePaper, day: date, doi: str) -> str:
    body = ET.Element("div")
    child(
        body, "p", f"{_published_in(paper)}. {day:%Y %b %d}. doi: {doi}.", style="color: #4aa564;"
    )
    child(child(body, "p"), "b", "ABSTRACT")
    child(body, "p", paper.abstract)
    foot = child(body, "p", "PMID:", style="color: lightgray")
    page = f"https://pubmed.ncbi.nlm.nih.gov/{paper.pmid}/?{_TRACKING}"
    child(foot, "a", paper.pmid, href=page).tail = " | DOI:"
    child(foot, "a", doi, href=f"https://doi.org/{doi}")
    return as_html(body)


def _published_in(paper: SamplePaper) -> str:
    if "journal" in paper.sources:
        return JOURNAL
    servers = {"biorxiv": "bioRxiv [Preprint]", "medrxiv": "medRxiv [Preprint]"}
    named = (servers[source] for source in paper.sources if source in servers)
    return next(named, "Annals of Village Medicine")
