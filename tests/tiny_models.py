"""Models of a few hundred numbers, written as published ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

WIDTH, HEADS, INNER = 8, 2, 16


def tokenizer_file(folder: Path) -> None:
    words = {"[UNK]": 0, "[PAD]": 1, "red": 2, "green": 3, "lamp": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def bert_folder(folder: Path, prefix: str = "") -> Path:
    """One layer of random weights in safetensors, written by hand."""
    rng = np.random.default_rng(4)
    layer = "encoder.layer.0"
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (5, WIDTH),
        "embeddings.position_embeddings.weight": (300, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        **{f"{layer}.attention.self.{k}.weight": (WIDTH, WIDTH) for k in ("query", "key", "value")},
        **{f"{layer}.attention.self.{k}.bias": (WIDTH,) for k in ("query", "key", "value")},
        f"{layer}.attention.output.dense.weight": (WIDTH, WIDTH),
        f"{layer}.attention.output.dense.bias": (WIDTH,),
        f"{layer}.intermediate.dense.weight": (INNER, WIDTH),
        f"{layer}.intermediate.dense.bias": (INNER,),
        f"{layer}.output.dense.weight": (WIDTH, INNER),
        f"{layer}.output.dense.bias": (WIDTH,),
    }
    for norm in ("embeddings", f"{layer}.attention.output", f"{layer}.output"):
        shapes |= {f"{norm}.LayerNorm.{kind}": (WIDTH,) for kind in ("weight", "bias")}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, shape in shapes.items():
        block = rng.standard_normal(shape).astype("<f4").tobytes()
        header[prefix + name] = {
            "dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(block)]
        }  # fmt: skip
        data += block
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    (folder / "model.safetensors").write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    config: dict[str, object] = {"num_hidden_layers": 1, "num_attention_heads": HEADS}
    config |= {"hidden_size": WIDTH, "layer_norm_eps": 1e-12}
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer_file(folder)
    return folder
