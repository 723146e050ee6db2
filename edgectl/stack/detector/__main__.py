"""The reference model: a small convolutional detector, exported the same byte for byte wherever this runs.

Owns: the architecture, its weights (derived from their names, so no random generator's version matters), the
reference request, and its answer computed in float64 without ONNX Runtime. Must not know who serves the model.
Renew with `python -m edgectl.stack.detector templates/models/tiny-detector`.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "tiny-detector"
VERSION = "1"
INPUT = "image"
OUTPUT = "detections"
FIELDS = 6  # of each cell: objectness, centre x, centre y, width, height, person (raw, before any sigmoid)
SIDE = 16  # pixels of the reference image: small, since the request travels in every payload

_OPSET = 17
_IR_VERSION = 8  # the oldest that carries opset 17: every ONNX Runtime of the last years reads it
_DECIMALS_IN = 3
_DECIMALS_OUT = 6

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution with zero padding that keeps (stride 1) or halves (stride 2) the picture."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    relu: bool = True

    @property
    def padding(self) -> int:
        """Pixels of zeros on each side."""
        return self.kernel // 2

    @property
    def weight(self) -> NDArray[np.float32]:
        """He-uniform weights, shape (outputs, inputs, kernel, kernel)."""
        fan_in = self.inputs * self.kernel**2
        shape = (self.outputs, self.inputs, self.kernel, self.kernel)
        return (_uniform(f"{self.name}.weight", shape) * math.sqrt(6 / fan_in)).astype(np.float32)

    @property
    def bias(self) -> NDArray[np.float32]:
        """Small biases, shape (outputs,)."""
        return (_uniform(f"{self.name}.bias", (self.outputs,)) * 0.1).astype(np.float32)


LAYERS = (
    Layer("stem", 3, 16, 3, 1),
    Layer("down-1", 16, 32, 3, 2),
    Layer("down-2", 32, 32, 3, 2),
    Layer("head", 32, FIELDS, 1, 1, relu=False),
)


def parameters() -> int:
    """Return how many numbers the model has learnt (here: was given)."""
    return sum(layer.weight.size + layer.bias.size for layer in LAYERS)


def export() -> bytes:
    """Return the ONNX file: `image` (batch, 3, height, width) in, `detections` (batch, cells, FIELDS) out."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights, value = [], [], INPUT
    for layer in LAYERS:
        weights.append(numpy_helper.from_array(layer.weight, f"{layer.name}.weight"))
        weights.append(numpy_helper.from_array(layer.bias, f"{layer.name}.bias"))
        nodes.append(
            helper.make_node(
                "Conv",
                [value, f"{layer.name}.weight", f"{layer.name}.bias"],
                [f"{layer.name}.conv"],
                name=layer.name,
                kernel_shape=[layer.kernel, layer.kernel],
                strides=[layer.stride, layer.stride],
                pads=[layer.padding] * 4,
            )
        )
        value = f"{layer.name}.conv"
        if layer.relu:
            nodes.append(helper.make_node("Relu", [value], [f"{layer.name}.relu"], name=f"{layer.name}.relu"))
            value = f"{layer.name}.relu"
    # The grid of cells becomes a list: (batch, fields, rows, columns) -> (batch, rows * columns, fields).
    nodes.append(helper.make_node("Transpose", [value], ["grid"], name="grid", perm=[0, 2, 3, 1]))
    weights.append(numpy_helper.from_array(np.array([0, -1, FIELDS], dtype=np.int64), "list.shape"))
    nodes.append(helper.make_node("Reshape", ["grid", "list.shape"], [OUTPUT], name="list"))
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", "cells", FIELDS])],
        weights,
    )
    model = helper.make_model(
        graph,
        producer_name="edgectl",
        producer_version=VERSION,
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def reference() -> dict[str, Any]:
    """Return one question in the Open Inference Protocol v2 and the answer that only this model gives."""
    image = ((_uniform("reference.image", (1, 3, SIDE, SIDE)) + 1) / 2).round(_DECIMALS_IN)
    request = {
        "inputs": [
            {"name": INPUT, "shape": list(image.shape), "datatype": "FP32", "data": image.ravel().tolist()},
        ]
    }
    return {"request": request, "answer": forward(image).ravel().round(_DECIMALS_OUT).tolist()}


def forward(image: Array) -> Array:
    """Compute the model in float64, without ONNX: (batch, 3, height, width) -> (batch, cells, FIELDS)."""
    value = image.astype(np.float32).astype(np.float64)  # what a server sees of the request
    for layer in LAYERS:
        pad = layer.padding
        padded = np.pad(value, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (layer.kernel, layer.kernel), axis=(2, 3))
        strided = windows[:, :, :: layer.stride, :: layer.stride]
        value = np.einsum("nihwkl,oikl->nohw", strided, layer.weight.astype(np.float64))
        value += layer.bias.astype(np.float64)[None, :, None, None]
        if layer.relu:
            value = np.maximum(value, 0)
    batch = value.shape[0]
    return value.transpose(0, 2, 3, 1).reshape(batch, -1, FIELDS)


def write(folder: Path) -> None:
    """Write the model and its reference as a model folder."""
    target = folder / VERSION / "model.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(export())
    (folder / "reference.json").write_text(encode(reference()))


def encode(doc: dict[str, Any]) -> str:
    """Return the text of reference.json."""
    return json.dumps(doc, separators=(",", ":")) + "\n"


def _uniform(name: str, shape: tuple[int, ...]) -> Array:
    """Return numbers in [-1, 1) that follow from their name alone."""
    count = math.prod(shape)
    stream = hashlib.shake_256(f"edgectl {NAME} {VERSION} {name}".encode()).digest(4 * count)
    return np.frombuffer(stream, dtype="<u4").reshape(shape).astype(np.float64) / 2**31 - 1


if __name__ == "__main__":
    write(Path(sys.argv[1]))
