"""The embedder inside the box: what its vectors promise, and that the shipped table loads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import numpy as np
import pytest
from tokenizers import models

from digest.errors import ConfigError
from digest.matching.static import (
    StaticEmbedder,
    blank_tokenizer,
    pack,
    read_table,
    sentences,
    static_embedder,
    unpack,
    write_table,
)

WORDS = {"[UNK]": 0, "graph": 1, "neural": 2, "network": 3, "##s": 4, "protein": 5}


def table_bytes(seed: int = 1) -> bytes:
    tokenizer = blank_tokenizer(models.WordPiece(vocab=WORDS, unk_token="[UNK]"))
    rng = np.random.default_rng(seed)
    pairs = np.array([2 * len(WORDS) + 3])  # neural network
    vectors = rng.standard_normal((len(WORDS) + 1, 16)).astype(np.float32)
    weights = np.linspace(1, 2, len(WORDS) + 1, dtype=np.float32)
    return write_table(vectors, weights, pairs, tokenizer.to_str().encode())


@pytest.fixture
def embedder() -> StaticEmbedder:
    return StaticEmbedder.of(table_bytes())


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("One thing.", 1), ("One. Two.", 2), ("An i.e. aside. Then 3 more; No!", 3)],
)
def test_sentences(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_rows_have_unit_length_and_empty_texts_are_zero(embedder: StaticEmbedder) -> None:
    vectors = embedder.embed(["graph neural networks", "", "protein"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], atol=1e-5)


def test_case_and_diacritics_do_not_matter(embedder: StaticEmbedder) -> None:
    plain, dressed = embedder.embed(["protein graph", "Pröteïn — GRAPH"])
    np.testing.assert_allclose(plain, dressed, atol=1e-6)


def test_a_known_pair_says_more_than_its_words(embedder: StaticEmbedder) -> None:
    together, apart = embedder.embed(["neural network", "network neural"])
    assert together @ apart < 0.999


def test_papers_get_the_vectors_of_their_text_and_of_each_part(embedder: StaticEmbedder) -> None:
    papers = [["graph", "protein protein."], ["neural network"]] * 70
    found = embedder.embed_papers(papers)
    assert found.starts.tolist()[:3] == [0, 2, 3]
    assert len(found.whole) == 140
    np.testing.assert_allclose(found.parts[:2], embedder.embed(["graph", "protein protein."]))
    np.testing.assert_allclose(found.whole[0], embedder.embed(["graph protein protein"])[0])


def test_statement_weights_follow_the_background(embedder: StaticEmbedder) -> None:
    frequencies = embedder.frequencies([["graph", "graph"], ["graph neural"]])
    assert frequencies[1] == 2
    assert frequencies[2] == 1
    assert frequencies[-1] == 2
    common = embedder.embed_statements(["graph protein"], frequencies)[0]
    protein = embedder.embed(["protein"])[0]
    assert common @ protein > embedder.embed(["graph protein"])[0] @ protein


def test_four_bits_keep_the_direction() -> None:
    rows = np.random.default_rng(3).standard_normal((50, 256)).astype(np.float32)
    codes, scales = pack(rows)
    again = unpack(codes) * scales[:, None]
    cosine = (rows * again).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(again, axis=1)
    assert codes.nbytes == 50 * 128
    assert cosine.min() > 0.98


def test_the_id_follows_the_content() -> None:
    assert StaticEmbedder.of(table_bytes()).id == StaticEmbedder.of(table_bytes()).id
    assert StaticEmbedder.of(table_bytes()).id != StaticEmbedder.of(table_bytes(seed=2)).id


@pytest.mark.parametrize("data", [b"", b"not a table", table_bytes()[:300]])
def test_a_damaged_table_is_named(data: bytes) -> None:
    with pytest.raises(ConfigError, match="static table"):
        read_table(data)
    with pytest.raises(ConfigError, match="static table"):
        StaticEmbedder.of(data)


def test_the_table_is_read_once_whoever_is_first() -> None:
    embedder = StaticEmbedder.of(table_bytes())
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: embedder.embed(["some words"])[0], range(4)))
    assert embedder.dimensions == len(found[0])
    assert all(np.array_equal(one, found[0]) for one in found)


def test_the_shipped_table_is_what_its_record_says() -> None:
    data = files("digest.matching").joinpath("data/static.npz").read_bytes()
    read, told = StaticEmbedder.of(data), static_embedder()
    assert (told.id, told.dimensions) == (read.id, read.dimensions)


def test_the_shipped_table_knows_science() -> None:
    embedder = static_embedder()
    assert embedder.dimensions == 256
    asked, near, far = embedder.embed(
        [
            "heart attack in elderly patients",
            "Myocardial infarction and coronary occlusion in the aged.",
            "Scheduling of concurrent programs on multicore machines.",
        ]
    )
    assert asked @ near > asked @ far + 0.1
