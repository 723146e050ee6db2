"""The detector's layers, its first weights, and what it computes in float64, without ONNX Runtime.

Must not know how it is trained or kept in a file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector.shape import FIELDS
from edgectl.stack.detector.stream import uniform

Weights = dict[str, NDArray[np.float32]]  # "LAYER.weight" (outputs, inputs, kernel, kernel), "LAYER.bias" (outputs,)
Floats = NDArray[np.float64]

_RARE = -3.0  # where training begins: hardly any cell holds a thing


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


LAYERS = (
    Layer("stem", 3, 12, 3, 2),
    Layer("down-1", 12, 24, 3, 2),
    Layer("down-2", 24, 40, 3, 2),
    Layer("near", 40, 40, 3, 1),
    Layer("far", 40, 40, 3, 1),  # from here on a cell sees 47 pixels around itself: more than any person is high
    Layer("head", 40, FIELDS, 1, 1, relu=False),
)


def initial() -> Weights:
    """Return the weights that training begins with: He-uniform, from the layers' names."""
    weights: Weights = {}
    for layer in LAYERS:
        shape = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
        numbers = uniform(f"{layer.name}.weight", math.prod(shape)).reshape(shape) * 2 - 1
        weights[f"{layer.name}.weight"] = (numbers * math.sqrt(6 / math.prod(shape[1:]))).astype(np.float32)
        weights[f"{layer.name}.bias"] = np.zeros(layer.outputs, dtype=np.float32)
    weights["head.bias"][0] = _RARE
    return weights


def parameters() -> int:
    """Return how many numbers the model has learnt."""
    return sum(layer.outputs * (layer.inputs * layer.kernel**2 + 1) for layer in LAYERS)


def forward(weights: Weights, image: NDArray[np.generic]) -> Floats:
    """Compute the model in float64: (batch, 3, height, width) -> (batch, cells, FIELDS)."""
    value = image.astype(np.float32).astype(np.float64)  # what a server sees of the request
    for layer in LAYERS:
        pad = layer.padding
        padded = np.pad(value, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (layer.kernel, layer.kernel), axis=(2, 3))
        strided = windows[:, :, :: layer.stride, :: layer.stride]
        value = np.einsum("nihwkl,oikl->nohw", strided, weights[f"{layer.name}.weight"].astype(np.float64))
        value += weights[f"{layer.name}.bias"].astype(np.float64)[None, :, None, None]
        if layer.relu:
            value = np.maximum(value, 0)
    return value.transpose(0, 2, 3, 1).reshape(value.shape[0], -1, FIELDS)
