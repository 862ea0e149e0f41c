from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import UTC, timedelta
from itertools import count

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
    Variant,
    Verdict,
)
from digest.store.documents import Line, Pages, Written, dump_json, named
from digest.store.packing import unpack
from digest.store.reading import Reading, Stored
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


class Shelves:
    """Documents and lines as a database would keep them."""

    def __init__(self) -> None:
        self.written, self.reading = Written(), Reading()
        self.numbers = count(1)
        self.lines: dict[int, Line] = {}

    def write(self, *digests: Digest) -> list[Stored]:
        pages = write(self.written, *digests, numbers=self.numbers)
        self.lines |= {line.number: line for line in pages.lines}
        both = zip(digests, pages.documents, strict=True)
        return [stored(digest, text) for digest, text in both]

    def read(self, *some: Stored, reading: Reading | None = None) -> list[Digest]:
        return (reading or self.reading).digests(some, self.fetch)

    def fetch(self, numbers: Collection[int]) -> dict[int, str]:
        return {number: self.lines[number].text for number in numbers}


def write(written: Written, *digests: Digest, numbers: Iterator[int]) -> Pages:
    return written.pages(digests, [FIRST] * len(digests), numbers)


class First(dict[PaperId, int]):
    def __missing__(self, paper: PaperId) -> int:
        return 1


FIRST = First()  #: every paper's version


def stored(digest: Digest, text: str) -> Stored:
    return Stored(text, digest.id, digest.subscriber_id, digest.local_date, digest.composed_at)


def first_form(digest: Digest) -> str:
    """A digest as version 1 stored it: every line in every document."""

    def item(one: Item) -> str:
        also = {"also": list(one.also)} if one.also else {}
        rev = {"rev": True} if one.revision else {}
        digest = builders.digest(sections=(section_of(one),))
        (text,) = write(Written(), digest, numbers=iter(())).documents
        ((_, _, ((line, *_),)),) = json.loads(text)["sections"]
        return dump_json({"p": line.pop("p"), "s": line.pop("s")} | also | rev | line)

    def section_of(one: Item) -> Section:
        return builders.section(one._replace(also=(), revision=True))

    bare = digest._replace(sections=())
    head = json.loads(write(Written(), bare, numbers=iter(())).documents[0])
    sections = [
        f"[{dump_json(number)},{dump_json(name)},[\n{NEXT_OF_FIRST.join(map(item, items))}\n]]"
        for number, name, items in digest.sections
    ]
    begin = dump_json(head | {"v": 1}).removesuffix("]}")
    return f"{begin}{','.join(sections)}]}}"


NEXT_OF_FIRST = "\n,\n"


@given(st.lists(digests, max_size=4))
def test_a_digest_comes_back_as_it_went(some: list[Digest]) -> None:
    shelves = Shelves()
    for _ in range(3):  # alone; when a second comes, with numbers; and out of what is kept
        rows = shelves.write(*some)
        assert shelves.read(*rows) == some
        assert shelves.read(*rows, reading=Reading()) == some


@given(st.lists(digests, max_size=4))
def test_a_document_of_the_first_form_is_read_as_well(some: list[Digest]) -> None:
    rows = [stored(digest, first_form(digest)) for digest in some]
    assert Shelves().read(*rows) == some


@given(reasons, st.lists(items, min_size=1, max_size=6))
def test_what_is_kept_of_a_match_is_written_for_nothing_else(
    shared: Reasons, some: list[Item]
) -> None:
    """The same reasons for other papers, other scores and other readers, in any order."""
    alike = tuple(item._replace(reasons=shared) for item in some)
    listed = alike + tuple(item._replace(also=(), revision=False) for item in alike) + alike
    digest = builders.digest(sections=(builders.section(*listed),))
    shelves = Shelves()
    for _ in range(2):
        assert shelves.read(*shelves.write(digest)) == [digest]


