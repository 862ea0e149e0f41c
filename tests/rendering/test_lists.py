"""Letters whose readers share lists: what is kept of a list for one is never another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from digest.model import (
    Cadence,
    DigestId,
    InterestId,
    Item,
    Reasons,
    Section,
    SubscriberId,
    Variant,
)
from digest.rendering.environment import Templates, shipped_folder
from digest.rendering.message import Letter, compose_mail
from digest.rendering.strips import STRIPS_KEPT
from digest.rendering.trial import difference
from digest.rendering.wire import Joiner
from tests.rendering import samples

Items = tuple[Item, ...]


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


@pytest.fixture
def joiner(templates: Templates) -> Joiner:
    return Joiner(samples.SITE, templates)


def listed(*votes: int) -> Items:
    """A list of papers, each with reasons of its own."""
    return tuple(
        Item(number, 1.0, Reasons(votes=many))
        for number, many in zip(samples.PAPERS, votes, strict=False)
    )


def told(like: Items, *places: int, also: str = "Fog & rain") -> Variant:
    """The list with other interests named at some places."""
    return Variant.of(
        like,
        [one._replace(also=(also,)) if n in places else one for n, one in enumerate(like)],
        apart=places,
    )


def letter(*lists: Items, reader: int = 1) -> Letter:
    """One reader's letter with a section for each list."""
    sections = tuple(
        Section(InterestId(n), f"Interest {n} of {reader}", items) for n, items in enumerate(lists)
    )
    bare = samples.letter(samples.DIGEST._replace(sections=sections))
    return bare._replace(tokens=samples.TOKENS.for_mail(SubscriberId(reader), DigestId(reader)))


def assert_plain(
    joiner: Joiner, templates: Templates, *letters: Letter, budget: int = 100_000
) -> None:
    """Each is joined as it is composed the plain way."""
    assert joiner.plain_because == ""
    for one in letters:
        plain = compose_mail(one, samples.SITE, templates=templates, budget=budget)
        assert difference(plain.payload, joiner.join(one).payload) == ""


def test_a_list_is_the_same_for_every_reader(joiner: Joiner, templates: Templates) -> None:
    one, other = listed(3, 4, 5), listed(6, 7)
    for reader in (1, 2, 3):
        assert_plain(joiner, templates, letter(one, other, reader=reader))
    assert_plain(joiner, templates, letter(other, one, one[:2], reader=4))


def test_lists_of_one_reader_stand_among_those_of_many(
    joiner: Joiner, templates: Templates
) -> None:
    many, other = listed(3, 4, 5), listed(6, 7, 8, 9)
    assert_plain(joiner, templates, *[letter(many, other)] * 2)
    for reader in range(3):
        one, two = listed(reader), listed(reader, 40, 41)
        mine = letter(one, many, told(two, 0), told(other, 1, 3), two[:2], reader=reader)
        assert_plain(joiner, templates, mine, letter(two, other, told(many, 2)), letter(one))


def test_other_interests_are_one_readers_own(joiner: Joiner, templates: Templates) -> None:
    like = listed(3, 4, 5, 6, 7)
    assert_plain(
        joiner,
        templates,
        letter(told(like, 0)),  # before anybody had the bare list
        letter(like),
        letter(told(like, 0, 4), like),
        letter(like, told(like, 1, 2, 3, also="Salt")),
        letter(told(like), told(like, 2, also="Gates"), told(like, 2, also="Locks")),
        letter(like, like),
    )


def test_a_list_of_many_may_name_other_interests(joiner: Joiner, templates: Templates) -> None:
    like = tuple(told(listed(3, 4, 5), 0, 2))
    again = [one._replace(reasons=Reasons(votes=one.reasons.votes)) for one in like]
    every = range(len(like))
    other = letter(Variant.of(like, again, apart=every))
    some = [letter(told(like, 0, 1, also="Salt")), letter(like), other]
    bare = letter(Variant.of(like, [one._replace(also=()) for one in like], apart=every))
    assert_plain(joiner, templates, *some, bare, *some, bare, letter(like))


def test_a_list_is_set_with_its_papers_as_they_are(joiner: Joiner, templates: Templates) -> None:
    one = letter(listed(3, 4, 5))
    assert_plain(joiner, templates, one, one, one)
    changed = replace(samples.TIDES, title="Another title", votes=85)
    assert_plain(joiner, templates, one._replace(papers={**samples.PAPERS, changed.id: changed}))
    gone = {id_: paper for id_, paper in samples.PAPERS.items() if id_ != samples.TIDES.id}
    assert_plain(joiner, templates, one._replace(papers=gone), one)
    again = {id_: replace(paper) for id_, paper in samples.PAPERS.items()}
    assert_plain(joiner, templates, one._replace(papers=again), one._replace(papers={}), one)


