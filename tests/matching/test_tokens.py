"""Tokens word by word are those that the tokenizer gives of the whole text."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from digest.matching.static import static_embedder
from digest.matching.tokens import Rows, Tokens, known_pairs, with_pairs

TOKENIZER = static_embedder()._table.tokenizer


def whole(texts: list[str]) -> tuple[list[int], list[int]]:
    cut = TOKENIZER.encode_batch(texts, add_special_tokens=False)
    found = [(at, token) for at, one in enumerate(cut) for token in one.ids]
    return [at for at, _ in found], [token for _, token in found]


@given(st.lists(st.text(max_size=60), max_size=4))
@example(["Größe İstanbul ½ ﬁne K ①", "", "e\u0301te\u0301 ΟΔΟΣ ſ"])
@example(["x" * 200, "don't re-use GPT-4o_mini", "日本語 graph 7B"])
def test_words_cut_alone_give_the_tokens_of_the_text(texts: list[str]) -> None:
    owners, rows = Tokens(TOKENIZER).read(texts)
    assert (owners.tolist(), rows.tolist()) == whole(texts)


def test_a_word_of_the_table_stays_one() -> None:
    words = [word for word in TOKENIZER.get_vocab() if word.isalnum() and word.isascii()][::97]
    tokens = [one.ids for one in TOKENIZER.encode_batch(words, add_special_tokens=False)]
    assert len(words) > 100
    assert tokens == [[TOKENIZER.token_to_id(word)] for word in words]


def test_what_is_remembered_is_bounded() -> None:
    reader = Tokens(TOKENIZER, remembered=3)
    for text in ("one two three", "four five", "six one", "one two three four five"):
        assert reader.read([text])[1].tolist() == whole([text])[1]
    assert len(reader._known) <= 3 + 5  # one reading more than is kept


def test_pairs_follow_the_words() -> None:
    pairs: Rows = np.array([2 * 10 + 3, 7 * 10 + 7])
    at, rows = known_pairs(np.array([2, 3, 7, 7, 7]), pairs, 10)
    assert at.tolist() == [0, 2, 3]
    assert rows.tolist() == [10, 11, 11]
    assert with_pairs(np.array([2, 3]), pairs, 10).tolist() == [2, 3, 10]
    assert with_pairs(np.array([3]), pairs, 10).tolist() == [3]