@given(st.lists(st.lists(items, min_size=1, max_size=4).map(tuple), max_size=3), st.data())
def test_lists_that_many_readers_have_are_told_apart(
    lists: list[tuple[Item, ...]], data: st.DataObject
) -> None:
    """As they are, or but for what stands aside of some items, or cut short; in any order."""
    shelves = Shelves()
    for _ in range(data.draw(st.integers(2, 8))):
        chosen = data.draw(st.lists(st.sampled_from(lists), max_size=3)) if lists else []
        sections = [builders.section()._replace(items=like(one, data)) for one in chosen]
        digest = builders.digest(sections=tuple(sections))
        assert shelves.read(*shelves.write(digest)) == [digest]


@given(st.lists(st.lists(items, min_size=1, max_size=4).map(tuple), max_size=3), st.data())
def test_a_digest_s_papers_are_packed_with_the_versions_it_told(
    lists: list[tuple[Item, ...]], data: st.DataObject
) -> None:
    """Of one window's versions as of another's, whose lists are the same; each paper new once."""
    written, told = Written(), list[PaperId]()
    papers = {item.paper_id for items in lists for item in items}
    many = data.draw(st.sampled_from([1, 2, 10]))  # all of which are kept, or not
    windows = [{paper: data.draw(st.integers(0, 3)) for paper in papers} for _ in range(many)]
    for _ in range(data.draw(st.integers(2, 16))):
        chosen = data.draw(st.lists(st.sampled_from(lists), max_size=3)) if lists else []
        sections = [builders.section()._replace(items=like(one, data)) for one in chosen]
        digest = builders.digest(sections=tuple(sections))
        versions = data.draw(st.sampled_from(windows))
        pages = written.pages([digest], [versions], count(1))
        assert list(unpack(pages.packed[0])) == [(one, versions[one]) for one in digest.paper_ids]
        told += pages.papers
        assert set(digest.paper_ids) <= set(told)
    assert len(told) == len(set(told))


def test_a_list_that_is_kept_is_packed_for_each_window() -> None:
    """As it is and but for what stands aside; also where there are more windows than are kept."""
    written, numbers = Written(), count(1)
    listed = builders.item(3), builders.item(4)
    varied = Variant.of(listed, (listed[0]._replace(also=("Fog",)), listed[1]), apart=[0])
    windows = [{PaperId(3): version, PaperId(4): 1} for version in range(12)]
    for versions in (*windows[:1] * 4, *windows[:2] * 2, *windows * 2):
        for items in (listed, varied):
            digest = builders.digest(sections=(builders.section()._replace(items=items),))
            pages = written.pages([digest], [versions], numbers)
            assert dict(unpack(pages.packed[0])) == versions
            assert ("Fog" in pages.documents[0]) == (items is varied)


def like(listed: tuple[Item, ...], data: st.DataObject) -> tuple[Item, ...]:
    match data.draw(st.sampled_from(["same", "variant", "short"])):
        case "variant":
            at = data.draw(st.integers(0, len(listed) - 1))
            also = data.draw(st.lists(texts, max_size=2).map(tuple))
            told = listed[at]._replace(also=also)
            return Variant.of(listed, (*listed[:at], told, *listed[at + 1 :]), apart=[at])
        case "short":
            return listed[:-1]
        case _:
            return listed


@given(digests)
def test_a_document_written_in_one_line_is_read_as_well(digest: Digest) -> None:
    shelves = Shelves()
    rows = [
        row._replace(text=dump_json(json.loads(row.text)))
        for row in (*shelves.write(digest), *shelves.write(digest))
    ]
    assert shelves.read(*rows) == [digest, digest]


def test_equal_items_of_different_subscribers_are_one_value() -> None:
    shelves = Shelves()
    shared = builders.item(3, reasons=Reasons(percentile=0.01))
    some = [
        builders.digest(number, sections=(builders.section(shared, name=f"My {number}"),))
        for number in (1, 2, 3)
    ]
    read = shelves.read(*shelves.write(*some))
    assert len({id(digest.sections[0].items[0]) for digest in read}) == 1


