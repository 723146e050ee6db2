"""Small ONNX models: right ones that can be told apart, and each kind of wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGE, OUT = "image", "out"
Shape = Sequence[str | int | None]
SHAPE: Shape = ["batch", 3, "height", "width"]


def scale(by: float, plus: float = 0.0, *, shape: Shape | None = None, weights: int = 0) -> bytes:
    """Return a model that says `by` times the picture, and `plus`; `weights` more numbers make it larger."""
    nodes = [
        helper.make_node("Mul", [IMAGE, "by"], ["scaled"]),
        helper.make_node("Add", ["scaled", "plus"], [OUT if not weights else "sum"]),
    ]
    constants = [_number("by", by), _number("plus", plus)]
    if weights:
        drawn = np.random.default_rng(7).random(weights, dtype=np.float32)
        constants.append(numpy_helper.from_array(drawn, "weights"))
        nodes.append(helper.make_node("ReduceMin", ["weights"], ["least"], keepdims=0))
        nodes.append(helper.make_node("Mul", ["least", "zero"], ["nothing"]))
        nodes.append(helper.make_node("Add", ["sum", "nothing"], [OUT]))
        constants.append(_number("zero", 0.0))
    return _model(nodes, constants, shape or SHAPE)


def nan() -> bytes:
    """Return a model that says no numbers."""
    return _model([helper.make_node("Div", ["less", "zeros"], [OUT])], [], SHAPE, before=_ZEROS)


def named(name: str) -> bytes:
    """Return a model whose input has another name."""
    graph = helper.make_graph(
        [helper.make_node("Identity", [name], [OUT])],
        "named",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(OUT, TensorProto.FLOAT, SHAPE)],
    )
    return _bytes(graph)


def only(height: int, width: int) -> bytes:
    """Return a model that says the picture, and fails at any other size, though it does not say so."""
    nothing = numpy_helper.from_array(np.zeros(3 * height * width, dtype=np.float32), "nothing")
    nodes = [
        helper.make_node("Flatten", [IMAGE], ["flat"], axis=1),
        helper.make_node("Add", ["flat", "nothing"], ["sum"]),
        helper.make_node("Shape", [IMAGE], ["shape"]),
        helper.make_node("Reshape", ["sum", "shape"], [OUT]),
    ]
    return _model(nodes, [nothing], SHAPE)


def reference(by: float, plus: float = 0.0, *, off: float = 0.0) -> dict[str, Any]:
    """Return the golden question of such a model; `off` makes its answer a wrong one."""
    picture = (np.arange(12) / 12).reshape(1, 3, 2, 2)
    item = {"name": IMAGE, "shape": [1, 3, 2, 2], "datatype": "FP32", "data": picture.ravel().tolist()}
    return {"request": {"inputs": [item]}, "answer": (picture * by + plus + off).ravel().tolist(), "tolerance": 1e-4}


_ZEROS = (helper.make_node("Sub", [IMAGE, IMAGE], ["zeros"]), helper.make_node("Sub", [IMAGE, IMAGE], ["less"]))


def _number(name: str, value: float) -> Any:
    return numpy_helper.from_array(np.array(value, dtype=np.float32), name)


def _model(nodes: list[Any], constants: list[Any], shape: Shape, before: tuple[Any, ...] = ()) -> bytes:
    graph = helper.make_graph(
        [*before, *nodes],
        "small",
        [helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(OUT, TensorProto.FLOAT, shape)],
        constants,
    )
    return _bytes(graph)


def _bytes(graph: Any) -> bytes:
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
