"""Spans, excerpts, bylines and why-lines: pure functions, tables of cases."""

from __future__ import annotations

from typing import Any

import pytest

from digest.model import Field, Hit, Paper, Reasons
from digest.rendering.byline import byline, chips
from digest.rendering.excerpt import EXCERPT_LENGTH, excerpt, mark, window
from digest.rendering.language import speak
from digest.rendering.plaintext import WIDTH, wrap
from digest.rendering.reasons import why
from digest.rendering.spans import Kind, Spans, clean, fill, line, plain, say, shorten
from tests.rendering import samples

EN = speak("en")


def written(spans: Spans) -> str:
    """Spans with their emphasis visible: [marked], *strong*, /emphasis/."""
    around = {Kind.PLAIN: "{}", Kind.MARK: "[{}]", Kind.STRONG: "*{}*", Kind.EMPHASIS: "/{}/"}
    return "".join(around[span.kind].format(span.text) for span in spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", "plain words"),
        ("line\nbreak\r\n", "line break  "),
        ("bell\x07 and escape\x1b[0m", "bell  and escape [0m"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\u2066isolated\u2069", "isolated"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("slot \ufdd07\ufdd1", "slot 7"),
        ("עברית\u200f 123", "עברית\u200f 123"),
        ("para\u2028graph", "para graph"),
        ("tag\U000e0041s", "tags"),
        ("e\u0301 naïve 日本語 😀", "e\u0301 naïve 日本語 😀"),
    ],
)
def test_clean_takes_what_deceives_and_leaves_writing(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("cut between two words", 15, "cut between…"),
        ("cut, after a comma", 6, "cut…"),
        ("oneendlesswordwithoutspaces", 10, "oneendles…"),
    ],
)
def test_shorten(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit) == expected
    assert len(shorten(text, limit)) <= limit


def test_line_is_one_line() -> None:
    assert line("  two \n lines\t\x00 ") == "two lines"


def test_fill_keeps_each_parts_emphasis() -> None:
    spans = fill("{b} then {a}.", a=say("one", Kind.STRONG), b=say("two", Kind.EMPHASIS))
    assert written(spans) == "/two/ then *one*."


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([], "0123456789"),
        ([(2, 4)], "01[23]456789"),
        ([(6, 8), (0, 2)], "[01]2345[67]89"),
        ([(2, 5), (4, 7)], "01[23456]789"),
        ([(2, 4), (4, 6)], "01[2345]6789"),
        ([(8, 10)], "01234567[89]"),
    ],
    ids=["none", "one", "unsorted", "overlapping", "touching", "end"],
)
def test_mark(ranges: list[tuple[int, int]], expected: str) -> None:
    assert written(mark("0123456789", ranges)) == expected


FILLER = "Nothing of note is said here, and it is said at length. " * 12


def hits(text: str, *terms: str) -> tuple[Hit, ...]:
    return tuple(
        Hit(Field.ABSTRACT, text.index(term), text.index(term) + len(term), term) for term in terms
    )


def test_a_short_abstract_is_shown_whole() -> None:
    text = "A short abstract about tides."
    assert written(excerpt(text, hits(text, "tides"))) == "A short abstract about [tides]."


def test_a_long_abstract_without_hits_begins_at_its_beginning() -> None:
    shown = plain(excerpt(FILLER, ()))
    assert shown.startswith("Nothing of note")
    assert shown.endswith(" …")
    assert len(shown) <= EXCERPT_LENGTH + 2


def test_the_window_opens_at_the_sentence_of_a_late_hit() -> None:
    text = FILLER + "Then the tides turn at last. " + FILLER
    shown = written(excerpt(text, hits(text, "tides")))
    assert "… " in shown[:3]
    assert "the [tides] turn at last." in shown


def test_the_window_shows_as_many_different_terms_as_it_can() -> None:
    text = "One gauge. " + FILLER + "A harbour has tides, and basins. " + FILLER
    shown = written(excerpt(text, hits(text, "gauge", "harbour", "tides", "basins")))
    assert [word in shown for word in ("[harbour]", "[tides]", "[basins]")] == [True] * 3


def test_a_late_hit_longer_than_a_window_opens_none() -> None:
    text = FILLER + "Then the tides turn at last. " + FILLER * 3
    found = [Hit(Field.ABSTRACT, len(FILLER), len(FILLER) + 400, "tides")]
    assert window(text, found)[0] == 0
    start, _ = window(text, [found[0]._replace(end=len(FILLER) + 40)])
    assert len(FILLER) - 90 <= start <= len(FILLER)


@pytest.mark.parametrize(("start", "end"), [(-4, 3), (5, 5), (9, 3), (10, 9999), (9000, 9010)])
def test_offsets_that_do_not_fit_are_dropped(start: int, end: int) -> None:
    found = (Hit(Field.ABSTRACT, start, end, "x"),)
    assert written(excerpt("Revised since.", found)) == "Revised since."


def test_marks_survive_cleaning_that_changes_lengths() -> None:
    text = "\u202eevil\u202c tides"
    assert written(excerpt(text, hits(text, "tides"))) == "evil [tides]"


PEOPLE = ("Ada A", "Bo B", "Cy C", "Di D", "Ed E", "Flo F", "Gus G")