def test_papers_of_one_reading_are_looked_at_once(joiner: Joiner, templates: Templates) -> None:
    first, second = object(), object()
    changed = replace(samples.TIDES, title="Another title", votes=85)
    one = letter(listed(3, 4, 5))._replace(reading=first)
    other = one._replace(papers={**samples.PAPERS, changed.id: changed}, reading=second)
    for _ in range(2):
        assert_plain(joiner, templates, one, one, one, other, other, other)
    assert_plain(joiner, templates, other._replace(reading=None), one._replace(reading=None))


@pytest.mark.parametrize("style", ["full", "compact", "titles"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_list_is_set_in_each_style_and_language(
    joiner: Joiner, templates: Templates, style: str, language: str
) -> None:
    like = listed(3, 4, 5)
    for _ in range(2):
        for one in (letter(like), letter(told(like, 1))):
            reader = one.subscriber._replace(style=style, language=language)
            assert_plain(joiner, templates, one, one._replace(subscriber=reader))


def test_a_new_version_may_be_in_a_list_of_many(joiner: Joiner, templates: Templates) -> None:
    new, *others = listed(3, 4, 5)
    like = (new._replace(revision=True), *others)
    assert_plain(joiner, templates, *[letter(like), letter(told(like, 0)), letter((new,))] * 3)


def test_a_list_may_be_cut(templates: Templates) -> None:
    like = listed(3, 4, 5, 6, 7)
    for budget in range(14_000, 32_000, 3_000):
        joiner = Joiner(samples.SITE, templates, budget=budget)
        some = letter(like), letter(like[:2], told(like, 1, 4)), letter(like, like)
        assert_plain(joiner, templates, *some, *some, budget=budget)


def test_a_list_that_is_gone_leaves_nothing_for_the_next(
    joiner: Joiner, templates: Templates
) -> None:
    for votes in range(40):  # each where one before was, as like as not
        assert_plain(joiner, templates, letter(listed(votes, votes + 1)))


def test_a_section_whose_papers_are_gone_moves_no_other(
    joiner: Joiner, templates: Templates
) -> None:
    first, *others = listed(3, 4, 5, 6)
    left = {id_: paper for id_, paper in samples.PAPERS.items() if id_ != first.paper_id}
    one, two, gone = tuple(others[:2]), tuple(others[2:]), (first,)
    for lists in ((one, gone, told(two, 0)), (gone, told(one, 1), two), (told(gone, 0), gone)):
        for _ in range(3):
            assert_plain(joiner, templates, letter(*lists)._replace(papers=left), letter(*lists))


def test_an_interest_may_be_called_as_a_span_of_time_is(
    joiner: Joiner, templates: Templates
) -> None:
    like, bare = listed(3, 4), letter()
    trending = Section(None, Cadence.DAILY.value, like)
    named = Section(InterestId(1), Cadence.DAILY.value, like)
    for cadence in (Cadence.DAILY, Cadence.WEEKLY):
        schedule = replace(bare.subscriber.schedule, cadence=cadence)
        reader = bare.subscriber._replace(schedule=schedule)
        for sections in ((trending,), (named,), (trending, named), (named, trending)):
            digest = bare.digest._replace(sections=sections)
            assert_plain(joiner, templates, bare._replace(digest=digest, subscriber=reader))


def test_no_more_lists_are_kept_than_there_is_room_for(joiner: Joiner) -> None:
    for votes in range(0, 2 * STRIPS_KEPT + 500):
        one = letter(listed(votes))
        for _ in range(2):  # what a single reader has is not kept
            joiner.set(one)
    kept = joiner._press("en").strips("full").kept
    assert STRIPS_KEPT < kept <= 2 * STRIPS_KEPT


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("digest.txt.j2", lambda text: text.replace("in sections", "in sections|reverse")),
        ("digest.mjml.j2", lambda text: text.replace("in sections", "in sections|reverse")),
        (
            "digest.txt.j2",
            lambda text: text.replace(
                "{{ card }}", "{{ card }}{{ '' if loop.last else '~' * n }}"
            ).replace("{% for card", "{% set n = loop.index %}{% for card"),
        ),
        (
            "card.html.j2",
            lambda text: (
                text
                + "{% if card.chips|length > 3 %}"
                + "{{ card.feedback[0].url|safe_url if card.feedback }}{% endif %}"
            ),
        ),
        ("card.html.j2", lambda text: "<p>{{ card.paper_id }}</p>\n"),
        ("card.txt.j2", lambda text: text.replace("{{ number }}", "")),
    ],
    ids=["reversed", "reversed-html", "other-gaps", "uneven", "bare", "unnumbered"],
)
def test_an_operators_template_may_do_as_it_likes(
    tmp_path: Path, file: str, change: Callable[[str], str]
) -> None:
    shipped = (shipped_folder() / "email" / file).read_text()
    assert change(shipped) != shipped
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / file).write_text(change(shipped))
    templates = Templates(tmp_path)
    joiner = Joiner(samples.SITE, templates)
    like, other = listed(3, 4, 5, 6, 7), listed(1, 2)
    assert_plain(
        joiner, templates, *[letter(like, other), letter(told(other, 0), told(like, 0, 1, 2))] * 3
    )
