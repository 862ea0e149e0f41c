"""Bytes to readable documents: lies about encodings, bombs, broken ends, and a mend for each."""

from __future__ import annotations

import codecs
import time

import pytest

from digest.sources.documents import MOST_ENTRIES, Document, decode, read_document, read_json
from digest.sources.entries import FeedDocument, read_entries

ITEM = "<item><title>Lamp {}</title><link>https://x.org/{}</link></item>"


def feed(count: int = 2, head: str = "", tail: str = "</channel></rss>", title: str = "x") -> str:
    items = "".join(ITEM.format(n, n) for n in range(count))
    return f'{head}<rss version="2.0"><channel><title>{title}</title>{items}{tail}'


def titles(body: bytes | str, content_type: str = "") -> list[str]:
    document = read_document(body.encode() if isinstance(body, str) else body, content_type)
    assert isinstance(document, Document), document
    return entry_titles(document)


def entry_titles(document: Document) -> list[str]:
    read = read_entries(document)
    assert isinstance(read, FeedDocument), read
    return [entry.title for entry in read.entries]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param("é“ä”".encode(), "", id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + "é“ä”".encode(), "", id="bom"),
        pytest.param("é“ä”".encode("utf-16"), "", id="utf-16-bom"),
        pytest.param(codecs.BOM_UTF32_LE + "é“ä”".encode("utf-32-le"), "", id="utf-32"),
        pytest.param("é“ä”".encode("cp1252"), "", id="windows-unsaid"),
        pytest.param("é“ä”".encode("cp1252"), "text/xml; charset=utf-8", id="header-lies"),
        pytest.param("é“ä”".encode(), "text/xml; charset=iso-8859-1", id="latin-1-lies"),
        pytest.param("é“ä”".encode(), "text/xml; charset=nonsense", id="unknown-charset"),
        pytest.param("é“ä”".encode(), "text/xml; charset=punycode", id="no-text-codec"),
        pytest.param("é“ä”".encode(), "text/xml; charset=unicode_escape", id="no-escapes"),
    ],
)
def test_decode(body: bytes, content_type: str) -> None:
    assert decode(body, content_type).removeprefix("\ufeff") == "é“ä”"


@pytest.mark.parametrize(
    "encoding", ["iso-8859-2", "koi8-r", "shift_jis", "gb18030", "windows-1251"]
)
def test_decode_as_declared(encoding: str) -> None:
    word = {"iso-8859-2": "žluťoučký", "koi8-r": "лампа", "windows-1251": "лампа"}.get(
        encoding, "灯"
    )
    head = f"<?xml version='1.0' encoding='{encoding}'?>"
    assert titles(feed(1, head, title=word).encode(encoding)) == ["Lamp 0"]
    assert word in decode(feed(1, head, title=word).encode(encoding))


def test_utf_16_without_a_mark() -> None:
    assert (
        len(titles(feed(head="<?xml version='1.0' encoding='utf-16'?>").encode("utf-16-le"))) == 2
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n\t", "is empty", id="blank"),
        pytest.param(b"<!DOCTYPE html><html><body>Moved</body></html>", "HTML page", id="html"),
        pytest.param(b"<html><rss></rss></html>", "HTML page", id="html-around-a-feed"),
        pytest.param(b"\x00\x01\x02PNG", "neither a feed nor JSON", id="binary"),
        pytest.param(b"<?xml version='1.0'?><svg/>", "neither a feed nor JSON", id="other-xml"),
        pytest.param(b"x" * (15 * 1024 * 1024 + 1), "larger than 15 MiB", id="too-large"),
        pytest.param(b"<rss><channel><title>cut", "breaks off before its first entry", id="cut"),
        pytest.param(
            b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><rss>&b;</rss>',
            "entity bomb",
            id="entity-bomb",
        ),
        pytest.param(
            '<!DOCTYPE r [<!ENTITY a "ha">]><rss>&a;</rss>'.encode("utf-16"),
            "entity bomb",
            id="wide-bomb",
        ),
        pytest.param(
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>',
            "entity",
            id="xxe",
        ),
        pytest.param(b"<rss>" + b"<a>" * 500 + b"</a>" * 500 + b"</rss>", "deeper", id="deep"),
        pytest.param(b"<rss>" + b"<a/>" * 700_000 + b"</rss>", "more or deeper", id="elements"),
        pytest.param(b"<rss>" + b"\n" * 1_600_000 + b"</rss>", "more or deeper", id="lines"),
    ],
)
def test_what_cannot_be_a_listing_is_refused_quickly(body: bytes, words: str) -> None:
    began = time.process_time()
    fault = read_document(body)
    assert isinstance(fault, str)
    assert words in fault
    assert time.process_time() - began < 3


