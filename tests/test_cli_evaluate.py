"""`digest evaluate` on a collection small enough to judge by eye."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.test_cli import Digest, digest

__all__ = ["digest"]  # a fixture

MEASURES = {"ndcg@10", "ndcg@20", "recall@50", "map", "auc", "p@10", "top2%"}
SUBJECTS = {
    "lamps": ("Lanterns in fog", "How far the light of a lantern reaches at sea."),
    "bread": ("Rye bread", "Sourdough, and how long loaves keep."),
    "roads": ("Roman roads", "Paving stones and milestones of the empire."),
    "bees": ("Bees in towns", "Which flowers on balconies feed the hives."),
    "ropes": ("Ropes that remember", "The shape of the last knot stays in a rope."),
}


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "collection"
    folder.mkdir()
    papers = [{"id": key, "title": t, "abstract": a} for key, (t, a) in SUBJECTS.items()]
    corpus = "".join(json.dumps(one) + "\n" for one in papers)
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    queries = [
        {"id": "q1", "text": "light of lanterns"},
        {"id": "q2", "library": ["bread"]},
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    rows = ["query-id\tcorpus-id\tscore", "q1\tlamps\t2", "q1\troads\t0", "q2\tbees\t1"]
    (folder / "qrels.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_json_has_every_method_and_measure(digest: Digest, collection: Path) -> None:
    said = digest("evaluate", collection, "--json", "--second-stage", "off")
    assert said.code == 0
    assert (said.json["documents"], said.json["queries"]) == (5, 2)
    assert {"bm25", "tfidf", "dense", "hybrid"} == said.json["methods"].keys()
    assert all(values.keys() == MEASURES for values in said.json["methods"].values())


def test_judged_only_ranks_what_was_judged(digest: Digest, collection: Path) -> None:
    said = digest("evaluate", collection, "--json", "--judged-only", "--second-stage", "off")
    assert said.json["methods"]["hybrid"]["ndcg@10"] == 1.0


def test_people_get_a_table_with_intervals(digest: Digest, collection: Path) -> None:
    said = digest("evaluate", collection, "--second-stage", "off")
    assert said.code == 0
    assert "ndcg@10" in said.out.splitlines()[0]
    assert "5 papers, 2 queries." in said.out


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        pytest.param("queries.jsonl", '{"id": "q1", "text"\n', "queries.jsonl:1", id="queries"),
        pytest.param("qrels.tsv", "q1 lamps 2\n", "qrels.tsv:1", id="qrels"),
    ],
)
def test_a_broken_collection_is_told_by_its_line(
    digest: Digest, collection: Path, file: str, text: str, place: str
) -> None:
    (collection / file).write_text(text)
    said = digest("evaluate", collection, "--second-stage", "off")
    assert (said.code, said.out) == (2, "")
    assert place in said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["nowhere"], "is no folder", id="folder"),
        pytest.param([".", "--embedder", "magic"], "--embedder", id="embedder"),
        pytest.param([".", "--embedder", "openai:x"], "an endpoint", id="endpoint"),
    ],
)
def test_wrong_usage_is_told(digest: Digest, arguments: list[str], told: str) -> None:
    said = digest("evaluate", *arguments)
    assert said.code == 2
    assert told in said.err
