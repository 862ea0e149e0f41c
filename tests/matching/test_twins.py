"""Titles that are nearly the same."""

from __future__ import annotations

import pytest

from digest.matching.twins import find_twins
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
