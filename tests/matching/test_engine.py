"""The engine: interests in, matches with reasons out, and every decision explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from digest.matching.engine import Matcher, Prepared
from digest.matching.ranking import Found
from digest.matching.scoring import Scores
from digest.matching.stream import Stream
from digest.model import Combine, Example, Field, Hit, Interest, Mutes, Paper
from tests import builders

PAPERS = [
    builders.paper(1, title="Lanterns in fog", abstract="A survey of light."),
    builders.paper(2, title="Harbour tides", abstract="Lanterns guide ships.", votes=9),
    builders.paper(3, title="Moss on stone", abstract="No light at all.", authors=("Ada K. Lind",)),
    builders.paper(
        4, title="Harbour ledgers", abstract="Old books.", votes=2, categories=("q-bio.BM",)
    ),
]


class SharedWords:
    """A scorer for tests: the share is 0.01 where a statement's first word is in the title."""

    def prepare(self, papers: Sequence[Paper], stream: Stream | None = None) -> Sequence[Paper]:
        return papers

    def score(self, interests: Sequence[Interest], ready: Sequence[Paper]) -> Scores:
        values = np.full((len(interests), len(ready)), -np.inf, np.float32)
        share = np.ones_like(values)
        for row, interest in enumerate(interests):
            if interest.statement:
                words = interest.statement.lower().split()
                near = np.array([words[0] in paper.title.lower() for paper in ready])
                values[row] = near
                share[row] = np.where(near, 0.01, 0.6)

        def resembles(row: int, column: int) -> str | None:
            examples = interests[row].examples
            return examples[0].title if examples else None

        def told(row: int, column: int) -> tuple[Hit, ...]:
            return (Hit(Field.TITLE, 0, 1, interests[row].statement),)

        return Scores(values, share, resembles, told)


def prepared(papers: Sequence[Paper] = PAPERS) -> Prepared:
    return Matcher(SharedWords(), papers_a_day=100).prepare(papers)


def find(interest: Interest, mutes: Mutes | None = None) -> Found:
    return prepared().match([interest], mutes=[mutes or Mutes()])[0]


def asking(query: str = "", **fields: Any) -> Interest:
    return builders.interest(query=query, **fields)


FINDS = {
    "a query": (asking("lantern"), [1, 2]),
    "no query and no statement": (asking(""), []),
    "a statement": (asking(statement="Harbour life"), [2, 4]),
    "either": (asking("moss", statement="harbour"), [2, 3, 4]),
    "both": (asking("lantern", statement="harbour", combine=Combine.ALL), [2]),
    "a category lifts": (asking("category:q-bio", statement="harbour"), [4, 2]),
    "a category bounds": (asking("category:q-bio", statement="harbour", combine=Combine.ALL), [4]),
    "a category is left out": (asking("-category:q-bio.BM", statement="harbour"), [2]),
    "both, but no statement": (asking("lantern", combine=Combine.ALL), [1, 2]),
    "a small volume": (asking(statement="harbour", daily_volume=0.5), []),
    "a volume met exactly": (asking(statement="harbour", daily_volume=1), [2, 4]),
    "an exclusion over likeness": (asking("lantern -ship", statement="harbour"), [1, 4]),
    "exclusions beside a statement": (asking("-ledger", statement="harbour"), [2]),
    "exclusions without anything else": (asking("-ledger"), []),
    "a followed author": (asking("", authors=("Ada Lind",)), [3]),
    "exclusions beside an author": (asking("-stone", authors=("Ada Lind",)), []),
    "a followed author among the rest": (asking("lantern", authors=("A. Lind",)), [3, 1, 2]),
}


@pytest.mark.parametrize(("interest", "expected"), FINDS.values(), ids=FINDS)
def test_finds_in_order(interest: Interest, expected: list[int]) -> None:
    assert list(find(interest).papers) == expected


MUTED = {
    "nothing": (Mutes(), [2, 1, 4]),
    "a word": (Mutes(words=("ledger",)), [2, 1]),
    "a phrase": (Mutes(words=("guide ship",)), [1, 4]),
    "a beginning": (Mutes(words=("led*",)), [2, 1]),
    "an author": (Mutes(authors=("Bo Lind",)), []),
    "signs only": (Mutes(words=("…", "*", ""), authors=("",)), [2, 1, 4]),
    "query syntax is no syntax": (Mutes(words=('" OR (',)), [2, 1, 4]),
}


@pytest.mark.parametrize(("mutes", "expected"), MUTED.values(), ids=MUTED)
def test_mutes_win(mutes: Mutes, expected: list[int]) -> None:
    assert list(find(asking("lantern", statement="harbour"), mutes).papers) == expected


def test_reasons_of_a_query() -> None:
    reasons = find(asking("lantern -moss OR lantern")).why([0])[0]
    assert [(hit.field, hit.start, hit.end) for hit in reasons.hits] == [(Field.TITLE, 0, 8)]
    assert (reasons.percentile, reasons.resembles, reasons.followed) == (None, None, ())


def test_reasons_of_likeness() -> None:
    liked = Example("Old harbours")
    reasons = find(asking("", statement="harbour", examples=(liked,))).why([0])[0]
    assert reasons.percentile == pytest.approx(0.01)
    assert reasons.resembles == "Old harbours"
    assert [hit.term for hit in reasons.hits] == ["harbour"]


def test_likeness_too_weak_is_no_reason() -> None:
    one = asking("moss", statement="harbour", examples=(Example("Old harbours"),))
    found = find(one)
    (reasons,) = found.why([found.papers.index(PAPERS[2].id)])
    assert reasons.percentile == pytest.approx(0.6)
    assert reasons.resembles is None
    assert [hit.term for hit in reasons.hits] == ["moss"]


