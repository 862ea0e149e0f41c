from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SchemaError
from digest.model import (
    Digest,
    Field,
    Hit,
    InterestId,
    Item,
    PaperId,
    Reasons,
    Section,
    SourceNote,
    Verdict,
)
from digest.store.documents import Reading, Written, dump_json, from_document
from tests import builders

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(0, 2**53)
floats = st.floats(allow_nan=False, allow_infinity=False)
instants = st.datetimes(timezones=st.just(UTC))
hits = st.builds(Hit, st.sampled_from(Field), numbers, numbers, texts, numbers)
reasons = st.builds(
    Reasons,
    hits=st.lists(hits, max_size=3).map(tuple),
    percentile=st.none() | floats,
    resembles=st.none() | texts,
    followed=st.lists(texts, max_size=2).map(tuple),
    votes=st.none() | numbers,
)
items = st.builds(
    Item,
    paper_id=numbers.map(PaperId),
    score=floats,
    reasons=reasons,
    also=st.lists(texts, max_size=2).map(tuple),
    revision=st.booleans(),
)
sections = st.builds(
    Section, st.none() | numbers.map(InterestId), texts, st.lists(items, max_size=4).map(tuple)
)
digests = st.builds(
    builders.digest,
    since=instants,
    until=instants,
    sections=st.lists(sections, max_size=3).map(tuple),
    considered=numbers,
    left_out=numbers,
    notes=st.lists(st.builds(SourceNote, texts, st.sampled_from(Verdict)), max_size=3).map(tuple),
)


def columns(digest: Digest) -> dict[str, Any]:
    return {
        "id": digest.id,
        "subscriber_id": digest.subscriber_id,
        "local_date": digest.local_date,
        "composed_at": digest.composed_at,
    }


@given(st.lists(digests, max_size=4))
def test_a_digest_comes_back_as_it_went(some: list[Digest]) -> None:
    written, reading = Written(), Reading()
    for digest in (*some, *some):  # the second time out of what is kept
        text = written.text(digest)
        assert reading.digest(text, **columns(digest)) == digest
        assert from_document(json.loads(text), **columns(digest)) == digest


@given(reasons, st.lists(items, min_size=1, max_size=6))
def test_what_is_kept_of_a_match_is_written_for_nothing_else(
    shared: Reasons, some: list[Item]
) -> None:
    """The same reasons for other papers, other scores and other readers, in any order."""
    alike = tuple(item._replace(reasons=shared) for item in some)
    listed = alike + tuple(item._replace(also=(), revision=False) for item in alike) + alike
    digest = builders.digest(sections=(builders.section(*listed),))
    written = Written()
    for _ in range(2):
        document = json.loads(written.text(digest))
        assert from_document(document, **columns(digest)) == digest


@given(digests)
def test_a_document_written_in_one_line_is_read_as_well(digest: Digest) -> None:
    text = dump_json(json.loads(Written().text(digest)))
    assert Reading().digest(text, **columns(digest)) == digest


def test_equal_items_of_different_subscribers_are_one_value() -> None:
    reading, written = Reading(), Written()
    shared = builders.item(3, reasons=Reasons(percentile=0.01))
    texts = [
        written.text(
            builders.digest(number, sections=(builders.section(shared, name=f"My {number}"),))
        )
        for number in (1, 2)
    ]
    one, two = (reading.digest(text, **columns(builders.digest())) for text in texts)
    assert one.sections[0].items[0] is two.sections[0].items[0]


def test_a_full_digest_stays_small() -> None:
    many = tuple(Hit(Field.ABSTRACT, n, n + 7, "lantern*") for n in range(5))
    chosen = [builders.item(n, reasons=Reasons(hits=many, percentile=0.01)) for n in range(15)]
    stored = Written().text(builders.digest(sections=(builders.section(*chosen),)))
    assert len(stored) < 4_000


def test_a_document_of_a_later_form_is_refused() -> None:
    digest = builders.digest()
    text = Written().text(digest).replace('{"v":1', '{"v":99')
    with pytest.raises(SchemaError, match=r"form 99, this program knows 1"):
        Reading().digest(text, **columns(digest))


def test_reasons_are_one_value_whoever_else_asked_for_the_paper() -> None:
    reading, written = Reading(), Written()
    told = Reasons(resembles='a title, "also":["x"] and no list')
    alone = builders.digest(
        sections=(builders.section(builders.item(3, reasons=told, revision=True)),)
    )
    (first,) = reading.digest(written.text(alone), **columns(alone)).sections[0].items
    for names in ((), ("Tides",), ('My "fog"', "]", "a,b")):
        item = builders.item(3, reasons=told, also=names, revision=True)
        digest = builders.digest(sections=(builders.section(item, name="x"),))
        read = reading.digest(written.text(digest), **columns(digest))
        assert read.sections[0].items == (item,)
        assert reading.digest(written.text(digest), **columns(digest)) == digest
        assert read.sections[0].items[0].reasons is first.reasons
