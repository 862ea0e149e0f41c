"""The product's measure of likeness: order, shares, examples, and the second stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pytest

from digest.errors import ConfigError
from digest.matching.background import Background, Batch, Frequencies
from digest.matching.base import Vectors
from digest.matching.hybrid import HybridScorer
from digest.matching.lexicon import Lexicon
from digest.matching.ranking import LIKE
from digest.matching.second import SecondStage
from digest.matching.static import StaticEmbedder, static_embedder, unit
from digest.matching.vectors import MemoryVectors, ensure
from digest.model import Example, Interest, InterestId, Links, Paper, PaperId, PaperIds

TOPICS = (
    ("graph networks for molecules", "We predict properties of molecules with message passing."),
    ("robot grasping with touch", "A gripper learns to hold objects from tactile sensors."),
    ("translation of rare languages", "Parallel sentences are few; we transfer from kin."),
    ("scheduling of concurrent programs", "Threads on many cores wait less with our locks."),
    ("tumour growth in mice", "Mutations of a kinase drive growth; inhibitors slow it."),
)


def paper(number: int, title: str, abstract: str) -> Paper:
    return Paper(
        PaperId(number), f"url:{number}", title, abstract, (), (), PaperIds(), Links(),
        announced_on=date(2026, 1, 5),
    )  # fmt: skip


def stream(count: int) -> list[Paper]:
    words = ("study", "method", "result", "bound", "theory", "trial", "survey")
    return [
        paper(n, f"{title} {words[n % 7]}", f"{abstract} Part {n % 11} is {words[n % 5]} {n}.")
        for n in range(count)
        for title, abstract in [TOPICS[n % 5]]
    ]


def interest(statement: str = "", examples: Sequence[Example] = ()) -> Interest:
    return Interest(InterestId(1), "mine", statement=statement, examples=tuple(examples))


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return static_embedder()


@pytest.fixture(scope="module")
def background(embedder: StaticEmbedder) -> Background:
    return Background.of(stream(300), embedder, store=MemoryVectors())


@pytest.fixture
def scorer(embedder: StaticEmbedder, background: Background) -> HybridScorer:
    return HybridScorer(embedder, background)


NEW = [paper(1000 + n, title, abstract) for n, (title, abstract) in enumerate(TOPICS)]


@pytest.mark.parametrize(
    ("statement", "best"),
    [
        ("grasping objects with a robot hand", 1),
        ("machine translation when little text is available", 2),
        ("kinase inhibitors against cancer", 4),
    ],
)
def test_a_statement_finds_its_topic(scorer: HybridScorer, statement: str, best: int) -> None:
    scores = scorer.score([interest(statement)], scorer.prepare(NEW))
    assert int(scores.values[0].argmax()) == best
    assert scores.share[0].argmin() == best
    assert scores.resembles(0, best) is None


def test_nothing_to_compare_is_minus_infinity(scorer: HybridScorer) -> None:
    scores = scorer.score([interest(), interest("  ")], scorer.prepare(NEW))
    assert np.isneginf(scores.values).all()
    assert (scores.share == 1).all()


@pytest.mark.parametrize("text", ["", "\x00", "𝕏 — …", "zzzz " * 2000, "的的的"])
def test_strange_texts_score_finite_numbers(scorer: HybridScorer, text: str) -> None:
    ready = scorer.prepare([*NEW, paper(2000, text, text)])
    scores = scorer.score([interest(f"molecules {text}"), interest(text or "x")], ready)
    assert np.isfinite(scores.values).all()
    assert ((scores.share > 0) & (scores.share <= 1)).all()


@pytest.mark.parametrize("count", [1, 3, 4, 8])
def test_examples_are_points_and_the_nearest_is_named(scorer: HybridScorer, count: int) -> None:
    liked = [Example(f"{TOPICS[n % 2][0]} {n}", TOPICS[n % 2][1]) for n in range(count)]
    scores = scorer.score([interest(examples=liked)], scorer.prepare(NEW))
    wanted = {0, 1} if count > 1 else {0}
    assert set(np.argsort(-scores.values[0])[: len(wanted)].tolist()) == wanted
    assert str(scores.resembles(0, 0)).startswith(TOPICS[0][0])


def test_a_disliked_example_pushes_down(scorer: HybridScorer) -> None:
    ready = scorer.prepare(NEW)
    disliked = Example(*TOPICS[1], positive=False)
    plain = scorer.score([interest("learning from sensors of robots")], ready)
    less = scorer.score([interest("learning from sensors of robots", [disliked])], ready)
    assert less.values[0, 1] < plain.values[0, 1]
    assert less.resembles(0, 1) is None


def test_without_anything_else_a_disliked_example_is_an_aversion(scorer: HybridScorer) -> None:
    ready = scorer.prepare(NEW)
    averse = interest(examples=[Example(*TOPICS[1], positive=False)])
    scores = scorer.score([averse, interest("learning from sensors of robots")], ready)
    assert scores.aversion is not None
    assert not np.isfinite(scores.values[0]).any()
    assert scores.aversion[0, 1] > 0.3 > scores.aversion[0, 0] >= 0
    assert not scores.aversion[1].any()
    assert scorer.score([interest("robots")], ready).aversion is None


def test_the_share_is_that_of_the_background(scorer: HybridScorer, background: Background) -> None:
    scores = scorer.score([interest("grasping objects")], background.sample)
    order = np.argsort(-scores.values[0])
    for rank in (1, 10, 60):
        assert scores.share[0, order[rank - 1]] == pytest.approx(rank / 300, rel=0.35)


def test_a_score_does_not_depend_on_the_batch(scorer: HybridScorer) -> None:
    asked = [interest("grasping objects"), interest(examples=[Example(*TOPICS[4])])]
    together = scorer.score(asked, scorer.prepare(NEW))
    alone = scorer.score(asked, scorer.prepare(NEW[1:2]))
    np.testing.assert_allclose(together.values[:, 1], alone.values[:, 0], rtol=1e-3, atol=1e-3)


class Shelf:
    """A CalibrationStore that counts."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.saved = 0

    def load(self, scorer: str, contents: Sequence[str]) -> Mapping[str, bytes]:
        return {one: self.kept[scorer, one] for one in contents if (scorer, one) in self.kept}

    def save(self, scorer: str, found: Mapping[str, bytes]) -> None:
        self.saved += len(found)
        self.kept |= {(scorer, one): data for one, data in found.items()}


