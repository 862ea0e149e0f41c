"""The policy of matching, by tables: who matches, in which order, what fits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest

from digest.matching.copies import Copies
from digest.matching.ranking import (
    LIKE,
    SURE,
    TRENDING,
    Arrangement,
    Facts,
    Found,
    active,
    arrange,
    fused,
    near,
    threshold,
    tie_order,
    trending,
)
from digest.model import Announcement, Interest, PaperId, Reasons, Sighting, Subscriber, Variant
from tests import builders
from tests.fakes import START


def row(**facts: bool) -> Facts:
    """The facts of one interest and one paper."""
    cells = ("true", "near", "followed", "vetoed")
    rows = ("asked", "compared", "both")
    return Facts(
        **{name: np.array([[facts.get(name, False)]]) for name in cells},
        **{name: np.array([facts.get(name, False)]) for name in rows},
    )


DECISIONS: dict[str, tuple[dict[str, bool], bool]] = {
    "nothing": ({"asked": True, "compared": True}, False),
    "the query alone": ({"asked": True, "compared": True, "true": True}, True),
    "likeness alone": ({"asked": True, "compared": True, "near": True}, True),
    "both wanted, query only": (
        {"asked": True, "compared": True, "true": True, "both": True},
        False,
    ),
    "both wanted, likeness only": (
        {"asked": True, "compared": True, "near": True, "both": True},
        False,
    ),
    "both wanted, both there": (
        {"asked": True, "compared": True, "near": True, "true": True, "both": True},
        True,
    ),
    "both wanted, no statement": ({"asked": True, "true": True, "both": True}, True),
    "both wanted, no query": ({"compared": True, "near": True, "both": True}, True),
    "both wanted of nothing": ({"both": True}, False),
    "a followed author": ({"followed": True}, True),
    "a followed author beside both": (
        {"followed": True, "asked": True, "compared": True, "both": True},
        True,
    ),
    "a veto over the query": ({"asked": True, "true": True, "vetoed": True}, False),
    "a veto over likeness": ({"compared": True, "near": True, "vetoed": True}, False),
    "a veto over a followed author": ({"followed": True, "vetoed": True}, False),
}


@pytest.mark.parametrize(("facts", "expected"), DECISIONS.values(), ids=DECISIONS)
def test_who_matches(facts: dict[str, bool], expected: bool) -> None:
    assert row(**facts).matched().tolist() == [[expected]]


THRESHOLDS = [
    pytest.param(5.0, 250.0, 0.02, id="five of 250"),
    pytest.param(None, 250.0, 0.04, id="the default"),
    pytest.param(50.0, 20.0, 1.0, id="more than there are"),
    pytest.param(0.0, 250.0, 0.0, id="none"),
    pytest.param(-3.0, 250.0, 0.0, id="nonsense"),
    pytest.param(0.5, 0.0, 0.5, id="a silent stream"),
]


@pytest.mark.parametrize(("volume", "papers_a_day", "expected"), THRESHOLDS)
def test_threshold(volume: float | None, papers_a_day: float, expected: float) -> None:
    one = builders.interest(daily_volume=volume)
    assert threshold(one, papers_a_day=papers_a_day, default=10.0) == pytest.approx(expected)


def score(**facts: Any) -> float:
    defaults = {
        "share": 1.0,
        "values": -np.inf,
        "true": False,
        "strength": 0.0,
        "followed": False,
        "votes": 0.0,
        "aversion": 0.0,
    }
    return float(fused(**{name: np.array([v]) for name, v in (defaults | facts).items()})[0])


HIGHER = [
    pytest.param({"share": 0.001}, {"share": 0.01}, id="nearer"),
    pytest.param({"share": 0.0, "values": 9.0}, {"share": 0.0, "values": 8.9}, id="finer"),
    pytest.param({"share": 0.001}, {"share": 0.01, "values": 99.0}, id="finer only"),
    pytest.param({"share": 0.01, "true": True}, {"share": 0.01}, id="words too"),
    pytest.param({"true": True, "strength": 1.0}, {"true": True}, id="more words"),
    pytest.param({"true": True}, {"true": True, "aversion": 0.5}, id="unlike the disliked"),
    pytest.param({"followed": True}, {}, id="a followed author"),
    pytest.param({"votes": 50}, {"votes": 5}, id="voted for"),
    pytest.param({"share": 0.001}, {"share": 0.01, "votes": 500}, id="votes only lift"),
]


@pytest.mark.parametrize(("more", "less"), HIGHER)
def test_fused_score(more: dict[str, Any], less: dict[str, Any]) -> None:
    assert score(**more) > score(**less)


@pytest.mark.parametrize("votes", [-5, 0, 10**9])
@pytest.mark.parametrize("share", [0.0, 1e-30, 1.0, 2.0])
def test_fused_score_stays_in_bounds(share: float, votes: float) -> None:
    top = score(share=share, true=True, strength=1.0, followed=True, votes=votes)
    assert 0 <= top <= 3


def test_ties_go_by_votes_then_newer_then_key() -> None:
    papers = [
        builders.paper(1, key="b", votes=None),
        builders.paper(2, key="a", votes=0),
        builders.paper(3, key="c", votes=0, announced_on=date(2026, 11, 21)),
        builders.paper(4, key="d", votes=7),
    ]
    assert tie_order(papers).tolist() == [3, 2, 1, 0]


def sightings(*sources: str) -> tuple[Sighting, ...]:
    return tuple(Sighting(source, Announcement.NEW, START) for source in sources)


def test_trending_is_votes_then_breadth_then_newer() -> None:
    papers = [
        builders.paper(1, key="z", votes=None, sightings=sightings("a")),
        builders.paper(2, key="y", votes=3, sightings=sightings("a")),
        builders.paper(3, key="x", votes=3, sightings=sightings("a", "b")),
        builders.paper(4, key="w", votes=40, sightings=sightings("a")),
        builders.paper(5, key="v", sightings=sightings("a", "b"), announced_on=date(2026, 11, 1)),
        builders.paper(6, key="u", sightings=sightings("a", "b")),
    ]
    found = trending(papers)
    assert [match.paper_id for match in found] == [4, 3, 2, 6, 5, 1]
    assert [match.reasons.votes for match in found] == [40, 3, 3, None, None, None]
    assert {match.interest_id for match in found} == {None}
    assert found == trending(list(reversed(papers)))


# --- arranging ----------------------------------------------------------------------------------


def found(number: int, **scores: float) -> Found:
    """What interest `number` found: p1=0.9, p2=0.8 …"""
    papers = tuple(PaperId(int(name[1:])) for name in scores)
    reasons = [Reasons(resembles=f"{number}/{paper}") for paper in papers]

    def why(places: Sequence[int]) -> list[Reasons]:
        return [reasons[place] for place in places]

    return Found(papers, tuple(scores.values()), why)


NO_COPIES = Copies.among(map(PaperId, range(60)))


def reader(*interests: Interest, **fields: Any) -> Subscriber:
    return builders.subscriber(interests=interests, **fields)


def listed(arrangement: Arrangement) -> dict[str, list[int]]:
    return {
        section.name: [item.paper_id for item in section.items] for section in arrangement.sections
    }


ONE, TWO = builders.interest(1, name="one"), builders.interest(2, name="two")


def test_a_section_for_each_interest_that_found_something() -> None:
    result = arrange(reader(ONE, TWO), [found(1, p1=0.5), found(2)], copies=NO_COPIES)
    assert listed(result) == {"one": [1]}
    item = result.sections[0].items[0]
    assert (item.score, item.reasons.resembles, item.also) == (0.5, "1/1", ())


def test_a_paper_stands_once_under_its_best_interest() -> None:
    result = arrange(
        reader(ONE, TWO), [found(1, p1=0.9, p2=0.1), found(2, p2=0.8, p1=0.3)], copies=NO_COPIES
    )
    assert listed(result) == {"one": [1], "two": [2]}
    assert [section.items[0].also for section in result.sections] == [("two",), ("one",)]
    assert result.left_out == 0


def test_a_section_that_names_others_tells_the_list_it_has_in_common_with_whoever_has_none() -> (
    None
):
    one, two = found(1, p1=0.9, p2=0.1), found(2, p2=0.8, p1=0.3)
    told, _ = arrange(reader(ONE, TWO), [one, two], copies=NO_COPIES).sections
    alone = arrange(reader(ONE), [one], copies=NO_COPIES).sections[0]
    assert isinstance(told.items, Variant)
    assert told.items.like is one.items(range(1))
    assert told.items.like == alone.items[:1]
    assert told.items[0] == alone.items[0]._replace(also=("two",))
    assert not isinstance(alone.items, Variant)


def test_a_list_that_nobody_disputes_is_one_value_for_all_who_have_it() -> None:
    alike = {PaperId(2): {PaperId(1): 0.9}, PaperId(1): {PaperId(2): 0.9}}
    copies = Copies.among(map(PaperId, range(60)), alike=alike)
    shared = found(1, p1=0.9, p2=0.8, p3=0.7)
    readers = [reader(ONE, TWO), reader(TWO, ONE, limit=6), reader(builders.interest(3))]
    with_others = [[shared, found(2, p4=0.9)], [found(2, p5=0.9), shared], [shared]]
    lists = [
        section.items
        for one, lists in zip(readers, with_others, strict=True)
        for section in arrange(one, lists, copies=copies).sections
        if len(section.items) == 3
    ]
    assert [item.paper_id for item in lists[0]] == [1, 3, 2]
    assert lists[0] is lists[1] is lists[2]


def test_equal_scores_go_to_the_first_interest() -> None:
    result = arrange(reader(ONE, TWO), [found(1, p1=0.5), found(2, p1=0.5)], copies=NO_COPIES)
    assert listed(result) == {"one": [1]}


def test_a_full_interest_hands_on() -> None:
    narrow = builders.interest(1, name="one", limit=1)
    papers = [found(1, p1=0.9, p2=0.8), found(2, p2=0.3)]
    result = arrange(reader(narrow, TWO), papers, copies=NO_COPIES)
    assert listed(result) == {"one": [1], "two": [2]}


def test_what_has_no_place_is_counted_once() -> None:
    narrow = builders.interest(1, name="one", limit=1)
    result = arrange(
        reader(narrow, TWO, limit=2), [found(1, p1=0.9, p3=0.2), found(2, p3=0.1)], copies=NO_COPIES
    )
    assert (listed(result), result.left_out) == ({"one": [1], "two": [3]}, 0)
    result = arrange(reader(narrow), [found(1, p1=0.9, p3=0.2, p4=0.1)], copies=NO_COPIES)
    assert (listed(result), result.left_out) == ({"one": [1]}, 2)


def test_beyond_the_limit_interests_give_up_in_turn() -> None:
    first = found(1, p1=0.9, p2=0.8, p3=0.7)
    second = found(2, p4=0.3, p5=0.2)
    result = arrange(reader(ONE, TWO, limit=3), [first, second], copies=NO_COPIES)
    assert listed(result) == {"one": [1, 2], "two": [4]}
    assert result.left_out == 2


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6])
def test_never_more_than_the_limit(limit: int) -> None:
    papers = [found(1, p1=0.9, p2=0.8, p3=0.7), found(2, p4=0.3, p5=0.2)]
    result = arrange(reader(ONE, TWO, limit=limit), papers, copies=NO_COPIES)
    count = sum(len(section.items) for section in result.sections)
    assert (count, count + result.left_out) == (min(limit, 5), 5)


def test_what_was_sent_is_left_alone() -> None:
    result = arrange(reader(ONE), [found(1, p1=0.9, p2=0.8)], copies=NO_COPIES, sent={PaperId(1)})
    assert (listed(result), result.left_out) == ({"one": [2]}, 0)


def test_a_revision_is_told_again_and_marked() -> None:
    sent = {PaperId(1), PaperId(2)}
    result = arrange(
        reader(ONE),
        [found(1, p1=0.9, p2=0.8, p3=0.1)],
        copies=NO_COPIES,
        sent=sent,
        revised={PaperId(2)},
    )
    items = result.sections[0].items
    assert [(item.paper_id, item.revision) for item in items] == [(2, True), (3, False)]


def test_of_twins_the_better_is_listed() -> None:
    twins = {PaperId(1): PaperId(1), PaperId(3): PaperId(1)}
    copies = Copies.among(NO_COPIES.columns, twins=twins)
    result = arrange(reader(ONE, TWO), [found(1, p3=0.9, p2=0.5), found(2, p1=0.8)], copies=copies)
    assert (listed(result), result.left_out) == ({"one": [3, 2]}, 1)


def popular(*papers: int) -> list[Any]:
    return trending([builders.paper(number, votes=100 - number) for number in papers])


def test_trending_beside_the_interests_repeats_nothing() -> None:
    subscriber = reader(ONE, trending=2)
    result = arrange(
        subscriber,
        [found(1, p1=0.9)],
        copies=NO_COPIES,
        trending=popular(1, 2, 3, 4, 5),
        sent={PaperId(2)},
    )
    assert listed(result) == {"one": [1], TRENDING: [3, 4]}
    assert result.sections[1].interest_id is None
    assert result.sections[1].items[0].reasons == Reasons(votes=97)


def test_trending_only_where_asked_for() -> None:
    assert listed(arrange(reader(ONE), [found(1)], copies=NO_COPIES, trending=popular(1, 2))) == {}


def test_without_interests_the_day_is_trending() -> None:
    result = arrange(reader(limit=3), [], copies=NO_COPIES, trending=popular(1, 2, 3, 4))
    assert listed(result) == {TRENDING: [1, 2, 3]}
    assert result.left_out == 0


def test_paused_interests_do_not_match_and_bring_no_trending() -> None:
    paused = builders.interest(1, paused=True)
    subscriber = reader(paused, TWO)
    assert active(subscriber) == [TWO]
    assert listed(arrange(subscriber, [found(2, p1=0.5)], copies=NO_COPIES)) == {"two": [1]}
    assert listed(arrange(reader(paused), [], copies=NO_COPIES, trending=popular(1))) == {}


def test_reasons_are_asked_only_for_what_is_listed() -> None:
    asked: list[int] = []

    def why(places: Sequence[int]) -> list[Reasons]:
        asked.extend(places)
        return [Reasons()] * len(places)

    many = Found(tuple(map(PaperId, range(50))), (0.5,) * 50, why)
    arrange(reader(ONE, limit=4), [many], copies=NO_COPIES)
    assert asked == [0, 1, 2, 3]
    arrange(reader(ONE, limit=6), [many], copies=NO_COPIES)
    assert asked == [0, 1, 2, 3, 4, 5]


NEAR = {
    "within, and the scorer cannot say more": (0.1, None, True),
    "within and like it": (0.1, LIKE, True),
    "within a wide share, and not like it": (0.1, LIKE - 0.01, False),
    "among the very best, whatever else": (SURE, -3.0, True),
    "like it, and not within": (0.13, 9.0, False),
    "exactly the threshold": (0.12, LIKE, True),
}


@pytest.mark.parametrize(("share", "level", "expected"), NEAR.values(), ids=NEAR)
def test_near_is_high_in_the_stream_and_like_it(
    share: float, level: float | None, expected: bool
) -> None:
    levels = None if level is None else np.array([[level]], np.float32)
    thresholds = np.array([0.12], np.float32)
    assert near(np.array([[share]], np.float32), thresholds, level=levels).tolist() == [[expected]]
