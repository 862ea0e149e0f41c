"""Which sentence of an abstract is chosen, and when none is."""

from __future__ import annotations

import pytest

from digest.matching.static import static_embedder
from digest.summaries.extract import LONGEST, extract, fit, sentences
from tests.builders import paper

BUOYS = (
    "Buoys are moored in most harbours, and their lamps are often the only light a pilot sees. "
    "However, how far a lamp reaches in fog is poorly understood. "
    "In this paper, we propose a lamp for buoys that changes its colour with the density of the "
    "fog, so that a pilot can read the distance from it. "
    "The lamps were moored in two harbours for a winter. "
    "Code is available at https://example.org/buoys."
)
TRIAL = (
    "Background: Sleep of night watch keepers is short, and little is known of what helps them. "
    "Methods: A hundred watch keepers were given dark glasses for the way home, or none. "
    "Results: Those with glasses slept 40 minutes longer (95% CI 22-58, e.g. in winter). "
    "Conclusions: Dark glasses on the way home lengthen the sleep of night watch keepers."
)


def chosen(abstract: str, title: str = "A title") -> str:
    (text,) = extract([paper(title=title, abstract=abstract)], static_embedder())
    return text


def test_what_is_new_is_chosen_without_what_leads_over_to_it() -> None:
    assert chosen(BUOYS, "Lamps for buoys in fog").startswith("We propose a lamp for buoys that")


def test_a_structured_abstract_gives_its_conclusion_without_the_heading() -> None:
    text = chosen(TRIAL, "Dark glasses for night watch keepers")
    assert text == "Dark glasses on the way home lengthen the sleep of night watch keepers."


@pytest.mark.parametrize(
    "abstract",
    ["", "   ", "Short.", "One long sentence alone " * 20, "?" * 400, "A. " * 200, "\u202e" * 300],
    ids=["empty", "blank", "short", "alone", "marks", "letters", "hidden"],
)
def test_what_has_no_telling_sentence_has_no_summary(abstract: str) -> None:
    assert chosen(abstract) == ""


def test_a_long_sentence_is_cut_between_words() -> None:
    long = "We show that " + "lamps and lenses and mirrors " * 20 + "reach far. " + BUOYS
    for sentence in sentences(long):
        text = fit(sentence)
        assert len(text) <= LONGEST
        assert text == text.strip()


def test_abbreviations_end_no_sentence() -> None:
    text = "As A. Mirza et al. The lamps, e.g. Those of Fig. 3, shine vs. Fog. They do not reach."
    assert sentences(text) == [text.removesuffix(" They do not reach."), "They do not reach."]


def test_the_same_papers_give_the_same_sentences_in_any_company() -> None:
    papers = [paper(n, abstract=text) for n, text in enumerate((BUOYS, TRIAL, "Short.") * 3, 1)]
    together = extract(papers, static_embedder())
    alone = [extract([one], static_embedder())[0] for one in papers]
    assert together == alone
    assert together[:3] == together[3:6]


def test_no_papers_no_sentences() -> None:
    assert extract([], static_embedder()) == []
