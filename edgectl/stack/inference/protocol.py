"""The Open Inference Protocol v2: requests to arrays, arrays to answers, in JSON or binary. Pure: no model, no HTTP.

Every refusal is one sentence that names the field. Shapes and datatypes are checked against the model's own
description before anything is computed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.inference import binary

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
    """A request that fits the model: one array for each input, and the outputs asked for (`binary`: those as bytes)."""

    id: str
    arrays: dict[str, Array]
    outputs: tuple[str, ...]
    parameters: dict[str, Any] = field(default_factory=dict)
    binary: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: the JSON, and the tensors' bytes that come after it."""

    doc: dict[str, Any]
    tensors: tuple[bytes, ...] = ()

    def encode(self) -> tuple[bytes, int | None]:
        """Return the body, and how long its JSON is (None: it is all of it)."""
        head = json.dumps(self.doc).encode()
        return (b"".join((head, *self.tensors)), len(head)) if self.tensors else (head, None)


def read(body: bytes, *, inputs: Sequence[Tensor], outputs: Sequence[Tensor], header: str | None = None) -> Question:
    """Read a request for a model with these inputs and outputs; BadRequest says what does not fit.

    `header` is the request's Inference-Header-Content-Length, where it has one.
    """
    try:
        head, rest = binary.split(body, header)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    doc = _parse(head)
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
        arrays[name], rest = _tensor(item, known[name], rest)
    if rest:
        raise BadRequest(f"{len(rest)} bytes follow the last tensor")
    for name in known:
        if name not in arrays:
            raise BadRequest(f"input {name!r} is missing")
    parameters = _parameters(doc, "the request")
    wanted, as_bytes = _wanted(doc.get("outputs"), [tensor.name for tensor in outputs], parameters)
    return Question(str(doc.get("id", "")), arrays, wanted, parameters, as_bytes)


def answer(
    question: Question,
    arrays: Mapping[str, Array],
    *,
    model: str,
    version: str,
    outputs: Sequence[Tensor],
    parameters: Mapping[str, Any] = {},
) -> Reply:
    """Return the protocol's answer; ArithmeticError when the model said something that is no number."""
    tensors: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for tensor in outputs:
        if tensor.name not in question.outputs:
            continue
        array = arrays[tensor.name]
        if not finite(array):
            raise ArithmeticError(f"output {tensor.name!r} holds values that are no finite numbers")
        item: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(array.shape)}
        if tensor.name in question.binary:
            behind.append(binary.encode(array))
            item["parameters"] = {binary.SIZE: len(behind[-1])}
        else:
            item["data"] = array.ravel().tolist()
        tensors.append(item)
    doc: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": tensors}
    if parameters:
        doc["parameters"] = dict(parameters)
    return Reply({"id": question.id, **doc} if question.id else doc, tuple(behind))


def finite(array: Array) -> bool:
    """Tell whether all of it are numbers."""
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


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


def _tensor(item: dict[str, Any], tensor: Tensor, rest: memoryview) -> tuple[Array, memoryview]:
    """Return one input, and the bytes behind it."""
    where = f"input {tensor.name!r}"
    datatype, shape = item.get("datatype"), item.get("shape")
    if datatype != tensor.datatype:
        raise BadRequest(f"{where}: datatype must be {tensor.datatype}, not {datatype!r}")
    if not isinstance(shape, list) or not all(type(size) is int and size > 0 for size in shape):
        raise BadRequest(f"{where}: shape must be a list of positive integers")
    if not tensor.accepts(shape):
        raise BadRequest(f"{where}: shape must be {list(tensor.shape)} (-1: any size), not {shape}")
    size = _parameters(item, where).get(binary.SIZE)
    if size is None:
        return _listed(item.get("data"), tensor, shape), rest
    need = math.prod(shape) * np.dtype(DATATYPES[tensor.datatype]).itemsize
    if type(size) is not int or size != need:
        raise BadRequest(f"{where}: shape {shape} of {tensor.datatype} has {need} bytes, {binary.SIZE} says {size!r}")
    if "data" in item:
        raise BadRequest(f"{where}: data is given in JSON and as bytes")
    if size > len(rest):
        raise BadRequest(f"{where}: {size} bytes are announced, {len(rest)} follow the JSON")
    array = binary.decode(rest[:size], DATATYPES[tensor.datatype], shape)
    if tensor.datatype == "BOOL" and array.view(np.uint8).max() > 1:
        raise BadRequest(f"{where}: a truth value is 0 or 1")
    if not finite(array):
        raise BadRequest(f"{where}: a value is no finite number")
    return array, rest[size:]


def _listed(data: object, tensor: Tensor, shape: list[int]) -> Array:
    where = f"input {tensor.name!r}"
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


def _parameters(item: dict[str, Any], where: str) -> dict[str, Any]:
    found = item.get("parameters", {})
    if not isinstance(found, dict):
        raise BadRequest(f"{where}: parameters must be an object")
    return found


def _wanted(asked: object, have: Sequence[str], parameters: dict[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the outputs that are asked for, and which of them as bytes."""
    every = parameters.get(binary.ALL_WANTED) is True
    if asked is None or asked == []:
        return tuple(have), frozenset(have if every else ())
    if not isinstance(asked, list) or not all(isinstance(item, dict) for item in asked):
        raise BadRequest('"outputs" must be a list of objects')
    names, as_bytes = [], set()
    for item in asked:
        name = str(item.get("name"))
        if name not in have:
            raise BadRequest(f"the model has no output {name!r}, it has {', '.join(have)}")
        names.append(name)
        if _parameters(item, f"output {name!r}").get(binary.WANTED, every) is True:
            as_bytes.add(name)
    return tuple(names), frozenset(as_bytes)