def test_a_doctype_alone_is_no_bomb() -> None:
    head = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x/rss-0.91.dtd">'
    assert len(titles(feed(head=head))) == 2


@pytest.mark.parametrize(
    "head",
    [
        "",
        "\n\n  ",
        "\ufeff",
        "<!-- made by hand -->",
        "<?xml version='1.0'?>\n<?xml-stylesheet href='x'?>",
    ],
)
def test_what_may_stand_before_a_feed(head: str) -> None:
    assert len(titles(feed(head=head))) == 2


@pytest.mark.parametrize(
    ("title", "read"),
    [
        pytest.param("Salt & light", "Salt & light", id="bare-ampersand"),
        pytest.param("Salt &amp; light", "Salt & light", id="escaped"),
        pytest.param("Caf&eacute;&nbsp;&hellip;", "Café\xa0…", id="html-entities"),
        pytest.param("a &unknown; b", "a &unknown; b", id="unknown-entity"),
        pytest.param("a\x07b&#7;c&#x1F;d", "abcd", id="control-characters"),
        pytest.param("<![CDATA[Salt & <light>]]>", "Salt & <light>", id="cdata-untouched"),
        pytest.param("&#8220;q&#x201d;", "“q”", id="numeric"),
    ],
)
def test_small_faults_are_mended(title: str, read: str) -> None:
    body = f"<rss version='2.0'><channel><item><title>{title}</title></item></channel></rss>"
    document = read_document(body.encode())
    assert isinstance(document, Document)
    assert document.whole
    assert entry_titles(document) == [read]


@pytest.mark.parametrize("cut", [1, 5, 20, 60, 90])
def test_a_feed_that_broke_off_keeps_its_whole_entries(cut: int) -> None:
    document = read_document(feed(5).encode()[:-cut])
    assert isinstance(document, Document)
    assert not document.whole
    found = entry_titles(document)
    assert found == [f"Lamp {n}" for n in range(len(found))]
    assert len(found) >= 3


def test_rdf_and_atom_that_broke_off() -> None:
    atom = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>a</title></entry><entry><ti"
    rdf = (
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
        "<channel><title>c</title></channel><item><title>a</title></item><item><tit"
    )
    assert titles(atom) == ["a"]
    assert titles(rdf) == ["a"]


def test_a_small_feed_of_tag_soup_is_still_read() -> None:
    soup = feed(
        2, tail="<item><title>Lamp 2<b></title><link>https://x.org/2</link></item></channel></rss>"
    )
    document = read_document(soup.encode())
    assert isinstance(document, Document)
    assert not document.whole
    assert len(titles(soup)) >= 2


def test_a_feed_that_trips_the_feed_reader_is_a_fault() -> None:
    """A no-break space in a namespace: feedparser raises ValueError instead of "bozo"."""
    body = "<rss xmlns:f='of\u00a0fog'><channel><f:x/><item><title>x</title></item></channel></rss>"
    document = read_document(body.encode())
    assert isinstance(document, Document)
    assert "no feed reader follows" in str(read_entries(document))


def test_entries_beyond_all_reason_are_cut() -> None:
    document = read_document(feed(MOST_ENTRIES + 5).encode())
    assert isinstance(document, Document)
    assert not document.whole
    assert document.text.count("<item>") == MOST_ENTRIES


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, "NaN x", '"\\ud800'])
def test_json_that_is_none(text: str) -> None:
    assert read_json(text) is None


def test_a_file_name_is_never_opened() -> None:
    """feedparser opens strings that look like paths; it must never get one."""
    assert isinstance(read_document(b"/etc/passwd"), str)
    assert isinstance(read_document(b"http://x.org/feed"), str)
