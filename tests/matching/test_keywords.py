"""The mass engine: what it finds, where, and that independent judges agree."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from digest.matching.keywords import MOST_HITS, Compiled, Scan
from digest.matching.query import parse
from digest.matching.stream import BLOCK, letters_hash, letters_hashes
from digest.matching.terms import spell
from digest.model import Field, Hit, Paper
from tests import builders


def paper(title: str = "", abstract: str = "", number: int = 1, **fields: object) -> Paper:
    return builders.paper(number, title=title, abstract=abstract, **fields)


def finds(query: str, *papers: Paper) -> list[int]:
    """The places of the papers that the query is true of."""
    evaluation = Scan(papers).evaluate(Compiled([parse(query)]))
    return np.flatnonzero(evaluation.truth(np.array([0]))[0]).tolist()


def hits(query: str, one: Paper) -> tuple[Hit, ...]:
    return Scan([one]).evaluate(Compiled([parse(query)])).hits(0, 0)


def test_many_words_are_hashed_as_each_alone() -> None:
    words = ["a", "tide", "überlagerung", "潮", "x" * 47, "y" * 48, "z" * 49, "word" * 40, "tide"]
    for some in (words, words[:1], words[::-1]):
        values, powers = letters_hashes(some)
        assert list(zip(values.tolist(), powers.tolist(), strict=True)) == list(
            map(letters_hash, some)
        )
    assert [len(one) for one in letters_hashes([])] == [0, 0]


def test_what_was_asked_before_changes_nothing() -> None:
    papers = [
        paper("Fine tuning", "by fine-tuning the state of the art", 1),
        paper("Finetuning", "a word", 2),
        paper("", "tuning in parameter efficient ways", 3),
    ]
    queries = ["finetuning", '"state of the art"', "tuning", "stateoftheart", "word OR efficient"]
    alone = [finds(query, *papers) for query in queries]
    assert alone == [[0, 1], [0], [0, 2], [], [1, 2]]
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 1, 0, 1, 2]):
        scan = Scan(papers)
        for number in order:
            evaluation = scan.evaluate(Compiled([parse(queries[number])]))
            true = evaluation.truth(np.array([0]))[0]
            assert np.flatnonzero(true).tolist() == alone[number]


TRUE = {
    "a word in the title": ("graph", "Graphs for all", ""),
    "a word in the abstract": ("graph", "", "We draw a graph."),
    "case and diacritics": ("godel", "", "After Gödel"),
    "diacritics in the query": ("Gödel", "", "after GODEL"),
    "words apart": ("graph drawing", "Drawing", "of graphs"),
    "a phrase across a comma": ('"graph drawing"', "", "graph, drawing"),
    "a phrase in the plural": ('"language model"', "", "Large language models"),
    "hyphen as space": ('"fine tuning"', "", "by fine-tuning"),
    "hyphen as nothing": ("fine-tuning", "", "by finetuning"),
    "nothing as hyphen": ("finetuning", "", "by fine-tuning"),
    "nothing as space": ("finetuning", "", "by fine tuning"),
    "words as one word": ("fine tuning", "", "by finetuning"),
    "one of three words as one": ("efficient fine tuning", "", "efficient finetuning"),
    "inside a longer phrase": (
        '"parameter efficient finetuning"',
        "",
        "parameter-efficient fine-tuning",
    ),
    "a long compound": ("stateoftheart", "", "the state-of-the-art"),
    "a wildcard": ("transform*", "", "transformers"),
    "a wildcard before the plural": ("studie*", "", "two studies"),
    "a wildcard in a phrase": ('"graph neur*"', "", "graph neural"),
    "a wildcard after a hyphen": ("fine-tun*", "", "fine-tuned"),
    "a hyphenated wildcard, joined": ("fine-tun*", "", "finetuned"),
    "a joined wildcard, hyphenated": ("finetun*", "", "fine-tuned"),
    "the title only": ("title:graph", "graph", ""),
    "the abstract only": ("abstract:graph", "", "graph"),
    "an exclusion elsewhere": ("graph -title:survey", "graph", "a survey"),
    "Chinese": ("语言模型", "大语言模型", ""),
    "Chinese with a space": ("语言 模型", "大语言模型", ""),
    "Korean before a particle": ("모델", "모델을", ""),
    "a code": ("C++", "", "written in C++."),
    "a Greek letter by name": ("alpha-synuclein", "", "α-synuclein"),
    "a possessive": ('"alzheimer disease"', "", "Alzheimer's disease"),
    "an acronym in the plural": ("gpu", "", "eight GPUs"),
    "a bracketed word": ("llm", "", "models (LLMs)"),
}
FALSE = {
    "part of a word": ("graph", "", "graphical"),
    "a phrase over the border": ('"graph drawing"', "graph", "drawing"),
    "a phrase turned round": ('"graph drawing"', "", "drawing graphs"),
    "a phrase with a gap": ('"graph drawing"', "", "graph and drawing"),
    "a word split by function words": ("often", "", "one of ten"),
    "letters over a comma": ("finetuning", "", "fine, tuning"),
    "letters over the border": ("finetuning", "fine", "tuning"),
    "the other field": ("title:graph", "", "graph"),
    "the other field, too": ("abstract:graph", "graph", ""),
    "an exclusion": ("graph -survey", "graph", "surveys"),
    "C is not C++": ("C++", "", "vitamin C"),
    "a wildcard is no infix": ("former*", "", "transformers"),
    "other Chinese": ("语言模型", "语言的模型", ""),
}


@pytest.mark.parametrize(("query", "title", "abstract"), TRUE.values(), ids=TRUE)
def test_finds(query: str, title: str, abstract: str) -> None:
    assert finds(query, paper("unrelated"), paper(title, abstract)) == [1]


@pytest.mark.parametrize(("query", "title", "abstract"), FALSE.values(), ids=FALSE)
def test_does_not_find(query: str, title: str, abstract: str) -> None:
    assert finds(query, paper("unrelated"), paper(title, abstract)) == []


NAMES = {
    "a family name": ("author:lovelace", True),
    "the whole name": ('author:"Ada Lovelace"', True),
    "family name first": ('author:"Lovelace, Ada"', True),
    "an initial": ('author:"A. Lovelace"', True),
    "diacritics": ("author:erdos", True),
    "a hyphenated name": ('author:"Jean Pierre Serre"', True),
    "a beginning": ("author:lovel*", True),
    "another's given name": ('author:"Paul Lovelace"', False),
    "no plural of names": ("author:serres", False),
    "a full name for an initial": ('author:"Giuseppe Peano"', False),
    "an initial for an initial": ('author:"G Peano"', True),
    "an initial alone": ("author:l", False),
    "not in the text": ("lovelace", False),
    "a category": ("category:cs.CL", True),
    "a category in lower case": ("category:cs.cl", True),
    "an archive": ("category:cs", True),
    "an archive with a star": ("category:cs.*", True),
    "the end of a category": ("category:cl", True),
    "a hyphenated category": ("category:math-ph", True),
    "half a hyphenated category": ("category:math", False),
    "a category in words": ('category:"cell biology"', True),
    "a word of a category": ("category:biology", True),
    "another category": ("category:cs.LG", False),
    "a source": ("source:arxiv-cs", True),
    "part of a source": ("source:arxiv", True),
    "another source": ("source:pubmed", False),
}


@pytest.mark.parametrize(("query", "expected"), NAMES.values(), ids=NAMES)
def test_names(query: str, expected: bool) -> None:
    one = paper(
        authors=("Ada King Lovelace", "Paul Erdős", "Jean-Pierre Serre", "Peano G"),
        categories=("cs.CL", "math-ph", "Cell Biology"),
        sightings=(builders.sighting(source="arxiv-cs"),),
    )
    assert bool(finds(query, one)) is expected


TEXT = "On “ﬁne-tuning” Gödel’s models: Finetuning, fine tuning, models"


def marked(query: str, text: str = TEXT) -> list[str]:
    return [text[hit.start : hit.end] for hit in hits(query, paper("", text))]


PLACES = {
    "every spelling": ("finetuning", ["ﬁne-tuning", "Finetuning", "fine tuning"]),
    "plurals": ("model", ["models", "models"]),
    "a phrase": ('"godel model"', ["Gödel’s models"]),
    "a wildcard": ("mod*", ["models", "models"]),
    "two words": ("fine tuning", ["ﬁne", "tuning", "Finetuning", "fine", "tuning"]),
    "what is excluded has no place": ("model -survey", ["models", "models"]),
    "alternatives that are there": ("godel OR euler", ["Gödel"]),
}


@pytest.mark.parametrize(("query", "expected"), PLACES.values(), ids=PLACES)
def test_places(query: str, expected: list[str]) -> None:
    assert marked(query) == expected


def test_hits_say_field_element_and_the_term_as_written() -> None:
    one = paper("Graphs", "A graph.", authors=("Bo Lind", "Ada Graph"), categories=("cs.DS",))
    found = hits('Graph* author:"ada graph" category:cs.ds', one)
    assert found == (
        Hit(Field.TITLE, 0, 6, "Graph*"),
        Hit(Field.ABSTRACT, 2, 7, "Graph*"),
        Hit(Field.AUTHOR, 0, 9, "ada graph", 1),
        Hit(Field.CATEGORY, 0, 5, "cs.ds"),
    )


def test_hits_of_a_field_stay_in_it() -> None:
    assert {hit.field for hit in hits("title:graph", paper("graph", "graph graph"))} == {
        Field.TITLE
    }


def test_a_word_that_is_everywhere_has_a_few_places() -> None:
    assert len(hits("model", paper("", "model " * 100))) == MOST_HITS


@pytest.mark.parametrize("query", ["finetuning", '"graph models"', "gödel", "fine-tun*"])
def test_each_place_spells_the_term(query: str) -> None:
    text = "Graph-models of Gödel’s ﬁne tuning; fine-tuning — GÖDEL, graph model"
    for hit in hits(query, paper("", text)):
        place = spell(text[hit.start : hit.end])
        term = spell(hit.term.removesuffix("*"))
        assert place.same_as(term) or place.joined.startswith(term.joined)


def test_strength_counts_terms_and_titles() -> None:
    papers = [paper("graph"), paper("graph neural"), paper("", "graph"), paper("", "graph neural")]
    evaluation = Scan(papers).evaluate(Compiled([parse("graph OR neural OR -zebra tree")]))
    strength = evaluation.strength(np.zeros(4, np.int64), np.arange(4))
    assert strength.tolist() == pytest.approx([2 / 6, 4 / 6, 1 / 6, 2 / 6])


def test_a_query_finds_the_same_alone_and_among_many() -> None:
    queries = [parse(text) for text, _, _ in (*TRUE.values(), *FALSE.values())]
    papers = [paper(title, text) for _, title, text in (*TRUE.values(), *FALSE.values())]
    scan = Scan(papers)
    together = scan.evaluate(Compiled(queries)).truth(np.arange(len(queries)))
    alone = [scan.evaluate(Compiled([query])).truth(np.array([0]))[0] for query in queries]
    assert np.array_equal(together, np.array(alone))


@pytest.mark.parametrize("before", [BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_phrase_over_the_end_of_a_block(before: int) -> None:
    filler = "word " * (before - 2)
    papers = [paper("", filler), paper("", "a graph neural network")]
    assert finds('"graph neural network"', *papers) == [1]


def test_more_papers_than_bits_in_a_word() -> None:
    papers = [paper(f"word{number % 3}", number=number) for number in range(200)]
    assert finds("word1", *papers) == [n for n in range(200) if n % 3 == 1]
    assert finds("word1 OR -word2 word0", *papers) == [n for n in range(200) if n % 3 < 2]


EMPTY: dict[str, Sequence[Paper]] = {
    "no papers": [],
    "a paper without words": [paper("…", "")],
    "nothing but signs": [paper("\x00\u200b\ufeff", "🙂 ✂", authors=("—",), categories=("",))],
}


@pytest.mark.parametrize("papers", EMPTY.values(), ids=EMPTY)
def test_nothing_to_find(papers: Sequence[Paper]) -> None:
    for query in ("graph", "gra*", "author:a", "category:q-bio", "source:x", '"a b" OR c -d'):
        assert finds(query, *papers) == []


def test_deep_and_broad_queries_are_evaluated() -> None:
    deep = "word1 (word2 OR " * 400 + "word3" + ")" * 400
    broad = " OR ".join(f"word{number}" for number in range(900))
    found = [paper("word1 word2"), paper("word3"), paper("word1 word3"), paper("word2")]
    assert finds(deep, *found) == [0, 2]
    assert finds(broad, *found) == [0, 1, 2, 3]


# --- independent judges -------------------------------------------------------------------------

VOCABULARY = """
    lantern harbour tide tideline gull basalt basin kelp moss mosaic quartz quarry river rivet
    sandbar comet cometary delta deltoid ember frost
