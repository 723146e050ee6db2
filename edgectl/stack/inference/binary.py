"""The protocol's binary tensor data extension, as Triton speaks it: numbers behind the JSON, not in it. Pure.

Owns: the bytes (little-endian, row major, tensor after tensor in the JSON's order) and the words that announce them.
Must not know what a model takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = "Inference-Header-Content-Length"  # bytes of the JSON at the beginning of the body
SIZE, WANTED, ALL_WANTED = "binary_data_size", "binary_data", "binary_data_output"
CONTENT_TYPE = "application/octet-stream"


def split(body: bytes, header: str | None) -> tuple[bytes, memoryview]:
    """Return the JSON and what follows it; ValueError when the header does not fit the body."""
    if header is None:
        return body, memoryview(b"")
    if not header.isdecimal() or not 0 < int(header) <= len(body):
        raise ValueError(f"{HEADER} is {header!r}, but the body has {len(body)} bytes")
    return body[: int(header)], memoryview(body)[int(header) :]


def decode(data: memoryview, datatype: str, shape: Sequence[int]) -> NDArray[Any]:
    """Return the array; the bytes are as many as it needs."""
    array = np.frombuffer(data, dtype=np.dtype(datatype).newbyteorder("<"))
    return array.astype(np.dtype(datatype)).reshape(shape)  # a copy: the JSON may have any length, and end anywhere


def encode(array: NDArray[Any]) -> bytes:
    """Return an array's bytes."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
