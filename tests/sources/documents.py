"""Small documents in the shapes the world sends, every word of them written here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from digest.model import Window

UNTIL = datetime(2025, 11, 20, 6, tzinfo=UTC)  #: a Thursday
WEEK = Window(UNTIL - timedelta(days=7), UNTIL)


def arxiv_item(
    identifier: str = "2511.00001",
    *,
    title: str = "Lanterns in fog",
    how: str = "new",
    version: int = 1,
    categories: tuple[str, ...] = ("cs.CL",),
    authors: str = "Ada Mirza, Bo Lind",
    abstract: str = "We measure how far a lantern shines.",
) -> str:
    tags = "".join(f"<category>{c}</category>" for c in categories)
    return f"""<item><title>{escape(title)}</title>
      <link>https://arxiv.org/abs/{identifier}</link>
      <description>arXiv:{identifier}v{version} Announce Type: {how}
Abstract: {escape(abstract)}</description>
      <guid isPermaLink="false">oai:arXiv.org:{identifier}v{version}</guid>{tags}
      <pubDate>Thu, 20 Nov 2025 00:00:00 -0500</pubDate>
      <arxiv:announce_type>{how}</arxiv:announce_type>
      <dc:creator>{escape(authors)}</dc:creator></item>"""


def arxiv_rss(*items: str, skip: tuple[str, ...] = ("Saturday", "Sunday")) -> bytes:
    days = "".join(f"<day>{day}</day>" for day in skip)
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:atom="http://www.w3.org/2005/Atom" version="2.0"><channel>
  <title>cs.CL updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.CL</link>
  <skipDays>{days}</skipDays>{"".join(items)}</channel></rss>""".encode()


def arxiv_atom(*identifiers: str) -> bytes:
    entries = "".join(
        f"""<entry><id>oai:arXiv.org:{one}v1</id><title>Lanterns {one}</title>
        <link href="https://arxiv.org/abs/{one}" rel="alternate" type="text/html"/>
        <summary>arXiv:{one}v1 Announce Type: cross \nAbstract: Fog.</summary>
        <category term="cs.LG"/><published>2025-11-20T00:00:00-05:00</published>
        <arxiv:announce_type>cross</arxiv:announce_type>
        <dc:creator>Ada Mirza</dc:creator></entry>"""
        for one in identifiers
    )
    return f"""<feed xmlns:arxiv="http://arxiv.org/schemas/atom"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://www.w3.org/2005/Atom">
    <id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates on arXiv.org</title>
    <updated>2025-11-20T04:00:00Z</updated>{entries}</feed>""".encode()


def arxiv_api_entry(
    identifier: str,
    *,
    published: str = "2025-11-18T12:00:00Z",
    version: int = 1,
    primary: str = "cs.CL",
    also: tuple[str, ...] = (),
    extra: str = "",
) -> str:
    tags = "".join(f'<category term="{c}"/>' for c in (*also, primary))
    return f"""<entry><id>http://arxiv.org/abs/{identifier}v{version}</id>
    <title>Lanterns at
      sea, {identifier}</title><updated>{published}</updated><published>{published}</published>
    <link href="https://arxiv.org/abs/{identifier}v{version}" rel="alternate" type="text/html"/>
    <summary>  Hard-wrapped
words.
  A second paragraph.</summary>{tags}
    <arxiv:primary_category term="{primary}"/>
    <author><name>Ada Mirza</name></author><author><name>Bo Lind, Jr.</name></author>{extra}
    </entry>"""


def arxiv_api(*entries: str, total: int | None = None, start: int = 0) -> bytes:
    total = len(entries) if total is None else total
    return f"""<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
    xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
    <id>https://arxiv.org/api/x</id><title>arXiv Query: search_query=cat:cs.CL</title>
    <opensearch:totalResults>{total}</opensearch:totalResults>
    <opensearch:startIndex>{start}</opensearch:startIndex>{"".join(entries)}</feed>""".encode()


def arxiv_api_error(said: str = "incorrect id format for 1") -> bytes:
    return arxiv_api(
        f"""<entry><id>http://arxiv.org/api/errors#incorrect_id_format_for_1</id>
        <title>Error</title><summary>{said}</summary></entry>"""
    )


def daily_paper(identifier: str = "2511.00001", **fields: Any) -> dict[str, Any]:
    paper: dict[str, Any] = {
        "id": identifier,
        "title": "Lanterns in fog",
        "summary": "We measure how far\na lantern shines.",
        "authors": [{"name": "Ada Mirza"}, {"name": "Bo Lind", "hidden": False}],
        "publishedAt": "2025-11-18T12:00:00.000Z",
        "submittedOnDailyAt": "2025-11-19T03:00:00.000Z",
        "upvotes": 12,
        "organization": {"name": "fog", "fullname": "Institute of Fog"},
    }
    outer = {
        "paper": paper | fields,
        "publishedAt": "2025-11-18T07:00:00.000Z",
        "title": "Lanterns in fog",
        "numComments": 3,
        "submittedBy": {"name": "cleo", "fullname": "Cleo Vane"},
        "somethingNew": {"deep": [1]},
    }
    return outer


