"""Libraries in every format that is read, whole and broken."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from digest.errors import UsageError
from digest.importing.bibtex import read_bibtex
from digest.importing.csl import read_csl
from digest.importing.files import read_library
from digest.importing.opml import Feed, read_opml
from digest.importing.rdf import read_rdf
from digest.importing.ris import read_ris
from digest.importing.works import Work, Works

LANTERN = Work(
    "Lanterns in sea fog",
    "How far a lantern shines.",
    arxiv="2511.00001",
    doi="10.1000/lamp.1",
    year=2025,
)

BIBTEX = r"""
Exported by hand; this line is a comment.
@string{fog = "sea " # {fog}}
@comment{ignored {nested} braces}
@article{lamp,
  title    = "Lanterns in " # fog,
  author   = {Mirza, Ada and Lind, Bo},
  abstract = {How far a {lantern} shines.},
  doi      = {https://doi.org/10.1000/LAMP.1},
  eprint = {2511.00001v2}, archivePrefix = {arXiv},
  year     = 2025, month = jan,
}
@misc(paren, title = {Caf{\'e} lamps \& ropes}, date = {2024-05-01},)
@book{untitled, author = {Nobody}}
"""

RIS = """TY  - JOUR
TI  - Lanterns in sea fog
AB  - How far a lantern
  shines.
DO  - 10.1000/LAMP.1
UR  - https://arxiv.org/abs/2511.00001v2
PY  - 2025/01/02
ER  -
TY  - JOUR
AU  - Nobody
ER  -
"""

CSL = json.dumps(
    [
        {
            "title": "Lanterns in sea fog",
            "abstract": "How far a lantern shines.",
            "DOI": "10.1000/lamp.1",
            "URL": "https://arxiv.org/abs/2511.00001",
            "issued": {"date-parts": [[2025, 1, 2]]},
        },
        {"author": [{"family": "Nobody"}]},
    ]
)

ZOTERO = json.dumps(
    [
        {
            "key": "ABCD2345",
            "data": {
                "itemType": "preprint",
                "title": "Lanterns in sea fog",
                "abstractNote": "How far a lantern shines.",
                "DOI": "10.1000/lamp.1",
                "archiveID": "arXiv:2511.00001",
                "date": "2025-01-02",
            },
        },
        {"key": "EFGH2345", "data": {"itemType": "attachment", "title": "Full text"}},
    ]
)

RDF = b"""<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:z="http://www.zotero.org/namespaces/export#" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:dcterms="http://purl.org/dc/terms/" xmlns:bib="http://purl.org/net/biblio#">
 <bib:Article rdf:about="https://arxiv.org/abs/2511.00001">
  <z:itemType>preprint</z:itemType><dc:title>Lanterns in sea fog</dc:title>
  <dcterms:abstract>How far a lantern shines.</dcterms:abstract><dc:date>2025-01-02</dc:date>
  <dc:identifier>DOI 10.1000/lamp.1</dc:identifier>
 </bib:Article>
 <z:Attachment rdf:about="#item_2"><z:itemType>attachment</z:itemType>
  <dc:title>Full text</dc:title></z:Attachment>
 <z:Collection rdf:about="#c1"><dc:title>Lamps</dc:title></z:Collection>
</rdf:RDF>
"""


@pytest.mark.parametrize(
    ("read", "text"),
    [
        pytest.param(read_bibtex, BIBTEX, id="bibtex"),
        pytest.param(read_ris, RIS, id="ris"),
        pytest.param(lambda text: read_csl(text, "x.json"), CSL, id="csl"),
        pytest.param(lambda text: read_csl(text, "x.json"), ZOTERO, id="zotero-json"),
        pytest.param(lambda text: read_rdf(text, "x.rdf"), RDF, id="zotero-rdf"),
    ],
)
def test_every_format_gives_the_same_work(read: Callable[..., Works], text: str | bytes) -> None:
    found = read(text)
    assert found.works[0] == LANTERN
    assert found.faults == ()


def test_bibtex_is_cleaned_of_its_latex() -> None:
    (_, second) = read_bibtex(BIBTEX).works
    assert second == Work("Café lamps & ropes", year=2024)


@pytest.mark.parametrize(
    ("text", "titles", "fault"),
    [
        pytest.param("", [], None, id="empty"),
        pytest.param("no entry at all, mail me@example.org", [], None, id="prose"),
        pytest.param(
            "@misc{a, title = {Never closed\n@misc{b, title = {After}}",
            ["After"],
            "line 1: a { of this entry is never closed",
            id="brace",
        ),
        pytest.param(
            '\n\n@misc{a, title = "Never closed\n}\n@misc{b, title = {After}}',
            ["After"],
            'line 3: a " of this entry is never closed',
            id="quote",
        ),
        pytest.param(
            "@misc{a,\n  = {no name}}\n@misc{b, title = {After}}",
            ["After"],
            "line 2: expected a field such as title = {…}, found '= {no name}}'",
            id="nameless",
        ),
        pytest.param("@misc{a, title = {Cut}", [], "line 1: this entry is never closed", id="cut"),
        pytest.param("@misc{a, title = unknown}", ["unknown"], None, id="unknown-macro"),
        pytest.param(r"@misc{a, title = {A \{ brace}}", ["A { brace"], None, id="escaped-brace"),
        pytest.param('@preamble("x") @misc{a, title={T}}', ["T"], None, id="preamble"),
    ],
)
def test_bibtex_goes_on_behind_what_is_broken(
    text: str, titles: list[str], fault: str | None
) -> None:
    found = read_bibtex(text)
    assert [one.title for one in found.works] == titles
    assert (found.faults == ()) if fault is None else found.faults[0].startswith(fault)


def test_bibtex_is_linear() -> None:
    def seconds(entries: int) -> float:
        text = "".join(
            f'@misc{{k{n}, title = {{Lamp {{number}} {n}}}, note = "{"x {y} " * 20}"}}\n'
            for n in range(entries)
        )
        began = perf_counter()
        assert len(read_bibtex(text).works) == entries
        return perf_counter() - began

    seconds(100)
    assert seconds(4_000) < 25 * max(seconds(400), 0.005)


def test_a_ris_work_without_an_end_is_told() -> None:
    found = read_ris("TY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\nER  -\n")
    assert [one.title for one in found.works] == ["Two"]
    assert found.faults == ("line 1: this work has no ER line; add one where it ends.",)


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        pytest.param("a.json", b'[{"title": "x"},\n {', "a.json, line 2: not JSON", id="json"),
        pytest.param("a.json", b'{"title": "x"}', "no list of works", id="no-list"),
        pytest.param("a.json", b"[" * 100_000, "nested too deep", id="deep-json"),
        pytest.param("a.rdf", b"<rdf:RDF", "a.rdf, line 1, column", id="xml"),
        pytest.param(
            "a.rdf", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "document type", id="entities"
        ),
        pytest.param("a.pdf", b"%PDF-1.7\x00\x01", "this is no text", id="binary"),
        pytest.param("a.doc", b"Dear library,", "of no format that is read", id="unknown"),
    ],
)
def test_a_file_that_cannot_be_read_names_place_and_mend(
    tmp_path: Path, name: str, body: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(UsageError) as caught:
        read_library(tmp_path / name)
    assert told in caught.value.message
    assert caught.value.mend


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_library(tmp_path / "nowhere.bib")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("a.bib", BIBTEX.encode(), id="bib"),
        pytest.param("library", b"@misc{a, title={Lanterns in sea fog}}", id="no-ending"),
        pytest.param("a.ris", b"\xef\xbb\xbf" + RIS.encode(), id="ris-with-mark"),
        pytest.param("a.json", CSL.encode(), id="json"),
        pytest.param("a.rdf", RDF, id="rdf"),
        pytest.param(
            "a.bib", "@misc{a, title={Lanterns in sea fog}} % é".encode("latin-1"), id="latin"
        ),
    ],
)
def test_files_are_told_apart(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    assert read_library(tmp_path / name).works[0].title == "Lanterns in sea fog"


# --- lists of feeds -----------------------------------------------------------------------------

OPML = b"""<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
 <outline text="Science">
  <outline type="rss" text="Lamp &quot;Letters&quot;" xmlUrl="https://lamps.example.org/feed"/>
  <outline type="rss" text="Lamp &quot;Letters&quot;" xmlUrl="https://lamps.example.org/feed/"/>
  <outline type="rss" title="Lamp &quot;Letters&quot;" xmlUrl="https://lamps.example.org/other"/>
  <outline type="rss" text="Known" xmlUrl="http://known.example.org/rss"/>
  <outline type="rss" text="Script" xmlUrl="javascript:alert(1)"/>
 </outline><outline text="A folder"/></body></opml>
"""


def test_opml_gives_each_feed_once_under_a_name_of_its_own() -> None:
    found = read_opml(
        OPML, "x.opml", names=["lamp letters"], urls=["https://known.example.org/rss"]
    )
    assert found.feeds == (
        Feed('Lamp "Letters"', "https://lamps.example.org/feed"),
        Feed('Lamp "Letters" 2', "https://lamps.example.org/other"),
    )
    assert found.known == ("http://known.example.org/rss",)
    assert found.faults == ("Script: 'javascript:alert(1)' is no address",)


def test_a_feed_s_toml_says_the_same() -> None:

    feed = Feed('Quotes " and \\ and é', "https://a.example.org/x?y=1")
    (table,) = tomllib.loads(feed.toml())["sources"]
    assert table == {"kind": "feed", "name": feed.name, "url": feed.url}


def test_a_list_that_is_no_opml_is_refused() -> None:
    with pytest.raises(UsageError, match="not OPML"):
        read_opml(b"<rss/>", "x.opml")
