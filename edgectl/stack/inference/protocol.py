"""The Open Inference Protocol v2: JSON requests to arrays, arrays to JSON answers. Pure: no model, no HTTP.

Every refusal is one sentence that names the field. Shapes and datatypes are checked against the model's own
description before anything is computed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Protocol's name -> numpy's. BYTES is left out: no model here reads text.
DATATYPES: dict[str, str] = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}


class BadRequest(ValueError):
    """What the client sent cannot be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a model; a dimension of -1 may have any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the protocol's description of it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}

    def accepts(self, shape: Sequence[int]) -> bool:
        """Whether an array of this shape fits."""
        return len(shape) == len(self.shape) and all(
            want in (-1, have) for want, have in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A request that fits the model: one array for each input, and the outputs asked for."""

    id: str
    arrays: dict[str, Array]
    outputs: tuple[str, ...]


def read(body: bytes, *, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Question:
    """Read a request for a model with these inputs and outputs; BadRequest says what does not fit."""
    doc = _parse(body)
    asked = str(doc.get("id", ""))
    known = {tensor.name: tensor for tensor in inputs}
    given = doc.get("inputs")
    if not isinstance(given, list) or not given:
        raise BadRequest('"inputs" must be a list with at least one tensor')
    arrays: dict[str, Array] = {}
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise BadRequest(f"inputs[{index}] must be an object")
        name = item.get("name")
        if name not in known:
            raise BadRequest(f"inputs[{index}]: the model has no input {name!r}, it has {', '.join(known)}")
        if name in arrays:
            raise BadRequest(f"input {name!r} is given twice")
        arrays[name] = _array(item, known[name])
    for name in known:
        if name not in arrays:
            raise BadRequest(f"input {name!r} is missing")
    return Question(asked, arrays, _wanted(doc.get("outputs"), [tensor.name for tensor in outputs]))


def answer(
    question: Question, arrays: Mapping[str, Array], *, model: str, version: str, outputs: Sequence[Tensor]
) -> dict[str, Any]:
    """Return the protocol's answer; ArithmeticError when the model said something that is no number."""
    tensors = []
    for tensor in outputs:
        if tensor.name not in question.outputs:
            continue
        array = arrays[tensor.name]
        if not np.all(np.isfinite(array)):
            raise ArithmeticError(f"output {tensor.name!r} holds values that are no finite numbers")
        tensors.append(
            {
                "name": tensor.name,
                "datatype": tensor.datatype,
                "shape": list(array.shape),
                "data": array.ravel().tolist(),
            }
        )
    doc: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": tensors}
    return {"id": question.id, **doc} if question.id else doc


def _parse(body: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> float:
        raise BadRequest(f"{constant} is no JSON number")

    try:
        doc = json.loads(body, parse_constant=refuse)
    except BadRequest:
        raise
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(doc, dict):
        raise BadRequest("the body must be a JSON object")
    return doc


def _array(item: dict[str, Any], tensor: Tensor) -> Array:
    where = f"input {tensor.name!r}"
    datatype, shape, data = item.get("datatype"), item.get("shape"), item.get("data")
    if datatype != tensor.datatype:
        raise BadRequest(f"{where}: datatype must be {tensor.datatype}, not {datatype!r}")
    if not isinstance(shape, list) or not all(type(size) is int and size > 0 for size in shape):
        raise BadRequest(f"{where}: shape must be a list of positive integers")
    if not tensor.accepts(shape):
        raise BadRequest(f"{where}: shape must be {list(tensor.shape)} (-1: any size), not {shape}")
    if not isinstance(data, list):
        raise BadRequest(f"{where}: data must be a list of numbers")
    try:
        # Nested lists are allowed beside the flat, row-major form; numpy refuses ragged ones.
        values = np.asarray(data)
    except ValueError:
        raise BadRequest(f"{where}: data must be one list of numbers or evenly nested lists") from None
    if values.dtype.kind not in "biuf":
        raise BadRequest(f"{where}: data must hold numbers only")
    if values.size != math.prod(shape):
        raise BadRequest(f"{where}: shape {shape} needs {math.prod(shape)} values, data holds {values.size}")
    with np.errstate(over="ignore"):
        array = values.astype(DATATYPES[tensor.datatype]).reshape(shape)
    if not np.all(np.isfinite(array)):
        raise BadRequest(f"{where}: a value is too large for {tensor.datatype}")
    return array


def _wanted(asked: object, have: Sequence[str]) -> tuple[str, ...]:
    if asked is None:
        return tuple(have)
    if not isinstance(asked, list) or not all(isinstance(item, dict) for item in asked):
        raise BadRequest('"outputs" must be a list of objects')
    names = tuple(str(item.get("name")) for item in asked)
    for name in names:
        if name not in have:
            raise BadRequest(f"the model has no output {name!r}, it has {', '.join(have)}")
    return names or tuple(have)
