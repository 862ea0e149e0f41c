"""Search's index finds exactly what digests find: the batch engine is the oracle."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from digest.errors import QuerySyntaxError
from digest.matching.keywords import Compiled, Scan
from digest.matching.query import parse
from digest.model import FetchId, Paper
from digest.searching.asking import ask
from digest.searching.building import Builder, grouped
from digest.searching.finding import judge
from digest.searching.frame import Frame
from digest.searching.index import Index
from digest.searching.pointing import point
from digest.searching.recent import Recent
from digest.searching.segment import Segment, WholeVectors
from digest.store.searchable import Searchable
from tests.builders import paper, sighting

_WORDS = """
    fine tuning fine-tuning finetuning tune graph graphs GANs gan gans AIDs aids of ten often
    state-of-the-art stateoftheart state the art C++ 3 3d 3-d T-cell tcell α-synuclein alpha
    alpha-synuclein synuclein network networks neural. neural, 机器 学习 Schrödinger schrodinger
    cat cats cat's studies study GPT-4 gpt4 gpt 4 10 20 lamp
"""
WORDS = _WORDS.split()
NAMES = ("Ada Lovelace", "Lovelace, Ada K.", "A. Lovelace", "Bo Wang", "B. Wang", "Lin Wang-Li")
CATEGORIES = ("cs.CL", "cs.LG", "math-ph", "math.CO", "q-bio.NC")
AUTHORS = ("wang", '"ada lovelace"', "lovelace", '"b wang"', "wan*", '"ada l*"', '"li lin"')
LABELS = ("category:cs", "category:math", "category:cs.CL", "source:arxiv", "source:nature")
NEIGHBOURS = (
    "(fine tuning)", "(state of the art)", "(T cell)", "(GPT 4)", "(alpha synuclein graph)",
    "(title:fine title:tuning)", '(fine tuning OR "fine tuning")', '(fine tuning -"fine tuning")',
)  # fmt: skip
GAPS = (" ", " ", "-", ", ", ". ")


def papers(chance: random.Random, count: int = 60) -> list[Paper]:
    made = []
    for number in range(1, count + 1):
        words = chance.choices(WORDS, k=chance.randint(0, 14))
        made.append(
            paper(
                number,
                title=" ".join(chance.choices(WORDS, k=chance.randint(0, 5))),
                abstract="".join(word + chance.choice(GAPS) for word in words),
                authors=tuple(chance.sample(NAMES, 2)),
                categories=tuple(chance.sample(CATEGORIES, 2)),
                sightings=(sighting(source=chance.choice(("arxiv", "Nature Bio"))),),
            )
        )
    return made


def segment_of(papers: Sequence[Paper], *, page: int = 25) -> Segment:
    builder = Builder()
    for start in range(0, len(papers), page):
        some = [searchable(one) for one in papers[start : start + page]]
        flat = np.zeros((len(some), 1), np.float32)
        builder.add(some, WholeVectors(flat, flat.astype(np.int8), flat[:, 0]))
    return builder.segment()


def searchable(one: Paper) -> Searchable:
    return Searchable(
        id=one.id,
        title=one.title,
        abstract=one.abstract,
        authors=one.authors,
        categories=one.categories,
        sources=one.sources,
        announced_on=one.announced_on,
        votes=one.votes or 0,
    )


def index_of(*segments: Segment) -> Index:
    none = np.zeros((0, 0), np.float32)
    frame = Frame("", none.reshape(0), none, None, np.zeros(0, np.int64), none, np.zeros(1, int))
    return Index(segments, frame, FetchId(1))


def term(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.1:
        return f"author:{chance.choice(AUTHORS)}"
    if kind < 0.2:
        return chance.choice(LABELS)
    field = chance.choice(["", "", "", "title:", "abstract:"])
    words = " ".join(chance.choices(WORDS, k=chance.choice([1, 1, 1, 2, 3])))
    if chance.random() < 0.3 and len(words) > 2:
        words = words[: chance.randint(2, len(words))].rstrip(" -.,") + "*"
    return f'{field}"{words}"' if " " in words or chance.random() < 0.3 else field + words


def query(chance: random.Random, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.4:
        return chance.choice(NEIGHBOURS) if chance.random() < 0.2 else term(chance)
    operator = chance.choice([" ", " AND ", " OR ", " AND NOT ", " -"])
    return f"({query(chance, depth + 1)}{operator}{query(chance, depth + 1)})"


@pytest.mark.parametrize("seed", range(4))
def test_the_index_and_the_batch_engine_agree(seed: int) -> None:
    chance = random.Random(seed)
    some = papers(chance)
    segment, scan = segment_of(some), Scan(some)
    everyone = np.arange(len(some))
    asked = unread = 0
    while asked < 120:
        text = query(chance)
        try:
            parsed = parse(text)
        except QuerySyntaxError:
            continue
        asked += 1
        compiled = Compiled([parsed])
        expected = scan.evaluate(compiled)
        found = judge(compiled, segment)
        true = expected.truth(np.array([0]))[0]
        assert np.array_equal(true, found.true[0]), text
        assert np.array_equal(expected.vetoed(np.array([0]))[0], found.vetoed[0]), text
        strength = expected.strength(np.zeros(len(some), np.int64), everyone)
        assert np.allclose(strength[true], found.strength[0][true]), text
        rows = np.flatnonzero(true)[::-1]
        told = point(compiled, index_of(segment), rows, [some[row] for row in rows])
        for row, hits in zip(rows.tolist(), told, strict=True):
            assert hits in (None, expected.hits(0, row)), (text, some[row])
            unread += hits is None
    assert unread < 10  # letters that are two, which are read from the text


def test_a_text_longer_than_is_looked_at_is_cut_and_not_mixed_up() -> None:
    long = " ".join(["word"] * 3000) + " lantern"
    some = [paper(1, title="A lamp", abstract=long), paper(2, title="Lantern", abstract="")]
    segment = segment_of(some)
    assert judge(Compiled([parse("lantern")]), segment).true[0].tolist() == [False, True]
    assert judge(Compiled([parse('"word word"')]), segment).true[0].tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "strict", "wanted"),
    [
        pytest.param("graph networks", False, "graph AND networks", id="words"),
        pytest.param("how do lamps work?", False, "lamps AND work", id="question"),
        pytest.param("images, text and audio (no video)", False, None, id="prose-with-commas"),
        pytest.param("not only words", False, "only AND words", id="lower-case-not"),
        pytest.param('"graph network"', True, '"graph network"', id="phrase"),
        pytest.param("graph OR network", True, "graph OR network", id="or"),
        pytest.param("Title:lamp", True, "title:lamp", id="field"),
        pytest.param("lamp*", True, "lamp*", id="wildcard"),
        pytest.param('"sea fog" lamp', True, '"sea fog" AND lamp', id="phrase-and-word"),
        pytest.param('what is "sea fog", and why?', True, '"sea fog"', id="sentence-with-phrase"),
        pytest.param('a 5" disk', False, "5 AND disk", id="lone-quote"),
        pytest.param("lamp " * 70 + "NOT fog, in part", False, None, id="pasted"),
        pytest.param("lamp -tunnel", False, "lamp AND NOT tunnel", id="only-leaves-out"),
        pytest.param("???", False, None, id="nothing"),
        pytest.param(" ".join(map(str, range(50))), False, None, id="too-long-to-be-keywords"),
    ],
)
def test_one_box_takes_queries_and_prose(text: str, strict: bool, wanted: str | None) -> None:
    asked = ask(text)
    assert asked.strict is strict
    if wanted is not None:
        assert str(asked.query) == wanted


def test_mistakes_are_told_only_where_the_language_is_used() -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        ask('title:lamp AND ("fog"')
    assert caught.value.column == 16
    assert ask("lamps (in fog, or in rain").statement == "lamps (in fog, or in rain"


def test_every_neighbour_is_in_the_sieve() -> None:
    segment = segment_of(papers(random.Random(9)))
    ids = (segment.words.stream >> 2).tolist()
    assert all(segment.words.follow([a], [b]) for a, b in pairwise(ids))


def test_lists_of_very_many_numbers_are_in_order() -> None:
    numbers = np.random.default_rng(3).integers(0, 5_000, 700_000).astype(np.uint32)
    values = np.arange(len(numbers), dtype=np.uint32)
    lists = grouped(numbers, values, 5_001)
    order = np.argsort(numbers, kind="stable")
    assert np.array_equal(lists.values, values[order])
    assert [len(lists[number]) for number in (0, 4_999, 5_000)] == [
        *np.bincount(numbers, minlength=5_001)[[0, 4_999, 5_000]]
    ]


def test_the_latest_are_remembered() -> None:
    made: list[int] = []
    recent = Recent[int, int](2)

    def make(key: int) -> int:
        made.append(key)
        return -key

    found = [recent.get(key, partial(make, key)) for key in (1, 2, 1, 3, 1, 2)]
    assert found == [-1, -2, -1, -3, -1, -2]
    assert made == [1, 2, 3, 2]
    assert len(recent) == 2


def test_only_what_is_worth_it_is_remembered() -> None:
    recent = Recent[str, int](2, worth=lambda length: length > 3)
    for word in ("owl", "heron", "ox"):
        assert recent.get(word, partial(len, word)) == len(word)
    assert len(recent) == 1
    assert recent.get("heron", lambda: 0) == 5


def test_rows_of_rare_terms_are_found_again() -> None:
    titles = [*["harbour lamps"] * 130, "lamps and owls"]
    segment = segment_of([paper(at, title=title) for at, title in enumerate(titles, 1)])
    for term in ("lamps", "owls", "lamps", "nightjars"):
        judge(Compiled([parse(term)]), segment)
    assert len(segment.found) == 1
