"""arXiv's three shapes: the daily RSS 2.0 and Atom announcements, and an answer of the query API.

The announcements hold today's papers only, with the announce type seen from the feed's own
categories (a paper whose first category lies elsewhere is a cross-list); the API has the days
before. RSS and Atom put all authors in one `dc:creator` and a prefix before the abstract; the API
breaks titles and abstracts into lines and says `http` in ids but `https` in links.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

from digest.demo.markup import ARXIV, ATOM, DC, child, moment, rfc822, write_xml
from digest.demo.sample import SamplePaper

COMPUTING = ("cs", "eess", "stat")
SCIENCES = (
    *("astro-ph", "cond-mat", "econ", "gr-qc", "hep-ex", "hep-ph", "math", "nucl-th", "physics"),
    *("q-bio", "q-fin", "quant-ph"),
)
ARCHIVES = (*COMPUTING, *SCIENCES)


def write_rss(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    """The RSS variant, for computing and statistics."""
    namespaces = {"xmlns:arxiv": ARXIV, "xmlns:dc": DC, "xmlns:atom": ATOM}
    root = ET.Element("rss", {**namespaces, "version": "2.0"})
    channel = child(root, "channel")
    feed = "+".join(COMPUTING)
    child(channel, "title", f"{feed} updates on arXiv.org")
    child(channel, "link", f"http://rss.arxiv.org/rss/{feed}")
    child(channel, "description", f"{feed} updates on the arXiv.org e-print archive.")
    child(channel, "language", "en-us")
    child(channel, "pubDate", rfc822(moment(today, hour=0, offset=-4)))
    skipped = child(channel, "skipDays")
    child(skipped, "day", "Sunday")
    child(skipped, "day", "Saturday")
    for paper in _announced(papers, COMPUTING):
        _rss_item(channel, paper, today)
    write_xml(root, target)


def write_atom(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    """The Atom variant, for everything else."""
    root = ET.Element("feed", {"xmlns": ATOM, "xmlns:arxiv": ARXIV, "xmlns:dc": DC})
    feed = "+".join(SCIENCES)
    child(root, "id", f"http://rss.arxiv.org/atom/{feed}")
    child(root, "title", f"{feed} updates on arXiv.org")
    child(root, "updated", moment(today, hour=4).isoformat())
    for paper in _announced(papers, SCIENCES):
        _atom_entry(root, paper, today)
    write_xml(root, target)


def write_api(papers: Iterable[SamplePaper], today: date, target: Path) -> None:
    """What a query over all archives answers for the six days before today."""
    earlier = [paper for paper in papers if paper.day > 0]
    opensearch = "http://a9.com/-/spec/opensearch/1.1/"
    root = ET.Element("feed", {"xmlns": ATOM, "xmlns:arxiv": ARXIV, "xmlns:opensearch": opensearch})
    child(root, "id", "https://arxiv.org/api/demo")
    child(root, "title", "arXiv Query: search_query=submittedDate&id_list=&start=0")
    child(root, "updated", f"{moment(today, hour=4):%Y-%m-%dT%H:%M:%SZ}")
    child(root, "opensearch:itemsPerPage", str(len(earlier)))
    child(root, "opensearch:totalResults", str(len(earlier)))
    child(root, "opensearch:startIndex", "0")
    for paper in earlier:
        _api_entry(root, paper, today)
    write_xml(root, target)


def announce_type(paper: SamplePaper, archives: tuple[str, ...]) -> str:
    """How a feed of `archives` announces the paper: new, cross, replace or replace-cross."""
    elsewhere = _archive(paper.categories[0]) not in archives
    if paper.kind == "replace":
        return "replace-cross" if elsewhere else "replace"
    return "cross" if elsewhere else paper.kind


def _announced(papers: Iterable[SamplePaper], archives: tuple[str, ...]) -> tuple[SamplePaper, ...]:
    return tuple(
        paper
        for paper in papers
        if paper.day == 0 and any(_archive(c) in archives for c in paper.categories)
    )


def _archive(category: str) -> str:
    return category.partition(".")[0]


def _versioned(paper: SamplePaper, today: date) -> str:
    return f"{paper.arxiv_id(today)}v{paper.version}"


def _summary(paper: SamplePaper, today: date, kind: str) -> str:
    head = f"arXiv:{_versioned(paper, today)} Announce Type: {kind}"
    return f"{head} \nAbstract: {paper.abstract}"


def _rss_item(channel: ET.Element, paper: SamplePaper, today: date) -> None:
    kind = announce_type(paper, COMPUTING)
    item = child(channel, "item")
    child(item, "title", paper.title)
    child(item, "link", f"https://arxiv.org/abs/{paper.arxiv_id(today)}")
    child(item, "description", _summary(paper, today, kind))
    child(item, "guid", f"oai:arXiv.org:{_versioned(paper, today)}", isPermaLink="false")
    for category in paper.categories:
        child(item, "category", category)
    child(item, "pubDate", rfc822(moment(today, hour=0, offset=-4)))
    _rights(item, paper, kind)


def _atom_entry(root: ET.Element, paper: SamplePaper, today: date) -> None:
    kind = announce_type(paper, SCIENCES)
    entry = child(root, "entry")
    child(entry, "id", f"oai:arXiv.org:{_versioned(paper, today)}")
    child(entry, "title", paper.title)
    child(entry, "updated", moment(today, hour=4).isoformat())
    page = f"https://arxiv.org/abs/{paper.arxiv_id(today)}"
    child(entry, "link", href=page, rel="alternate", type="text/html")
    child(entry, "summary", _summary(paper, today, kind))
    for category in paper.categories:
        child(entry, "category", term=category)
    child(entry, "published", moment(today, hour=0, offset=-4).isoformat())
    _rights(entry, paper, kind)


def _rights(item: ET.Element, paper: SamplePaper, kind: str) -> None:
    child(item, "arxiv:announce_type", kind)
    child(item, "dc:rights", "http://creativecommons.org/licenses/by/4.0/")
    child(item, "dc:creator", ", ".join(paper.authors))


def _api_entry(root: ET.Element, paper: SamplePaper, today: date) -> None:
    versioned = _versioned(paper, today)
    entry = child(root, "entry")
    child(entry, "id", f"http://arxiv.org/abs/{versioned}")
    child(entry, "title", _wrapped(paper.title))
    child(entry, "updated", _submitted(paper.announced(today) - timedelta(days=1)))
    _api_links(entry, versioned)
    child(entry, "summary", _wrapped(paper.abstract))
    for category in paper.categories:
        child(entry, "category", term=category, scheme=ARXIV)
    child(entry, "published", _submitted(paper.first_seen(today)))
    if paper.note:
        child(entry, "arxiv:comment", paper.note)
    child(entry, "arxiv:primary_category", term=paper.categories[0])
    for author in paper.authors:
        child(child(entry, "author"), "name", author)
    if paper.journal_doi:
        child(entry, "arxiv:doi", paper.article_doi)


def _api_links(entry: ET.Element, versioned: str) -> None:
    page = f"https://arxiv.org/abs/{versioned}"
    child(entry, "link", href=page, rel="alternate", type="text/html")
    pdf = f"https://arxiv.org/pdf/{versioned}"
    child(entry, "link", href=pdf, rel="related", type="application/pdf", title="pdf")


def _submitted(day: date) -> str:
    return f"{moment(day, hour=17, minute=41):%Y-%m-%dT%H:%M:%SZ}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 78, subsequent_indent="  ", break_on_hyphens=False)
