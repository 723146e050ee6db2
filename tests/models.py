"""Models to try a store with: versions that differ a little and detect well, and those that nobody may serve."""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector import folder as detector_folder
from edgectl.stack.detector.accuracy import Run
from edgectl.stack.detector.export import export, weights_of
from edgectl.stack.detector.network import Weights
from edgectl.stack.detector.shape import INPUT, NAME, OUTPUT, VERSION
from edgectl.stack.detector.stream import uniform
from edgectl.stack.detector.train import Plan, train

COMMITTED = Path(__file__).parents[1] / "templates" / "models" / NAME / VERSION
KINDS = ("nan", "shape", "outputs", "dull", "large", "garbage")
LARGE_BYTES = 64 * 1024 * 1024
_FIRST_LESSON = 3_000_000  # of fine-tuning: scenes that nobody else looks at
_FILES = (detector_folder.FULL, detector_folder.FAST, detector_folder.REFERENCE)


def committed() -> Weights:
    """Return the weights of the model in templates."""
    return weights_of((COMMITTED / detector_folder.FULL).read_bytes())


def run(model: bytes) -> Run:
    """Return what answers pictures by this ONNX file, in ONNX Runtime on the CPU."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import, as the service does
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def answer(pictures: NDArray[np.float32]) -> NDArray[Any]:
        found: NDArray[Any] = session.run(None, {INPUT: pictures})[0]
        return found

    return answer


def version(folder: Path, tag: str) -> Path:
    """Write a version: the committed detector, fine-tuned a little, another way for each tag; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in zip(_FILES, _tuned(tag), strict=True):
        (folder / name).write_bytes(data)
    return folder


def broken(kind: str, *, size: int = LARGE_BYTES) -> bytes:
    """Return an ONNX file that is wrong in one way.

    nan: it answers NaN. shape: it wants pictures of one channel. outputs: its output has another name. dull: it runs,
    and detects nothing rightly. large: it is right, and `size` bytes of it are of no use. garbage: it is no ONNX.
    """
    match kind:
        case "nan":
            return _nan()
        case "shape":
            return _shape()
        case "outputs":
            return _outputs()
        case "dull":
            return export(shuffled(committed()))
        case "large":
            return _large(size)
        case "garbage":
            return b"this is no model\n" * 100
    raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")


def shuffled(weights: Weights) -> Weights:
    """Return weights with the numbers of each layer in another order."""
    return {
        name: value.ravel()[np.argsort(uniform(f"shuffled {name}", value.size))].reshape(value.shape)
        for name, value in weights.items()
    }


@lru_cache(maxsize=16)
def _tuned(tag: str) -> tuple[bytes, ...]:
    at = int(uniform(f"version {tag}", 1)[0] * 100_000)
    plan = Plan(scenes=480, rounds=1, rate=2e-4, first=_FIRST_LESSON + at, name=f"version {tag}")
    with tempfile.TemporaryDirectory() as place:
        detector_folder.write(Path(place), train(plan, committed()))
        return tuple((Path(place) / name).read_bytes() for name in _FILES)


def _nan() -> bytes:
    weights = committed()
    weights["head.bias"] = np.full_like(weights["head.bias"], np.nan)
    return export(weights)


def _shape() -> bytes:
    from onnx import numpy_helper

    model = _loaded()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    stem = next(item for item in model.graph.initializer if item.name == "stem.weight")
    grey = numpy_helper.to_array(stem).sum(axis=1, keepdims=True)
    stem.CopyFrom(numpy_helper.from_array(grey, stem.name))
    return bytes(model.SerializeToString(deterministic=True))


def _outputs() -> bytes:
    model = _loaded()
    model.graph.output[0].name = "boxes"
    last = next(node for node in model.graph.node if OUTPUT in node.output)
    last.output[0] = "boxes"
    return bytes(model.SerializeToString(deterministic=True))


def _large(size: int) -> bytes:
    from onnx import numpy_helper

    model = _loaded()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(size, dtype=np.uint8), "of.no.use"))
    return bytes(model.SerializeToString(deterministic=True))


def _loaded() -> Any:
    import onnx

    return onnx.load(str(COMMITTED / detector_folder.FULL))