def test_many_statements_score_as_each_would_alone(
    embedder: StaticEmbedder, background: Background
) -> None:
    scorer = HybridScorer(embedder, background)
    papers = [
        paper(n, TOPICS[n % 5][0], " ".join(TOPICS[(n + i) % 5][1] for i in range(n % 9)))
        for n in range(700)
    ]
    ready = scorer.prepare(papers)
    asked = [interest(f"{TOPICS[n % 5][0]} and {TOPICS[n % 4][1]} {n}") for n in range(40)]
    together = scorer.score(asked, ready)
    for row in (0, 13, 39):
        alone = scorer.score([asked[row]], ready)
        np.testing.assert_allclose(together.values[row], alone.values[0], atol=2e-5)
        np.testing.assert_allclose(together.share[row], alone.share[0], rtol=1e-4)


def test_calibrations_are_kept_by_content(embedder: StaticEmbedder) -> None:
    shelf, background = Shelf(), Background.of(stream(300), embedder, store=MemoryVectors())
    asked = [interest("grasping"), interest("grasping"), interest("molecules"), interest()]
    first = HybridScorer(embedder, background, calibrations=shelf)
    scores = [first.score([one], first.prepare(NEW)) for one in asked]
    assert shelf.saved == 7  # two vectors, and the three parts of the background, among them
    assert all(embedder.id in scorer and background.id in scorer for scorer, _ in shelf.kept)
    later = HybridScorer(embedder, background, calibrations=shelf)
    again = later.score(asked, later.prepare(NEW))
    assert shelf.saved == 7
    np.testing.assert_allclose(again.values, np.vstack([one.values for one in scores]), rtol=1e-5)
    np.testing.assert_allclose(again.share, np.vstack([one.share for one in scores]), rtol=1e-4)