@pytest.mark.parametrize(
    ("authors", "followed", "expected"),
    [
        ((), (), ""),
        (PEOPLE[:1], (), "Ada A"),
        (PEOPLE[:2], (), "Ada A and Bo B"),
        (PEOPLE[:4], (), "Ada A, Bo B, Cy C and Di D"),
        (PEOPLE, (), "Ada A, Bo B, Cy C and 4 more"),
        (PEOPLE, ("flo f",), "Ada A, Bo B, [Flo F] and 4 more"),
        (PEOPLE[:2], ("Nobody",), "Ada A and Bo B"),
        (("Zoë Brontë",), ("Zoe Bronte",), "[Zoë Brontë]"),
        (("\x00", "B" * 90), (), f"? and {'B' * 59}…"),
    ],
    ids=["none", "one", "two", "four", "many", "followed", "stranger", "accents", "hostile"],
)
def test_byline(authors: tuple[str, ...], followed: tuple[str, ...], expected: str) -> None:
    assert written(byline(authors, Reasons(followed=followed), EN)) == expected


def test_an_author_the_query_hit_is_marked() -> None:
    found = Reasons(hits=(Hit(Field.AUTHOR, 0, 3, "author:cy", element=2),))
    assert written(byline(PEOPLE[:3], found, EN)) == "Ada A, Bo B and [Cy C]"


def seen(*sources: str, categories: tuple[str, ...] = (), **rest: Any) -> Paper:
    return samples.paper(1, "A title", sources=sources, categories=categories, **rest)


@pytest.mark.parametrize(
    ("paper", "expected"),
    [
        (seen("arxiv", categories=("cs.CL", "cs.LG")), ("arXiv cs.CL",)),
        (seen("arXiv cs.CL", categories=("cs.CL",)), ("arXiv cs.CL",)),
        (seen("huggingface", categories=("cs.CL",)), ("Hugging Face", "cs.CL")),
        (seen("medrxiv", "arxiv"), ("medRxiv", "arXiv")),
        (
            seen("arXiv", "medRxiv", categories=("Health Informatics", "stat.AP")),
            ("arXiv stat.AP", "medRxiv"),
        ),
        (
            seen("arXiv", "medRxiv", categories=("Health Informatics",)),
            ("arXiv", "medRxiv Health Informatics"),
        ),
        (seen("bioRxiv", categories=("neuroscience", "q-bio.NC")), ("bioRxiv neuroscience",)),
        (seen("arXiv", categories=("quant-ph",)), ("arXiv quant-ph",)),
        (seen("arXiv", categories=("Neurology",)), ("arXiv", "Neurology")),
        (seen("My journal", votes=0, comments=0), ("My journal",)),
        (seen("hf", votes=1284, comments=1), ("Hugging Face", "▲ 1,284", "1 comment")),
        (seen("pubmed", organisation="An institute"), ("PubMed", "An institute")),
    ],
)
def test_chips(paper: Paper, expected: tuple[str, ...]) -> None:
    assert chips(paper, revision=False, language=EN) == expected


def test_a_revision_says_so() -> None:
    assert "new version" in chips(seen("arxiv"), revision=True, language=EN)[-1]


def found(term: str, *fields: Field) -> tuple[Hit, ...]:
    return tuple(Hit(field, 0, 1, term) for field in fields)


T, A = Field.TITLE, Field.ABSTRACT


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (Reasons(), ""),
        (Reasons(hits=found("tides", A)), "*tides* in the abstract."),
        (Reasons(hits=found("tides", T, A)), "*tides* in title and abstract."),
        (
            Reasons(hits=found("tides", A) + found("gauge", A)),
            "*tides* and *gauge* in the abstract.",
        ),
        (
            Reasons(hits=found("tides", T) + found("gauge", A)),
            "*tides* in the title, and *gauge* in the abstract.",
        ),
        (Reasons(hits=found('"high water"', A)), "The phrase *high water* in the abstract."),
        (Reasons(hits=found("title:tid*", T)), "*tid** in the title."),
        (Reasons(hits=found("category:cs.CL", Field.CATEGORY)), "The category *cs.CL*."),
        (Reasons(percentile=0.0001), "Top 1% of the stream: close to what you asked for."),
        (Reasons(percentile=0.0101), "Top 2% of the stream: close to what you asked for."),
        (Reasons(percentile=0.9), ""),
        (Reasons(percentile=float("nan")), ""),
        (
            Reasons(hits=found("tides", A), percentile=0.01, resembles="Two gauges"),
            "Top 1% of the stream: *tides* in the abstract, "
            "and close to /“Two gauges”/, which you liked.",
        ),
        (Reasons(followed=("Ada A", "Bo B")), "By *Ada A* and *Bo B*, whom you follow."),
        (Reasons(votes=84), "84 votes."),
        (Reasons(votes=1), "1 vote."),
    ],
)
def test_why(reasons: Reasons, expected: str) -> None:
    assert written(why(reasons, breadth=1, language=EN)) == expected


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [(Reasons(votes=84), "84 votes, in 3 sources."), (Reasons(), "In 3 sources.")],
)
def test_why_trending(reasons: Reasons, expected: str) -> None:
    assert written(why(reasons, breadth=3, language=EN)) == expected


@pytest.mark.parametrize(
    "text", ["", "one", "a few words " * 20, "x" * 200, "long " + "y" * 90 + " long " * 20]
)
def test_wrap_keeps_every_word_and_the_width(text: str) -> None:
    wrapped = wrap(text)
    assert wrapped.split() == text.split()
    lines = wrapped.split("\n")
    assert all(n == 0 or piece.startswith("    ") for n, piece in enumerate(lines))
    widths = [len(piece) + (4 if n == 0 else 0) for n, piece in enumerate(lines)]
    assert all(
        width <= WIDTH or len(piece.split()) == 1
        for width, piece in zip(widths, lines, strict=True)
    )
