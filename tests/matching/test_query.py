"""The query language: what is read, and what is said of every mistake."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import QuerySyntaxError
from digest.matching.query import MAX_LENGTH, MAX_TERMS, MAX_WORDS, Query, parse

READINGS = {
    "a word": ("graph", "graph"),
    "two words are AND": ("graph neural", "graph AND neural"),
    "AND binds tighter": ("a b OR c d", "a AND b OR c AND d"),
    "NOT binds tightest": ("a NOT b OR c", "a AND NOT b OR c"),
    "operators in any case": ("a and b or not c d", "a AND b OR NOT c AND d"),
    "a dash excludes": ("a -b", "a AND NOT b"),
    "a typographic dash excludes": ("a –b", "a AND NOT b"),
    "a dash before a phrase": ('a -"b c"', 'a AND NOT "b c"'),
    "a dash before a group": ("a -(b OR c)", "a AND NOT (b OR c)"),
    "a dash before a field": ("a -title:b", "a AND NOT title:b"),
    "a dash inside a word": ("fine-tuning", "fine-tuning"),
    "two NOTs cancel": ("NOT NOT a", "a"),
    "a NOT before an exclusion": ("NOT -a", "a"),
    "groups of one kind melt": ("a (b (c d))", "a AND b AND c AND d"),
    "alternatives melt": ("(a OR b) OR (c)", "a OR b OR c"),
    "groups that matter stay": ("a (b OR c)", "a AND (b OR c)"),
    "a negated group stays": ("a -(b c)", "a AND NOT (b AND c)"),
    "a phrase": ('"graph  neural\nnetwork"', '"graph neural network"'),
    "curly quotes": ("“graph neural”", '"graph neural"'),
    "low and angled quotes": ("„a b“ OR «c d»", '"a b" OR "c d"'),
    "a reserved word in quotes": ('"and" OR "not"', '"and" OR "not"'),
    "a wildcard": ("transform*", "transform*"),
    "a wildcard in a phrase": ('"deep learn*"', '"deep learn*"'),
    "a wildcard on a hyphenated word": ("fine-tun*", "fine-tun*"),
    "a field": ("title:graph", "title:graph"),
    "a field in capitals": ("Title:graph", "title:graph"),
    "a field and a space": ("author: lovelace", "author:lovelace"),
    "a field and a phrase": ('author:"ada lovelace"', 'author:"ada lovelace"'),
    "a field over a group": ("title:(a OR b) c", "(title:a OR title:b) AND c"),
    "a field over a deep group": ("title:(a (b OR -c))", "title:a AND (title:b OR NOT title:c)"),
    "a category": ("category:cs.CL OR category:q-bio.*", "category:cs.CL OR category:q-bio.*"),
    "letters and signs": ("C++ GPT-4 R&D", "C++ AND GPT-4 AND R&D"),
    "a number with a comma": ("10,000", "10,000"),
    "a colon after a digit": ("3:1", "3:1"),
    "a hyphenated word before a colon": ("covid-19:", "covid-19:"),
    "no spaces around groups": ("a(b OR c)d", "a AND (b OR c) AND d"),
    "full-width parentheses": ("a （b OR c）", "a AND (b OR c)"),
    "Chinese": ("语言模型 OR 模*", "语言模型 OR 模*"),
}


@pytest.mark.parametrize(("text", "normal"), READINGS.values(), ids=READINGS)
def test_reads(text: str, normal: str) -> None:
    assert str(parse(text)) == normal


@pytest.mark.parametrize("text", [text for text, _ in READINGS.values()], ids=READINGS)
def test_normal_form_reads_the_same(text: str) -> None:
    query = parse(text)
    assert parse(str(query)) == query


MISTAKES = {
    "nothing": ("", 1, "is empty", "Write a word"),
    "only spaces": ("  \t\n", 1, "is empty", "Write a word"),
    "a group not closed": ("a (b", 3, "never closed", "Add a )"),
    "the innermost group not closed": ("(a (b)", 1, "never closed", "Add a )"),
    "a group not opened": ("a) b", 2, "closes nothing", "Remove it"),
    "wrong way round": (") (", 1, "closes nothing", "Remove it"),
    "an empty group": ("a ( ) b", 3, "are empty", "Fill or remove"),
    "a quote not closed": ('a "b c', 3, "never closed", 'Add a "'),
    "a quote not closed at the end": ('"a" "', 5, "never closed", 'Add a "'),
    "AND at the end": ("a AND", 3, "AND is followed by nothing", "Put a word after AND"),
    "AND at the start": ("AND a", 1, "nothing stands before", "Put a word before AND"),
    "OR at the end": ("a OR ", 3, "OR is followed by nothing", "Put a word after OR"),
    "OR twice": ("a OR OR b", 6, "OR stands before it", "Put a word before OR"),
    "AND after OR": ("a or AND b", 6, "or stands before it", "Put a word before AND"),
    "OR after AND": ("a AND OR b", 3, "AND is followed by nothing", "Put a word after AND"),
    "OR at the end of a group": ("(a OR) b", 4, "OR is followed by nothing", "Put a word"),
    "AND at the start of a group": ("a (AND b)", 4, "nothing stands before", "Put a word"),
    "NOT alone": ("NOT", 1, "NOT is followed by nothing", "Put a word after NOT"),
    "NOT at the end": ("a NOT", 3, "NOT is followed by nothing", "Put a word after NOT"),
    "NOT before OR": ("a NOT OR b", 3, "NOT is followed by nothing", "Put a word after NOT"),
    "a reserved word after a field": ("title:and", 7, "is an operator", 'Write "and"'),
    "a reserved word after a field and space": ("title: OR", 8, "is an operator", 'Write "OR"'),
    "a field misspelt": ("a titel:b", 3, "no field titel:", "Did you mean title:?"),
    "a field as arXiv writes it": ("au:x", 1, "no field au:", "Did you mean author:?"),
    "an address": ("https://example.org", 1, "no field https:", "The fields are title:"),
    "a field without a word": ("a title:", 3, "followed by nothing to look for", "title:word"),
    "a field before a parenthesis": ("(a title:)", 4, "followed by nothing", "title:word"),
    "a field in a field's group": ("title:(a author:b)", 10, "inside title:", "one field"),
    "a field in a field": ("title:author:b", 7, "inside title:", "one field"),
    "a dash after a field": ("title:-b", 7, "stands after title:", "-title:word"),
    "a dash after a field and space": ("title: -b", 8, "stands after title:", "-title:word"),
    "a lone dash": ("a - b", 3, "excludes nothing", "right before a word"),
    "a dash at the end": ("a -", 3, "excludes nothing", "right before a word"),
    "a dash before a closing parenthesis": ("(a -)", 4, "excludes nothing", "right before"),
    "two dashes": ("a --b", 4, "in a row", "Write one"),
    "a lone star": ("a *", 3, "only stand at the end", "transform*"),
    "a leading star": ("*graph", 1, "only stand at the end", "transform*"),
    "a star inside": ("gra*ph", 4, "only stand at the end", "transform*"),
    "two stars": ("graph**", 6, "only stand at the end", "transform*"),
    "a star after a quote": ('"deep learn"*', 13, "stands after the quote", "inside"),
    "a star after one letter": ("a g*", 3, "nearly everything", "at least 2 letters"),
    "a pipe": ("a | b", 3, "means nothing here", "Write OR"),
    "two ampersands": ("a && b", 3, "means nothing here", "Write AND"),
    "a plus": ("+a b", 1, "means nothing here", "Write a alone"),
    "a bang": ("a !b", 3, "means nothing here", "Write b alone"),
    "a comma": ("a, b", 2, "separates nothing", "Write OR"),
    "a comma without space": ("graph,network", 6, "separates nothing", "Write OR"),
    "a semicolon": ("graph; network", 6, "separates nothing", "Write OR"),
    "single quotes": ("'a b'", 1, "double quotes", 'Write "'),
    "an empty phrase": ('a ""', 3, "is empty", "at least one letter"),
    "a phrase of dots": ('a "..."', 3, "nothing to look for", "at least one letter"),
    "a word of dots": ("a ...", 3, "nothing to look for", "at least one letter"),
    "only an exclusion": ("-a", 2, "nearly every paper", "Add a word"),
    "only exclusions": ("-a NOT b", 2, "nearly every paper", "Add a word"),
    "NOT of a group": ("NOT (a OR b)", 6, "nearly every paper", "Add a word"),
    "an exclusion as alternative": ("a OR -b", 7, "nearly every paper", "Use AND"),
    "a word and its exclusion": ("a OR NOT a", 10, "nearly every paper", "Use AND"),
    "too long": ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "characters", "Split it"),
    "too many words": ("ab " * (MAX_TERMS + 1), 3 * MAX_TERMS + 1, "words and phrases", "Split"),
    "a phrase too long": (f'"{"ab " * (MAX_WORDS + 1)}"', 1, "32 words", "most telling"),
}


@pytest.mark.parametrize(("text", "column", "message", "mend"), MISTAKES.values(), ids=MISTAKES)
def test_names_the_mistake(text: str, column: int, message: str, mend: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    error = caught.value
    assert (error.query, error.column) == (text, column)
    assert message in error.message
    assert mend in error.mend
    assert error.pointer().splitlines()[-1] == " " * (column - 1) + "^"


@pytest.mark.parametrize("text", ["-survey", "NOT a -b", "-(a OR b)", "-(a b)"])
def test_exclusions_alone_are_fine_beside_a_statement(text: str) -> None:
    query = parse(text, exclusions_alone=True)
    assert query.wanted() == ()
    assert query.exclusions()


@pytest.mark.parametrize("text", ["a OR -b", "-(a -b)"])
def test_exclusions_alone_are_not_alternatives(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse(text, exclusions_alone=True)


EXCLUSIONS = {
    "none": ("a OR b", []),
    "one": ("a -b", ["b"]),
    "several, however nested": ("a -b (c -(d OR e))", ["b", "d OR e"]),
    "under an alternative it is no veto": ("a OR (b -c)", []),
    "inside an exclusion it is no veto": ("a -(b -c)", ["b AND NOT c"]),
}


@pytest.mark.parametrize(("text", "expected"), EXCLUSIONS.values(), ids=EXCLUSIONS)
def test_exclusions(text: str, expected: list[str]) -> None:
    assert sorted(str(query) for query in parse(text).exclusions()) == sorted(expected)


def test_wanted_terms_are_those_not_negated() -> None:
    query = parse("a -b (c OR NOT d) -(e -f) a")
    assert [str(term) for term in query.wanted()] == ["a", "c", "f"]


@pytest.mark.parametrize("depth", [5_000, 9_000])
def test_nested_parentheses_are_as_good_as_none(depth: int) -> None:
    query = parse("(" * depth + "graph" + ")" * depth)
    assert query == parse("graph")


def test_deep_alternation_needs_no_recursion() -> None:
    depth = MAX_TERMS // 2 - 1
    text = "aa (bb OR " * depth + "cc" + ")" * depth
    query = parse(text)
    assert len(query.terms) == 2 * depth + 1
    assert parse(str(query)) == query
    assert hash(query) == hash(parse(text))
    assert not query.holds(lambda term: term.text == "aa")
    assert query.holds(lambda term: term.text in {"aa", "cc"})


def test_time_is_linear() -> None:
    def seconds(size: int) -> float:
        text = ("(" * size + "graph" + ")" * size)[:MAX_LENGTH]
        best = []
        for _ in range(3):
            start = time.process_time()
            parse(text)
            best.append(time.process_time() - start)
        return min(best)

    assert seconds(8_000) < 40 * max(seconds(800), 1e-4)


def read(text: str) -> Query | QuerySyntaxError:
    try:
        return parse(text)
    except QuerySyntaxError as error:
        return error


TYPED = st.text(alphabet="ab\"“()*-:, ORNADTtile'", max_size=40) | st.text(max_size=30)


@settings(max_examples=400, deadline=None)
@given(TYPED)
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    found = read(text)
    if isinstance(found, QuerySyntaxError):
        assert 1 <= found.column <= len(text) + 1
        assert found.mend
    else:
        assert parse(str(found)) == found