class Attentive:
    """An Embedder that remembers what it was asked for; not one of ours, so without parts."""

    id, dimensions = "attentive", 3

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        rows = [[len(text), text.count("e"), 1 / (1 + text.count("a"))] for text in texts]
        return unit(np.array(rows, np.float32).reshape(-1, 3))


@pytest.mark.parametrize(("papers", "times"), [(300, 1), (30, 3)])
def test_a_statement_is_embedded_once_for_a_background_that_lasts(papers: int, times: int) -> None:
    shelf, vectors, embedder = Shelf(), MemoryVectors(), Attentive()
    asked = [interest("grasping"), interest("sleep"), interest("grasping", [Example(*TOPICS[1])])]
    scores = []
    for _ in range(3):
        background = Background.of(stream(papers), embedder, store=vectors)
        scorer = HybridScorer(embedder, background, store=vectors, calibrations=shelf)
        scores.append(scorer.score(asked, scorer.prepare(NEW)))
    assert embedder.asked.count("sleep") == times
    for one in scores:
        np.testing.assert_array_equal(one.values, scores[0].values)
    alone = HybridScorer(embedder, background, store=vectors)
    expected = alone.score(asked, alone.prepare(NEW))
    np.testing.assert_array_equal(scores[2].values[:2], expected.values[:2])


class Parts:
    """A background's Source that counts how often it is asked."""

    def __init__(self, background: Background) -> None:
        self.background = background
        self.asked: list[str] = []

    def read(self) -> Sequence[Paper]:
        self.asked.append("papers")
        return self.background.read()

    def lexicon(self) -> Lexicon:
        self.asked.append("lexicon")
        return self.background.lexicon

    def frequencies(self) -> Frequencies | None:
        self.asked.append("frequencies")
        return self.background.frequencies

    def mean(self) -> Vectors:
        self.asked.append("mean")
        return self.background.mean

    def sample(self, background: Background) -> Batch:
        self.asked.append("sample")
        return self.background.sample


def test_the_parts_of_a_background_are_made_once_and_kept(background: Background) -> None:
    shelf, asked = Shelf(), []
    for _ in range(2):
        source = Parts(background)
        again = Background(background.id, background.chosen, source)
        again.keep_in(shelf, "a scorer")
        again.settle()
        assert again.frequencies is not None
        assert background.frequencies is not None
        assert again.frequencies.tolist() == background.frequencies.tolist()
        assert again.mean.tolist() == background.mean.tolist()
        assert again.lexicon.words == background.lexicon.words
        assert again.lexicon.mean_length == background.lexicon.mean_length
        asked.append(list(source.asked))
    assert asked == [["lexicon", "mean", "frequencies"], []]
    assert again.lexicon.width == background.lexicon.width  # only examples need it
    assert source.asked == ["lexicon"]


def test_of_too_few_papers_nothing_is_kept(embedder: StaticEmbedder) -> None:
    shelf = Shelf()
    background = Background.of(stream(30), embedder, store=MemoryVectors())
    background.keep_in(shelf, "a scorer")
    background.settle()
    assert shelf.saved == 0


def test_measured_interests_are_scored_without_the_sample(embedder: StaticEmbedder) -> None:
    shelf, vectors = Shelf(), MemoryVectors()
    asked = [interest("grasping objects"), interest("sleep of watch keepers")]
    first = Background.of(stream(300), embedder, store=vectors)
    scorer = HybridScorer(embedder, first, store=vectors, calibrations=shelf)
    scorer.measure(asked)
    expected = scorer.score(asked, scorer.prepare(NEW))

    source = Parts(first)
    again = Background(first.id, first.chosen, source)
    scorer = HybridScorer(embedder, again, store=vectors, calibrations=shelf)
    scores = scorer.score(asked, scorer.prepare(NEW))
    np.testing.assert_array_equal(scores.values, expected.values)
    np.testing.assert_allclose(scores.share, expected.share, rtol=1e-4)
    assert source.asked == []


def test_the_breakdown_names_every_part(scorer: HybridScorer) -> None:
    one = interest("grasping objects", [Example(*TOPICS[1])])
    parts = scorer.breakdown(one, scorer.prepare(NEW))
    assert {"words", "meaning", "nearest sentence", "like the examples"} <= parts.keys()
    assert parts["meaning"].argmax() == 1
    assert scorer.breakdown(interest(), scorer.prepare(NEW)) == {}


