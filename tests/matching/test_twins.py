"""Titles that are nearly the same."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.matching.twins import ALIKE, find_twins
from tests import builders

PAIRS = [
    pytest.param("Lanterns in fog", "Lanterns in Fog", True, id="case"),
    pytest.param("A lantern in the fog", "Lanterns in fog", True, id="function words and plurals"),
    pytest.param(
        "Deep lanterns for foggy harbours at night",
        "Deep lanterns for foggy harbour nights",
        True,
        id="one word moved",
    ),
    pytest.param("Lanterns in fog", "Lanterns in rain", False, id="another word"),
    pytest.param("Lantern GPT-3 in a fog bank", "Lantern GPT-4 in a fog bank", False, id="numbers"),
    pytest.param("Lanterns", "Harbours", False, id="nothing in common"),
    pytest.param("…", "—", False, id="no words"),
]


@pytest.mark.parametrize(("one", "other", "expected"), PAIRS)
def test_twins(one: str, other: str, expected: bool) -> None:
    papers = [builders.paper(1, title=one), builders.paper(2, title=other)]
    assert find_twins(papers) == ({1: 1, 2: 1} if expected else {})


def test_the_first_stands_for_all() -> None:
    titles = ["Lanterns in fog", "Tides", "lantern in a fog", "Fog in lanterns"]
    papers = [builders.paper(number, title=title) for number, title in enumerate(titles, 1)]
    assert find_twins(papers) == {1: 1, 3: 1, 4: 1}


@given(st.lists(st.sets(st.sampled_from("abcdefghijklm"), max_size=13), max_size=9))
@example([set("abcde"), set("abcdf"), set("abcd"), set("bcdefghijk"), set("abcdefghij")])
def test_twins_are_those_of_all_pairs(titles: list[set[str]]) -> None:
    papers = [
        builders.paper(number, title=" ".join(f"tide{one}" for one in sorted(title)))
        for number, title in enumerate(titles, 1)
    ]
    heads: dict[int, int] = {}
    for (one, a), (other, b) in combinations(enumerate(titles, 1), 2):
        if a and b and len(a & b) >= ALIKE * len(a | b):
            heads[one] = heads[other] = heads.get(one, one)
    assert find_twins(papers) == heads


def test_a_word_that_is_in_too_many_titles_tells_no_twins() -> None:
    papers = [builders.paper(number, title="Tides") for number in range(1, 52)]
    assert len(find_twins(papers[:50])) == 50
    assert find_twins(papers) == {}
    both = [builders.paper(60 + at, title="Tides of fog and salt at sea") for at in range(2)]
    assert find_twins([*papers, *both]) == {60: 60, 61: 60}
