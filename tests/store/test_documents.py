from __future__ import annotations

import json
from datetime import UTC, datetime

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
from digest.store.documents import dump_json, from_document, to_document
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


def through_json(digest: Digest) -> Digest:
    stored = json.loads(dump_json(to_document(digest)))
    return from_document(
        stored,
        id=digest.id,
        subscriber_id=digest.subscriber_id,
        local_date=digest.local_date,
        composed_at=digest.composed_at,
    )


@given(digests)
def test_a_digest_comes_back_as_it_went(digest: Digest) -> None:
    assert through_json(digest) == digest


def test_a_full_digest_stays_small() -> None:
    many = tuple(Hit(Field.ABSTRACT, n, n + 7, "lantern*") for n in range(5))
    chosen = [builders.item(n, reasons=Reasons(hits=many, percentile=0.01)) for n in range(15)]
    stored = dump_json(to_document(builders.digest(sections=(builders.section(*chosen),))))
    assert len(stored) < 4_000


def test_a_document_of_a_later_form_is_refused() -> None:
    document = to_document(builders.digest()) | {"v": 99}
    at = datetime(2026, 11, 20, tzinfo=UTC)
    plain = builders.digest()
    with pytest.raises(SchemaError, match=r"form 99, this program knows 1"):
        from_document(
            document,
            id=plain.id,
            subscriber_id=plain.subscriber_id,
            local_date=plain.local_date,
            composed_at=at,
        )
