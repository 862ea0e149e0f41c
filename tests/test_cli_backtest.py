"""`digest backtest` as a person meets it."""

from __future__ import annotations

import pytest

from tests.test_cli import ADA, NOW, Digest, digest, initialised, ready

__all__ = ["digest", "initialised", "ready"]  # fixtures


@pytest.fixture
def filled(ready: Digest) -> Digest:
    assert ready("subscribers", "add", ADA, "--query", "lantern OR rope").code == 0
    assert ready("run", "--now", NOW).code == 0
    return ready


def test_a_stored_interest_is_tried(filled: Digest) -> None:
    (interest,) = filled("interests", "list", ADA, "--json").json
    said = filled("backtest", ADA, interest["name"], "--days", "3", "--now", NOW)
    assert said.code == 0
    assert "Fri 20 Nov  ██ 2" in said.out
    assert "2 papers would have been sent" in said.out
    assert "Lanterns in sea fog" in said.out


def test_an_interest_given_on_the_command_line_is_tried(filled: Digest) -> None:
    said = filled("backtest", "--query", "lantern", "--json", "--days", "2", "--now", NOW)
    assert said.json["sent"] == 1
    assert [day["announced"] for day in said.json["days"]] == [0, 2]
    assert said.json["days"][1]["sent"][0]["title"] == "Lanterns in sea fog"
    assert said.json["threshold"] is None


def test_statements_and_examples_show_what_lies_around_the_threshold(filled: Digest) -> None:
    given = ("--statement", "light in fog", "--example", "https://lamps.example.org/2")
    said = filled("backtest", *given, "--json", "--now", NOW)
    assert said.code == 0
    assert said.json["threshold"] > 0
    assert [one["papers_a_day"] for one in said.json["volumes"]] == [1, 2, 5, 10, 20]
    people = filled("backtest", *given, "--now", NOW, "--no-titles")
    assert "Near is what stands in the top" in people.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "Which interest?", id="nothing"),
        pytest.param([ADA], "Which interest?", id="half"),
        pytest.param([ADA, "Zeppelins"], "There are:", id="unknown-interest"),
        pytest.param(["bo@example.org", "x"], "Nobody is subscribed", id="unknown-subscriber"),
        pytest.param(["--query", "fog AND"], "AND is followed by nothing", id="query"),
        pytest.param(["--query", "fog", "--now", "soon"], "is no time", id="now"),
    ],
)
def test_wrong_usage_is_told(filled: Digest, arguments: list[str], told: str) -> None:
    said = filled("backtest", *arguments)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