"""
WORDS = VOCABULARY.split()
GAPS = (" ", " ", " ", ", ", " - ", "-", ". ")


@dataclass(frozen=True)
class Asked:
    """One random query, as we write it and as FTS5 does."""

    ours: str
    theirs: str


def random_text(chance: random.Random, length: int) -> str:
    words = (chance.choice(WORDS) for _ in range(length))
    return "".join(f"{word}{chance.choice(GAPS)}" for word in words)


def random_term(chance: random.Random) -> Asked:
    field = chance.choice(["", "", "", "title", "abstract"])
    words = chance.sample(WORDS, chance.choice([1, 1, 1, 2, 2, 3]))
    star = chance.random() < 0.2
    if star:
        words[-1] = words[-1][: chance.randint(3, len(words[-1]))]
    text = " ".join(words)
    body = f'"{text}{"*" * star}"' if len(words) > 1 else f"{text}{'*' * star}"
    ours = f"{field}:{body}" if field else body
    theirs = f'"{text}"{" *" * star}'
    return Asked(ours, f"{field} : {theirs}" if field else theirs)


def random_query(chance: random.Random, depth: int) -> Asked:
    if depth == 0 or chance.random() < 0.25:
        return random_term(chance)
    parts = [random_query(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    kind = chance.choice(["AND", "OR", "NOT"])
    if kind == "NOT":
        a, b = parts[:2]
        minus = chance.choice(["-", "NOT ", "AND NOT "])
        return Asked(f"({a.ours}) {minus}({b.ours})", f"({a.theirs}) NOT ({b.theirs})")
    join = chance.choice([" ", " AND "]) if kind == "AND" else " OR "
    ours = join.join(f"({part.ours})" for part in parts)
    return Asked(ours, f" {kind} ".join(f"({part.theirs})" for part in parts))


@pytest.fixture(scope="module")
def random_papers() -> list[Paper]:
    chance = random.Random(11)
    return [
        paper(random_text(chance, 5), random_text(chance, 25), number=number + 1)
        for number in range(150)
    ]


@pytest.fixture(scope="module")
def fts(random_papers: list[Paper]) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE papers USING fts5(title, abstract)")
    rows = [(number, one.title, one.abstract) for number, one in enumerate(random_papers)]
    connection.executemany("INSERT INTO papers (rowid, title, abstract) VALUES (?, ?, ?)", rows)
    yield connection
    connection.close()


def test_a_thousand_random_queries_agree_with_sqlite(
    random_papers: list[Paper], fts: sqlite3.Connection
) -> None:
    chance = random.Random(12)
    asked = [random_query(chance, 3) for _ in range(1_000)]
    compiled = Compiled([parse(one.ours) for one in asked])
    truth = Scan(random_papers).evaluate(compiled).truth(np.arange(len(asked)))
    select = "SELECT rowid FROM papers WHERE papers MATCH ? ORDER BY rowid"
    different = 0
    for one, row in zip(asked, truth, strict=True):
        expected = [number for (number,) in fts.execute(select, (one.theirs,))]
        assert np.flatnonzero(row).tolist() == expected, one
        different += 0 < len(expected) < len(random_papers)
    assert different > 500  # the queries tell papers apart


Judge = Callable[[set[str], set[str]], bool]


def random_formula(chance: random.Random, depth: int) -> tuple[str, Judge]:
    """A formula with NOT in any place, and the function that it stands for."""
    if depth == 0:
        return random_leaf(chance)
    (first, one), (second, other) = (random_formula(chance, depth - 1) for _ in range(2))
    kind = chance.choice(["AND", "OR", "NOT"])
    if kind == "NOT":
        return f"NOT ({first})", lambda title, rest: not one(title, rest)
    if kind == "AND":
        text = f"({first}) {chance.choice(['', 'AND '])}({second})"
        return text, lambda title, rest: one(title, rest) and other(title, rest)
    return f"({first}) OR ({second})", lambda title, rest: one(title, rest) or other(title, rest)


def random_leaf(chance: random.Random) -> tuple[str, Judge]:
    word = chance.choice(WORDS)
    match chance.randint(0, 2):
        case 0:
            return f"title:{word}", lambda title, rest: word in title
        case 1:
            return f"abstract:{word}", lambda title, rest: word in rest
        case _:
            return word, lambda title, rest: word in title | rest


def test_any_nesting_of_not_agrees_with_brute_force(random_papers: list[Paper]) -> None:
    chance = random.Random(13)
    words = [
        [set(re.findall("[a-z]+", text)) for text in (p.title, p.abstract)] for p in random_papers
    ]
    queries, expected = [], []
    for _ in range(300):
        text, judge = random_formula(chance, 4)
        queries.append(parse(f"(lantern OR tide) ({text})"))
        expected.append(
            [
                bool({"lantern", "tide"} & (title | rest)) and judge(title, rest)
                for title, rest in words
            ]
        )
    truth = Scan(random_papers).evaluate(Compiled(queries)).truth(np.arange(len(queries)))
    assert truth.tolist() == expected
