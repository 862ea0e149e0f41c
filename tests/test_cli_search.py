"""`digest search` as a person meets it."""

from __future__ import annotations

import pytest

from tests.test_cli import Digest, Said, digest, initialised, ready

__all__ = ["digest", "initialised", "ready"]  # fixtures


@pytest.fixture
def filled(ready: Digest) -> Digest:
    assert ready("run", "--now", "2026-11-20T12:00:00Z").code == 0
    return ready


def test_papers_are_found_and_said_why(filled: Digest) -> None:
    said = filled("search", "lantern light in fog")
    assert said.code == 0
    first, about, why, *_ = said.out.splitlines()
    assert first == "  1. Lanterns in sea fog"
    assert "Ada Mirza" in about
    assert "2026-11-20" in about
    assert "lantern" in why


def test_json_says_where_the_words_stand(filled: Digest) -> None:
    said = filled("search", 'title:"sea fog"', "--json")
    (found,) = said.json["found"]
    assert said.json["total"] == 1
    (hit,) = found["hits"]
    assert found["title"][hit["start"] : hit["end"]] == "sea fog"


def test_nothing_found_is_no_fault(filled: Digest) -> None:
    assert filled("search", "title:zeppelin") == Said(0, "0 papers\n", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--since", "2026-11-21"], 0, id="since"),
        pytest.param(["--until", "2026-11-20"], 1, id="until"),
        pytest.param(["--source", "Lamps"], 1, id="source"),
        pytest.param(["--source", "Elsewhere"], 0, id="other-source"),
        pytest.param(["--category", "cs"], 0, id="category"),
        pytest.param(["--sort", "votes"], 1, id="sort"),
    ],
)
def test_it_can_be_narrowed_and_sorted(filled: Digest, arguments: list[str], told: int) -> None:
    assert filled("search", "title:lanterns", "--json", *arguments).json["total"] == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["title:fog AND"], "AND is followed by nothing", id="query"),
        pytest.param(["fog", "--since", "yesterday"], "is no date", id="date"),
        pytest.param(["fog", "--sort", "magic"], "relevance, date, votes", id="order"),
    ],
)
def test_wrong_usage_is_told(filled: Digest, arguments: list[str], told: str) -> None:
    said = filled("search", *arguments)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