def test_what_two_digests_say_is_stored_once_and_what_one_says_is_its_own() -> None:
    """And nothing of whom it is for is in what is stored for all."""
    shelves = Shelves()
    shared, own = Reasons(percentile=0.01), Reasons(resembles="Rain at sea")
    for number, name in enumerate(("Ada's", "Grace's", "Jean's"), 1):
        item = builders.item(3, reasons=shared, also=(f"{name} tides",), revision=True)
        section = builders.section(item, name=name)
        if number == 1:
            section = builders.section(item, builders.item(4, reasons=own), name=name)
        shelves.write(builders.digest(number, sections=(section,)))
    (line,) = shelves.lines.values()
    assert json.loads(line.text) == {"p": 3, "s": builders.item(3).score, "top": 0.01}


def test_digests_of_another_instant_name_other_lines() -> None:
    """A line is kept as long as a digest of its instant: it must be named by no other."""
    shelves = Shelves()
    item = builders.item(3, reasons=Reasons(percentile=0.01))
    digest = builders.digest(sections=(builders.section(item),))
    later = digest._replace(composed_at=digest.composed_at + timedelta(seconds=1))
    for one in (digest, digest, later, later, later):
        shelves.write(one)
    assert [line.at for line in shelves.lines.values()] == [digest.composed_at, later.composed_at]


def test_the_lines_that_a_document_names_can_be_told() -> None:
    shelves = Shelves()
    item = builders.item(3, reasons=Reasons(percentile=0.01))
    others = builders.item(3, reasons=item.reasons, also=("Tides",))
    alone = builders.item(9, reasons=Reasons(votes=2))
    digest = builders.digest(sections=(builders.section(item), builders.section(others, alone)))
    shelves.write(builders.digest(sections=(builders.section(item),)))
    (row,) = shelves.write(digest)
    assert named(json.loads(row.text)) == [1, 1]
    assert named(json.loads(first_form(digest))) == []


def test_a_full_digest_stays_small() -> None:
    many = tuple(Hit(Field.ABSTRACT, n, n + 7, "lantern*") for n in range(5))
    chosen = [builders.item(n, reasons=Reasons(hits=many, percentile=0.01)) for n in range(15)]
    digest = builders.digest(sections=(builders.section(*chosen),))
    alone, shared = Shelves().write(digest, digest)
    assert len(alone.text) < 4_000
    assert len(shared.text) < 300


def test_a_document_of_a_later_form_is_refused() -> None:
    digest = builders.digest()
    (row,) = Shelves().write(digest)
    with pytest.raises(SchemaError, match=r"form 99, this program knows 2"):
        Shelves().read(row._replace(text=row.text.replace('{"v":2', '{"v":99')))


def test_a_line_that_is_not_there_is_a_fault_of_the_database() -> None:
    shelves = Shelves()
    digest = builders.digest()
    _, row = shelves.write(digest, digest)
    with pytest.raises(SchemaError, match=r"names line 1, which is not stored"):
        Reading().digests([row], lambda numbers: {})


def test_reasons_are_one_value_whoever_else_asked_for_the_paper() -> None:
    shelves = Shelves()
    told = Reasons(resembles='a title, "also":["x"] and no list')
    alone = builders.digest(
        sections=(builders.section(builders.item(3, reasons=told, revision=True)),)
    )
    (first,) = shelves.read(*shelves.write(alone))
    (expected,) = first.sections[0].items
    for names in ((), ("Tides",), ('My "fog"', "]", "a,b")):
        item = builders.item(3, reasons=told, also=names, revision=True)
        digest = builders.digest(sections=(builders.section(item, name="x"),))
        (read,) = shelves.read(*shelves.write(digest))
        assert read == digest
        assert read.sections[0].items[0].reasons is expected.reasons
