"""Evaluation: measures by hand-worked cases, the format, and the whole on a small collection."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from digest.errors import UsageError
from digest.matching.collection import read_collection
from digest.matching.evaluation import FIRST, evaluate
from digest.matching.measures import NAMES, interval, measure
from digest.matching.static import static_embedder
from tests.matching.test_hybrid import TOPICS, Contrary, stream


def measured(scores: list[float], relevant: dict[int, float]) -> dict[str, float]:
    everything = np.arange(len(scores))
    values = measure(np.array(scores, np.float32), everything, relevant)
    return dict(zip(NAMES, values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("scores", "relevant", "name", "expected"),
    [
        ([3, 2, 1], {0: 1}, "ndcg@10", 1.0),
        ([3, 2, 1], {1: 1}, "ndcg@10", 1 / np.log2(3)),
        ([3, 2, 1], {0: 1, 1: 2}, "ndcg@10", (1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3))),
        ([3, 2, 1], {0: 1, 2: 1}, "map", (1 + 2 / 3) / 2),
        ([3, 2, 1], {1: 1}, "auc", 0.5),
        ([2, 2, 1], {1: 1}, "auc", 0.75),
        ([2, 2, 1], {1: 1}, "ndcg@10", 1 / np.log2(3)),
        ([1] * 60 + [2], {60: 1}, "recall@50", 1.0),
        ([2] + [1] * 60, {5: 1, 59: 1}, "recall@50", 0.5),
        ([9, 8, 7, 6], {1: 1, 3: 1}, "p@10", 0.2),
        (list(range(100, 0, -1)), {1: 1, 2: 1}, "top2%", 0.5),
    ],
)
def test_measures(
    scores: list[float], relevant: dict[int, float], name: str, expected: float
) -> None:
    assert measured(scores, relevant)[name] == pytest.approx(expected, abs=1e-6)


def test_the_interval_holds_the_mean() -> None:
    values = np.linspace(0, 1, 101, dtype=np.float32)
    low, high = interval(values)
    assert 0.4 < low < 0.5 < high < 0.6


def write(folder: Path, *, packed: bool = False, graded: bool = True) -> Path:
    lines = "\n".join(
        json.dumps({"id": f"p{one.id}", "title": one.title, "abstract": one.abstract})
        for one in stream(250)
    )
    if packed:
        (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    else:
        (folder / "corpus.jsonl").write_text(lines)
    queries = [
        {"id": "hands", "text": "robots that grasp objects"},
        {"id": "cells", "library": ["p4", "p9", "p14", "p19", "nowhere"]},
        {"id": "unanswered", "text": "nothing of the kind"},
    ]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)) + "\n")
    judged = ["query-id\tcorpus-id\tscore"]
    judged += [f"hands\tp{n}\t{2 if graded and n < 50 else 1}" for n in range(1, 250, 5)]
    judged += [f"hands\tp{n}\t0" for n in range(2, 60, 5)]
    judged += [f"cells\tp{n}\t1" for n in range(4, 250, 5)]
    (folder / "qrels.tsv").write_text("\n".join(judged) + "\n")
    return folder


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
def test_a_collection_is_measured(tmp_path: Path, packed: bool) -> None:
    heard: list[tuple[int, int]] = []
    report = evaluate(
        write(tmp_path, packed=packed),
        embedder=static_embedder(),
        report=lambda done, of: heard.append((done, of)),
    )
    result = report.to_json()
    assert set(result) == {"documents", "queries", "methods"}
    assert (result["documents"], result["queries"]) == (250, 2)
    assert set(report.methods) == {"bm25", "tfidf", "dense", "hybrid"}
    assert all(set(values) == set(NAMES) for values in report.methods.values())
    assert report.methods["hybrid"]["auc"] > 0.99
    low, high = report.intervals["hybrid"]["ndcg@10"]
    assert low <= report.methods["hybrid"]["ndcg@10"] <= high
    assert heard == [(250, 250)]
    json.dumps(result)


def test_judged_only_ranks_the_judged(tmp_path: Path) -> None:
    folder = write(tmp_path)
    plain = evaluate(folder, embedder=static_embedder())
    judged = evaluate(folder, embedder=static_embedder(), judged_only=True)
    assert judged.methods["hybrid"]["recall@50"] >= plain.methods["hybrid"]["recall@50"]
    assert judged.methods["hybrid"]["top2%"] <= plain.methods["hybrid"]["top2%"]


def test_the_second_stage_is_shown_beside_the_first(tmp_path: Path) -> None:
    report = evaluate(write(tmp_path), embedder=static_embedder(), second=Contrary())
    assert FIRST in report.methods
    first, both = report.methods[FIRST], report.methods["hybrid"]
    assert first["ndcg@10"] != pytest.approx(both["ndcg@10"], abs=1e-9) or first == both


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus.jsonl", None, "does not exist"),
        ("queries.jsonl", None, "queries.jsonl does not exist"),
        ("qrels.tsv", None, "qrels.tsv does not exist"),
        ("corpus.jsonl", "{broken", "corpus.jsonl:1: not JSON"),
        ("queries.jsonl", '{"text": "x"}', "queries.jsonl:1: no id"),
        ("qrels.tsv", "hands p1 1", "qrels.tsv:1: not a judgement"),
        ("qrels.tsv", "hands\tp1\thigh", "qrels.tsv:1: not a judgement"),
        ("qrels.tsv", "others\tp1\t1", "no question has a relevant paper"),
    ],
)
def test_a_faulty_collection_is_named(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    path = write(tmp_path) / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=message):
        evaluate(tmp_path, embedder=static_embedder())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl.gz", b"no gzip", r"corpus.jsonl.gz: cannot be read behind line 0"),
        pytest.param(
            "corpus.jsonl.gz",
            gzip.compress(b'{"id": 1}\n' * 9)[:-6],
            r"corpus.jsonl.gz: cannot be",
            id="cut short",
        ),
        ("corpus.jsonl", b'{"id": 1}\n{"id": "\xff"}\n', r"corpus.jsonl: not UTF-8 behind line"),
        ("qrels.tsv", b"hands\tp1\t1\n\xff", r"qrels.tsv: not UTF-8 behind line"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    write(tmp_path)
    if name.endswith(".gz"):
        (tmp_path / "corpus.jsonl").unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        evaluate(tmp_path, embedder=static_embedder())


def test_other_spellings_of_a_record(tmp_path: Path) -> None:
    """As BEIR writes them, with names in one string, and saved on Windows."""
    record = {"_id": "a", "text": "Of hands.", "authors": "Ann Lee, Bo Wu", "categories": "cs.RO q"}
    line = json.dumps(record) + "\r\n"
    (tmp_path / "corpus.jsonl").write_bytes(b"\xef\xbb\xbf" + line.encode())
    (tmp_path / "queries.jsonl").write_text('{"_id": "one", "text": "hands"}\n')
    (tmp_path / "qrels.tsv").write_bytes(b"query-id\tcorpus-id\tscore\r\none\ta\t2\r\n")
    found = read_collection(tmp_path)
    (paper,), (question,) = found.papers, found.questions
    assert (paper.abstract, paper.authors) == ("Of hands.", ("Ann Lee", "Bo Wu"))
    assert (paper.categories, question.relevant) == (("cs.RO", "q"), {0: 2.0})


def test_topics_are_those_of_the_stream() -> None:
    assert stream(10)[6].title.startswith(TOPICS[1][0])
