"""Any bytes into any parser: no exception, an answer soon, and only clean text in it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.sources.arxiv_entries import Policy, parse_arxiv
from digest.sources.biorxiv import parse_preprints
from digest.sources.feed import parse_feed
from digest.sources.huggingface import parse_daily_papers
from digest.sources.kinds import KINDS
from digest.sources.pubmed import parse_pubmed
from digest.sources.reading import Reading
from tests.sources.documents import (
    ATOM,
    BIORXIV_RDF,
    JOURNAL_RSS,
    PUBMED_RSS,
    arxiv_api,
    arxiv_api_entry,
    arxiv_item,
    arxiv_rss,
    daily_paper,
    daily_papers,
    json_feed,
    preprint,
    preprints,
)

Parse = Callable[[bytes], Reading]

PARSERS: dict[str, Parse] = {
    "arxiv": lambda body: parse_arxiv(body, source="x", policy=Policy(replacements=True)),
    "biorxiv": lambda body: parse_preprints(body, source="x"),
    "feed": lambda body: parse_feed(body, source="x"),
    "huggingface": lambda body: parse_daily_papers(body, source="x"),
    "pubmed": lambda body: parse_pubmed(body, source="x"),
}
SEEDS = [
    arxiv_rss(arxiv_item(), arxiv_item("2511.00002", how="replace")),
    arxiv_api(arxiv_api_entry("2511.00003")),
    daily_papers(daily_paper(), daily_paper("2511.00002")),
    preprints(preprint(), total=1),
    json_feed({"id": "https://x.org/1", "title": "T", "authors": [{"name": "A"}]}),
    BIORXIV_RDF,
    PUBMED_RSS,
    JOURNAL_RSS,
    ATOM,
]
WORDS = rb"""< > & ]]> <![CDATA[ <!-- <? </item> <item> " ' { } [ ] : , null \ud800 \u0000 \ $
&#0; &nbsp; <!DOCTYPE <script> 99999999999999999999 1e999 -1 true xmlns:a='b' <a:b> Error NaN"""
BYTES = [b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n\n", b"\xc3", b"<!DOCTYPE a ["]
PIECES = [*WORDS.split(), *BYTES]
_UNCLEAN = re.compile("[\x00-\x09\x0b-\x1f\ufeff\u200b\ud800-\udfff]")


def check(reading: Reading) -> None:
    for one in reading.listings:
        texts = [one.title, one.abstract, one.note, *one.authors, *one.categories]
        assert one.title
        assert one.ids.keys()
        assert not any(_UNCLEAN.search(text) for text in texts)
        links = (one.links.abstract, one.links.pdf, one.links.discussion)
        assert all(link is None or link.startswith(("http://", "https://")) for link in links)
    assert reading.fault is None or reading.listings == ()


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(body=st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_bytes(parse: Parse, body: bytes) -> None:
    check(parse(body))


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(seed=st.sampled_from(SEEDS), chance=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_broken_documents(parse: Parse, seed: bytes, chance: random.Random) -> None:
    """Real shapes with pieces put in, taken out, doubled and cut off."""
    body = bytearray(seed)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0:
                body[at:at] = chance.choice(PIECES)
            case 1:
                del body[at : at + chance.randrange(1, 40)]
            case 2:
                body[at:at] = body[at : at + chance.randrange(1, 200)]
            case _:
                del body[chance.randrange(len(body) // 2, len(body) + 1) :]
    check(parse(bytes(body)))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_way_to_break_off(seed: bytes) -> None:
    for parse in PARSERS.values():
        for cut in range(0, len(seed), max(1, len(seed) // 12)):
            check(parse(seed[:cut]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


KEYS = "paper id title summary abstract authors doi version date category url tags published"
MORE = "content_html numComments submittedBy attachments author"


@given(wire=st.dictionaries(st.sampled_from(f"{KEYS} {MORE}".split()), json_values, max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_types_in_json(wire: dict[str, object]) -> None:
    check(PARSERS["feed"](json_feed(wire)))
    check(PARSERS["huggingface"](daily_papers(wire, {"paper": wire})))
    check(PARSERS["biorxiv"](preprints(wire)))


JSON_FEED = b'{"version":"https://jsonfeed.org/version/1","items":['


@pytest.mark.parametrize(
    ("before", "piece", "times", "after"),
    [
        pytest.param(b"<rss><channel>", b"<item><title>x</title>", 20_000, b"", id="items"),
        pytest.param(b"<rss>", b"<![CDATA[", 100_000, b"", id="cdata"),
        pytest.param(b"<rss><item></item></b>", b"<a b='", 30_000, b"", id="attributes"),
        pytest.param(b"<rss><item></item></b>", b"<!", 15_000, b"", id="declarations"),
        pytest.param(b"<rss><item><title>", b"&lt;script ", 50_000, b"</title></item></rss>"),
        pytest.param(b"<rss><item><author>", b", ", 200_000, b"x</author></item></rss>"),
        pytest.param(b"[", b"{},", 300_000, b"{}]", id="json-objects"),
        pytest.param(JSON_FEED, b"{},", 99_999, b"{}]}", id="json-items"),
        pytest.param(b"", b"[", 1_000_000, b"", id="json-depth"),
        pytest.param(b"[", b"9", 1_000_000, b"]", id="json-number"),
    ],
)
def test_repetition_ends_quickly(before: bytes, piece: bytes, times: int, after: bytes) -> None:
    body = before + piece * times + after
    for parse in PARSERS.values():
        began = time.process_time()
        check(parse(body))
        assert time.process_time() - began < 3


def test_every_kind_is_listed_under_its_own_name() -> None:
    assert {name: kind.kind for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert set(KINDS) == {"arxiv", "biorxiv", "feed", "huggingface", "medrxiv", "pubmed"}
