"""Words: cutting, folding, plurals, hyphens, and offsets that stay true."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.matching.plurals import singular
from digest.matching.terms import bounds, cut, fold, key, spans, spans_of, spell

SAME = [
    ("model", "models"),
    ("study", "studies"),
    ("movie", "movies"),
    ("bus", "buses"),
    ("virus", "viruses"),
    ("bias", "biases"),
    ("gas", "gases"),
    ("lens", "lenses"),
    ("class", "classes"),
    ("process", "processes"),
    ("box", "boxes"),
    ("search", "searches"),
    ("cache", "caches"),
    ("database", "databases"),
    ("cause", "causes"),
    ("house", "houses"),
    ("response", "responses"),
    ("disease", "diseases"),
    ("analysis", "analyses"),
    ("hypothesis", "hypotheses"),
    ("matrix", "matrices"),
    ("index", "indices"),
    ("index", "indexes"),
    ("mouse", "mice"),
    ("child", "children"),
    ("criterion", "criteria"),
    ("phenomenon", "phenomena"),
    ("mitochondrion", "mitochondria"),
    ("curve", "curves"),
    ("half", "halves"),
    ("hero", "heroes"),
    ("metric", "metrics"),
    ("GPU", "GPUs"),
    ("gpu", "gpus"),
    ("LLM", "LLMs"),
    ("API", "APIs"),
    ("VM", "VMs"),
    ("A100", "A100s"),
    ("MODEL", "Models"),
]
DIFFERENT = [
    ("bus", "bu"),
    ("bus", "buse"),
    ("dose", "DOS"),
    ("case", "CAS"),
    ("logistics", "logistic"),
    ("genetics", "genetic"),
    ("physics", "physic"),
    ("news", "new"),
    ("AIDS", "aid"),
    ("series", "sery"),
    ("class", "clas"),
    ("analysis", "analyst"),
    ("thesis", "these"),
    ("model", "modelling"),
    ("gas", "ga"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_plural_and_singular_are_one(one: str, other: str) -> None:
    assert singular(one) == singular(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_only_looks_like_a_plural_stays_apart(one: str, other: str) -> None:
    assert singular(one) != singular(other)


CUTS = {
    "hyphens": ("state-of-the-art", ["state", "of", "the", "art"]),
    "a possessive": ("Alzheimer’s disease, users' data", ["Alzheimer", "disease", "users", "data"]),
    "letters and digits": ("GPT-4o, CO2 and 3D", ["GPT", "4o", "CO2", "and", "3D"]),
    "programming languages": ("C++, C# or F#", ["C++", "C#", "or", "F#"]),
    "no plus elsewhere": ("ABC++", ["ABC"]),
    "diacritics": ("Gödel naïve Łódź", ["Godel", "naive", "Lodz"]),
    "combining marks": ("cafe\u0301s", ["cafes"]),
    "ligatures": ("ﬁne-tuning ﬂow", ["fine", "tuning", "flow"]),
    "sharp s": ("Straße", ["Strasse"]),
    "a Turkish capital": ("İstanbul", ["Istanbul"]),
    "full width": ("ＧＰＴ", ["GPT"]),
    "subscripts": ("CO₂", ["CO2"]),
    "Greek apart from Latin": ("TNFα", ["TNF", "α"]),
    "Greek words whole": ("λόγος", ["λογος"]),
    "Cyrillic": ("Чайковский ёлка", ["Чайковский", "елка"]),
    "Chinese by character": ("大模型 AI", ["大", "模", "型", "AI"]),
    "Japanese keeps its marks": ("ガラス", ["ガ", "ラ", "ス"]),
    "Korean by syllable": ("모델을", ["모", "델", "을"]),
    "Devanagari keeps its vowels": ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
    "underscores": ("foo_bar", ["foo", "bar"]),
    "a soft hyphen": ("net\u00adwork", ["network"]),
    "a trade mark": ("BERT™", ["BERT"]),
    "nothing": ("… — !", []),
}


@pytest.mark.parametrize(("text", "words"), CUTS.values(), ids=CUTS)
def test_cuts(text: str, words: list[str]) -> None:
    assert cut(text) == words
    assert len(spans(text)) == len(words)


@pytest.mark.parametrize("text", [text for text, _ in CUTS.values()], ids=CUTS)
def test_each_span_cuts_to_its_word(text: str) -> None:
    for word, (start, end) in zip(cut(text), spans(text), strict=True):
        assert cut(text[start:end]) == [word]


def test_spans_refer_to_the_text_as_given() -> None:
    text = "“ﬁne–tu\u0301ning” ½ of ﬃ"
    assert [text[start:end] for start, end in spans(text)] == [
        "ﬁne",
        "tu\u0301ning",
        "½",
        "½",
        "of",
        "ﬃ",
    ]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_spans_are_in_order_and_inside(text: str) -> None:
    found = spans(text)
    assert len(found) == len(cut(text))
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert [start for start, _ in found] == sorted(start for start, _ in found)


@given(st.text(st.sampled_from("aZ9 c+C#f-_'s.\n\x1f~"), max_size=40))
def test_plain_words_are_cut_as_any_others(text: str) -> None:
    foreign = f"{text} é"  # makes the general pattern cut it
    assert cut(foreign) == [*cut(text), "e"]
    assert [text[start:end] for start, end in spans(text)] == cut(text)
    assert list(bounds(text)) == [at for both in spans(text) for at in both]


ODD = ("C++", "c#", "F#x", "it's", "cats'", "’s", "x", "3-d", "_", "α", "é", "ﬁ", "…", "it’sa")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(ODD)))
def test_some_spans_are_those_of_all(words: list[str]) -> None:
    for text in (" ".join(words), "".join(words), " ".join([*words, "lamp"] * 40)):
        everything = spans(text)
        for places in ([0], [1, 4, 70], range(len(everything) + 3)):
            wanted = [everything[at] for at in places if at < len(everything)]
            assert spans_of(text, places) == wanted


def test_a_lone_greek_letter_has_its_name() -> None:
    assert [key(word) for word in cut("α-synuclein and β")] == ["alpha", "synuclein", "and", "beta"]


def test_fold_keeps_ascii_as_it_is() -> None:
    assert fold("Plain TEXT") == "Plain TEXT"


ONE_SPELLING = [
    ("fine-tuning", "fine tuning"),
    ("fine-tuning", "finetuning"),
    ("fine tuning", "Finetuning"),
    ("state-of-the-art", "state of the art"),
    ("state-of-the-art", "stateoftheart"),
    ("data sets", "datasets"),
    ("GPT-4", "GPT4"),
    ("GPT 4", "GPT4"),
    ("Covid-19", "COVID 19"),
    ("T-cell", "T cells"),
    ("Jean-Pierre", "Jean Pierre"),
    ("TNF-α", "TNF alpha"),
    ("fine‑tuning", "fine—tuning"),
    ("language models", "language model"),
    ("cross validation", "cross-validation"),
    ("O'Brien", "OBrien"),
]
TWO_SPELLINGS = [
    ("often", "of ten"),
    ("notable", "not able"),
    ("information", "in formation"),
    ("10-20", "1020"),
    ("10 20", "1020"),
    ("fine, tuning", "finetuning"),
    ("fine tuning", "tuning fine"),
    ("fine tuning", "fine"),
    ("aa ab", "aaab c"),
    ("a-b-c-d-e-f", "abcdef"),
]


@pytest.mark.parametrize(("one", "other"), ONE_SPELLING)
def test_one_spelling(one: str, other: str) -> None:
    assert spell(one).same_as(spell(other))
    assert spell(other).same_as(spell(one))


@pytest.mark.parametrize(("one", "other"), TWO_SPELLINGS)
def test_two_spellings(one: str, other: str) -> None:
    assert not spell(one).same_as(spell(other))
    assert not spell(other).same_as(spell(one))
