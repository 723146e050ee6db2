"""The detector as an ONNX file, the same byte for byte wherever it is made of the same weights; and back."""

from __future__ import annotations

import numpy as np

from edgectl.stack.detector.network import LAYERS, Weights
from edgectl.stack.detector.shape import FIELDS, INPUT, NAME, OUTPUT, VERSION

_OPSET = 17
_IR_VERSION = 8  # the oldest that carries opset 17: every ONNX Runtime of the last years reads it


def export(weights: Weights) -> bytes:
    """Return the ONNX file: `image` (batch, 3, height, width) in, `detections` (batch, cells, FIELDS) out."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, constants, value = [], [], INPUT
    for layer in LAYERS:
        own = [f"{layer.name}.weight", f"{layer.name}.bias"]
        constants += [numpy_helper.from_array(np.ascontiguousarray(weights[name]), name) for name in own]
        nodes.append(
            helper.make_node(
                "Conv",
                [value, *own],
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
    constants.append(numpy_helper.from_array(np.array([0, -1, FIELDS], dtype=np.int64), "list.shape"))
    nodes.append(helper.make_node("Reshape", ["grid", "list.shape"], [OUTPUT], name="list"))
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", "cells", FIELDS])],
        constants,
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


def weights_of(model: bytes) -> Weights:
    """Return the weights of a file that `export` has made."""
    import onnx
    from onnx import numpy_helper

    names = {f"{layer.name}.{part}" for layer in LAYERS for part in ("weight", "bias")}
    found = {item.name: item for item in onnx.load_model_from_string(model).graph.initializer}
    return {name: np.asarray(numpy_helper.to_array(found[name]), dtype=np.float32) for name in sorted(names)}