def daily_papers(*papers: object) -> bytes:
    return json.dumps(papers).encode()


def preprint(identifier: str = "10.1101/2025.11.18.000001", **fields: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "doi": identifier,
        "title": "Moths at lanterns.",
        "authors": "Mirza, A.; van der Lind, B. C.",
        "author_corresponding_institution": "Institute of Fog",
        "date": "2025-11-18",
        "version": "1",
        "category": "cell biology",
        "abstract": "Moths &lt;i&gt;come&lt;/i&gt;.",
        "published": "NA",
        "server": "bioRxiv",
    }
    return entry | fields


def preprints(*entries: dict[str, Any], total: object = None, **message: object) -> bytes:
    head = {"status": "ok", "cursor": 0, "count": len(entries), "total": total} | message
    return json.dumps({"messages": [head], "collection": list(entries)}).encode()


BIORXIV_RDF = b"""<?xml version="1.0" encoding="UTF-8" ?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:prism="http://purl.org/rss/1.0/modules/prism/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="http://biorxiv.org"><title>bioRxiv Subject Collection: Genomics</title>
<link>http://biorxiv.org</link></channel>
<item rdf:about="http://biorxiv.org/cgi/content/short/2025.11.18.000002v1?rss=1">
<title><![CDATA[
Moths of <i>two</i> lanterns
]]></title>
<link>
 http://biorxiv.org/cgi/content/short/2025.11.18.000002v1?rss=1
</link>
<description><![CDATA[
We watched moths.
]]></description>
<dc:creator><![CDATA[ MIRZA, A., LIND, B.-C., Ng, D. E. ]]></dc:creator>
<dc:date>2025-11-18</dc:date><dc:identifier>doi:10.1101/2025.11.18.000002</dc:identifier>
<prism:section>Genomics</prism:section></item></rdf:RDF>"""

PUBMED_RSS = b"""<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0"><channel>
<title>lanterns: Latest results from PubMed</title><link>https://pubmed.ncbi.nlm.nih.gov/</link>
<item><title>Light and sleep</title>
<link>https://pubmed.ncbi.nlm.nih.gov/40000001/?utm_source=Mobile Safari UI/X&amp;v=2.15.0</link>
<description>Short words...</description>
<content:encoded><![CDATA[<div><p style="color: #4aa564;">J Fog. 2025 Nov 1:12. doi:
 10.1234/JFog.12. Online ahead of print.</p><p><b>ABSTRACT</b></p><p>BACKGROUND: Lamps.</p>
<p>RESULTS: H<sub>2</sub>O.</p><p style="color: lightgray">PMID:<a href="https://x/">40000001</a>
 | DOI:<a href=https://doi.org/10.1234/JFog.12>10.1234/JFog.12</a></p></div>]]></content:encoded>
<guid isPermaLink="false">pubmed:40000001</guid><pubDate>Wed, 19 Nov 2025 06:00:00 -0500</pubDate>
<dc:creator>Ada Mirza</dc:creator><dc:creator>Bo Lind</dc:creator><dc:date>2025-11-19</dc:date>
<dc:identifier>pmid:40000001</dc:identifier><dc:identifier>doi:10.1234/JFog.12</dc:identifier>
</item></channel></rss>"""

JOURNAL_RSS = """
<rss version="0.91"><channel><title>Latest Articles from Fog</title>
<link>https://fog.example/</link><description>x</description>
<item><title>\ufeffFog plants (Nebulaceae), a new family</title>
<link>https://fog.example/article/1/</link>
<description><![CDATA[ <p>Fog 18: 71-76</p> <p>DOI: 10.1234/fog.18.1</p>
<p>Authors: Ada Mirza, Bo Lind</p> <p>Abstract: Plants grow in fog.</p>
<p><a href="https://fog.example/article/1/">HTML</a></p> <p><a href="x">PDF</a></p> ]]>
</description>
<category>Research Article</category><pubDate>Mon, 17 Nov 2025 16:00:36 +0200</pubDate></item>
</channel></rss>""".encode()

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Laboratory</title>
<id>urn:x</id><updated>2025-11-19T00:00:00Z</updated>
<entry><id>tag:lab.example,2025:1</id><title type="html">A &lt;em&gt;bright&lt;/em&gt; idea</title>
<link rel="alternate" href="https://lab.example/1#top"/>
<link rel="enclosure" type="application/pdf" href="https://lab.example/1.pdf"/>
<author><name>Ada Mirza</name></author><author><name>Bo Lind</name></author>
<updated>2025-11-19T08:00:00Z</updated><summary>Short.</summary>
<content type="html">&lt;p&gt;The whole of it.&lt;/p&gt;&lt;p&gt;More.&lt;/p&gt;</content>
</entry></feed>"""


def json_feed(*items: dict[str, Any], version: str = "https://jsonfeed.org/version/1.1") -> bytes:
    return json.dumps({"version": version, "title": "Lab", "items": items}).encode()