class Contrary:
    """An embedder for which every paper that names a tumour is what everybody asked for."""

    id = "contrary"
    dimensions = 2

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return np.array([[float("tumour" in t or "asked" in t), 0.1] for t in texts], np.float32)


def test_the_second_stage_only_reorders(embedder: StaticEmbedder, background: Background) -> None:
    second = Contrary()
    store = MemoryVectors()
    stage = SecondStage(second, background, store=store, depth=3)
    asked = [interest("asked: kinase molecules, growth of robots"), interest()]
    ready = HybridScorer(embedder, background).prepare(NEW)
    first = HybridScorer(embedder, background).score(asked, ready)
    both = HybridScorer(embedder, background, second=stage).score(asked, ready)
    np.testing.assert_allclose(np.sort(both.values[0]), np.sort(first.values[0]))
    np.testing.assert_allclose(np.sort(both.share[0]), np.sort(first.share[0]))
    assert int(both.values[0].argmax()) == 4
    assert np.isneginf(both.values[1]).all()
    texts = len(second.seen)
    HybridScorer(embedder, background, second=stage).score(asked, ready)
    assert len(second.seen) == texts + 1  # the statement; no paper a second time


class Away(Contrary):
    """A model on another machine that does not answer."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        raise ConfigError("matching.second_stage", ["it does not answer"])


def test_a_second_stage_that_is_away_costs_no_digest(
    embedder: StaticEmbedder, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    second, asked = Away(), [interest("robots that grasp"), interest("rare languages")]
    ready = HybridScorer(embedder, background).prepare(NEW)
    first = HybridScorer(embedder, background).score(asked, ready)
    both = HybridScorer(
        embedder, background, second=SecondStage(second, background, store=MemoryVectors())
    )
    for _ in range(2):
        scores = both.score(asked, ready)
        np.testing.assert_array_equal(scores.values, first.values)
        np.testing.assert_array_equal(scores.share, first.share)
    assert len(second.seen) == 1, "it is not asked again at once"
    assert "it does not answer" in caplog.text


def test_vectors_are_computed_once_and_by_model() -> None:
    store, second = MemoryVectors(), Contrary()
    heard: list[int] = []
    ensure(second, NEW[:2], store)
    found = ensure(second, NEW, store, report=heard.append)
    assert len(second.seen) == len(NEW)
    assert heard == [2, 3]
    assert set(found) == {one.id for one in NEW}
    assert not store.load("another model", [NEW[0].id])


@pytest.mark.parametrize("length", [1, 3], ids=["short", "long"])
def test_likeness_in_itself_tells_the_topic_from_the_rest(
    scorer: HybridScorer, length: int
) -> None:
    asked = interest("A robot hand that grasps objects with tactile sensors. " * length)
    level = scorer.score([asked], scorer.prepare(NEW)).level
    assert level is not None
    assert level[0, 1] > LIKE > max(level[0, at] for at in (0, 2, 3, 4))


def test_a_stream_without_the_topic_brings_nothing_that_is_like_it(
    embedder: StaticEmbedder,
) -> None:
    others = [one for one in stream(400) if "grasp" not in one.title]
    scorer = HybridScorer(embedder, Background.of(others, embedder, store=MemoryVectors()))
    asked = interest("Robots that learn to grasp objects by touch")
    scores = scorer.score([asked], scorer.prepare([NEW[0], NEW[2], NEW[3]]))
    assert scores.level is not None
    assert scores.level.max() < LIKE
    assert scorer.score([interest()], scorer.prepare(NEW)).level is not None


def test_near_copies_are_found(scorer: HybridScorer) -> None:
    copies = [paper(3000 + n, f"Grasping, part {n}", TOPICS[1][1]) for n in range(3)]
    alike = scorer.alike(scorer.prepare([*copies, NEW[3]]))
    assert {row: set(others) for row, others in alike.items()} == {0: {1, 2}, 1: {0, 2}, 2: {0, 1}}
