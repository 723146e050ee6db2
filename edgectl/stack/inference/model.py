"""One ONNX model in ONNX Runtime: what it takes, what it gives, and a warm start.

On CUDA where ONNX Runtime and the machine offer it, else on the CPU. Must not know HTTP or the protocol's JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# The official Linux wheels of ONNX Runtime 1.29 and newer report models and machines to their maker by default. A
# store tells nobody. Read once, when the library is loaded: it has to stand before the import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from edgectl.stack.inference.protocol import DATATYPES, Array, Tensor

_DATATYPE = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(int8)": "INT8",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
}
AUTO, CPU, CUDA = "auto", "cpu", "cuda"  # where it shall run; cuda: where there is a GPU, and it is said where not
_CURRENT, _NOT_RUN = "current", frozenset({"previous", "candidate", "before"})  # links of a node's registry
_MAX_THREADS = 4  # the models are small; more threads than this cost more than they give


class Model:
    """A loaded model. `infer` may be called from many threads at once."""

    def __init__(self, name: str, version: str, file: Path, *, provider: str = AUTO) -> None:
        self.name = name
        self.version = version
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(_MAX_THREADS, len(os.sched_getaffinity(0)))
        options.inter_op_num_threads = 1
        # Idle threads that spin would take the store's CPU from its other pods.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=providers(provider))
        self.inputs = tuple(_tensor(node) for node in self._session.get_inputs())
        self.outputs = tuple(_tensor(node) for node in self._session.get_outputs())

    @property
    def provider(self) -> str:
        """Where it runs, in ONNX Runtime's words, e.g. CPUExecutionProvider."""
        return str(self._session.get_providers()[0])

    def infer(self, arrays: Mapping[str, Array], *, outputs: Sequence[str] = ()) -> dict[str, Array]:
        """Run the model once; `outputs` empty means all of them."""
        names = list(outputs) or [tensor.name for tensor in self.outputs]
        return dict(zip(names, self._session.run(names, dict(arrays)), strict=True))

    def warm(self) -> None:
        """Answer a made-up question, so that the first real one finds kernels chosen and memory taken."""
        self.infer(self.blank(1))

    def blank(self, size: int) -> dict[str, Array]:
        """Return a made-up question; what may have any size has this one."""
        return {
            tensor.name: np.zeros(
                [one if one > 0 else size for one in tensor.shape], dtype=np.dtype(DATATYPES[tensor.datatype])
            )
            for tensor in self.inputs
        }


def providers(wanted: str = AUTO) -> list[Any]:
    """Return ONNX Runtime's execution providers, best first."""
    have = onnxruntime.get_available_providers()
    if wanted != CPU and "CUDAExecutionProvider" in have:
        # TensorFloat-32 would round the products of a convolution to 10 bits: answers would differ from a CPU's.
        return [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def find(folder: Path, name: str = "") -> tuple[str, str, Path]:
    """Return name, version and file of the one model below `folder`, or of the one that is named.

    <name>/<version>/model.onnx, the highest version; or <name>/current/model.onnx, as a node's registry keeps it: its
    version stands in the model.json beside it. FileNotFoundError and ValueError are sentences for a person.
    """
    found = sorted(folder.glob(f"{name or '*'}/*/model.onnx"), key=lambda one: (one.parts[-3], _number(one.parts[-2])))
    found = [file for file in found if file.parts[-2] not in _NOT_RUN]
    if not found:
        raise FileNotFoundError(f"no model in {folder}: {name or '<name>'}/<version>/model.onnx is needed")
    names = {file.parts[-3] for file in found}
    if len(names) > 1:
        raise ValueError(f"one service serves one model, but {folder} holds {', '.join(sorted(names))}: --model NAME")
    kept = next((file for file in found if file.parts[-2] == _CURRENT), None)
    if kept is None:
        return found[-1].parts[-3], found[-1].parts[-2], found[-1]
    version = kept.parent.resolve()  # once: from here on a switch of `current` changes nothing
    return kept.parts[-3], noted(version / "model.json"), version / kept.name


def noted(note: Path) -> str:
    """Return the version that a model.json names."""
    try:
        return str(json.loads(note.read_bytes())["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{note} does not say which version it is") from error


def _number(version: str) -> tuple[int, str]:
    return (int(version), "") if version.isdecimal() else (-1, version)


def _tensor(node: Any) -> Tensor:
    datatype = _DATATYPE.get(node.type)
    if datatype is None:
        raise ValueError(f"tensor {node.name!r} has type {node.type}, which this service does not speak")
    shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in node.shape)
    return Tensor(node.name, datatype, shape)