def test_followed_authors_are_named_as_the_paper_does() -> None:
    assert find(asking("", authors=("Lind, Ada",))).why([0])[0].followed == ("Ada K. Lind",)


def test_equal_reasons_are_one_value() -> None:
    first, second = prepared().match([asking("lantern"), builders.interest(2, query="lantern")])
    assert first.why([0])[0] is second.why([0])[0]


def test_what_somebody_asked_is_not_looked_for_again() -> None:
    class Counting(SharedWords):
        asked = 0

        def score(self, interests: Sequence[Interest], ready: Sequence[Paper]) -> Scores:
            self.asked += len(interests)
            return super().score(interests, ready)

    scorer = Counting()
    batch = Matcher(scorer, papers_a_day=100).prepare(PAPERS)
    asked = [asking("moss", statement="harbour"), asking("", statement="lanterns")]
    again = [builders.interest(9, query="moss", statement="harbour")]
    first, later = batch.match([*asked, *asked]), batch.match(again)
    assert scorer.asked == 2
    assert [one.papers for one in first] == [first[0].papers, first[1].papers] * 2
    assert later[0].papers == first[0].papers
    assert later[0].items([0])[0] is first[0].items([0])[0]
    others = [again[0]._replace(daily_volume=0.5), again[0]]
    muted = batch.match(others, mutes=[Mutes(), Mutes(words=("tides",))])
    assert scorer.asked == 4
    assert [list(one.papers) for one in muted] == [[3], [3, 4]]


def test_an_example_is_not_found_again() -> None:
    by_id = asking("lantern", examples=(Example("another title", paper_id=PAPERS[0].id),))
    by_title = asking("lantern", examples=(Example("LANTERNS in fog"),))
    assert [list(find(one).papers) for one in (by_id, by_title)] == [[2], [2]]


def test_a_broken_query_stops_nobody() -> None:
    broken = asking("(lantern", statement="harbour")
    found = prepared().match([broken, asking("moss"), asking("moss OR")])
    assert [list(one.papers) for one in found] == [[2, 4], [3], []]
    assert found[0].fault is not None
    assert "never closed (column 1)" in found[0].fault
    assert [one.fault is None for one in found] == [False, True, False]


def test_many_interests_are_matched_as_each_alone() -> None:
    interests = [one for one, _ in FINDS.values()] * 100
    together = prepared().match(interests)
    for (interest, expected), one in zip(list(FINDS.values()) * 100, together, strict=True):
        assert list(one.papers) == expected, interest


def test_order_does_not_depend_on_the_order_of_papers() -> None:
    backwards = prepared(PAPERS[::-1]).match([asking("light OR lantern OR books")])[0]
    assert backwards.papers == prepared().match([asking("light OR lantern OR books")])[0].papers


def test_search_follows_the_subscribers() -> None:
    paused = builders.interest(1, query="lantern", paused=True)
    subscribers = [
        builders.subscriber(1, interests=(paused, asking("moss"))),
        builders.subscriber(2, interests=()),
        builders.subscriber(3, interests=(asking("moss"),), mutes=Mutes(words=("stone",))),
    ]
    found = prepared().search(subscribers)
    assert [[list(one.papers) for one in row] for row in found] == [[[3]], [], [[]]]


def test_no_papers_and_no_interests() -> None:
    assert [one.papers for one in prepared([]).match([asking("lantern", statement="moss")])] == [()]
    assert prepared().match([]) == []
    assert prepared().search([]) == []


def test_twins_are_known() -> None:
    papers = [*PAPERS, builders.paper(9, title="Lantern in a fog")]
    assert prepared(papers).copies.twins == {1: 1, 9: 1}


# --- explaining ---------------------------------------------------------------------------------


def test_explains_a_match() -> None:
    one = asking("lantern ship -moss", statement="harbour")
    explained = prepared().explain(one, 1)
    assert explained.matched
    assert explained.true
    assert explained.near
    assert (explained.present, explained.missing) == (("lantern", "ship"), ())
    assert explained.share == pytest.approx(0.01)
    assert explained.threshold == pytest.approx(0.05)
    assert explained.score == find(one).scores[0]
    assert explained.reasons == find(one).why([0])[0]


def test_explains_what_is_missing() -> None:
    explained = prepared().explain(asking("lantern ship"), 0)
    assert not explained.matched
    assert explained.true is False
    assert explained.share is None
    assert not explained.near
    assert (explained.present, explained.missing) == (("lantern",), ("ship",))


def test_explains_words_written_as_one() -> None:
    papers = [builders.paper(1, title="Lighthouse keepers")]
    explained = prepared(papers).explain(asking("light house keeper"), 0)
    assert explained.matched
    assert explained.missing == ()


def test_explains_exclusions_alone() -> None:
    explained = prepared().explain(asking("-moss", statement="harbour"), 2)
    assert explained.true is None
    assert explained.excluded == ("moss",)


def test_explains_a_veto() -> None:
    mutes = Mutes(authors=("Bo Lind", "Nobody Else"), words=("fog", "moss"))
    explained = prepared().explain(asking('lantern -(survey light) -"x y"'), 0, mutes=mutes)
    assert not explained.matched
    assert explained.excluded == ("survey AND light",)
    assert explained.muted == ("Bo Lind", "fog")


def test_explains_a_fault_and_an_example() -> None:
    assert "never closed" in (prepared().explain(asking("(lantern"), 0).fault or "")
    known = asking("lantern", examples=(Example("Lanterns in fog"),))
    assert prepared().explain(known, 0).known
    assert not prepared().explain(known, 1).known
