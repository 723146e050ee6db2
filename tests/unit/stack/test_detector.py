"""The reference model: exported the same everywhere, and told apart from any other by its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgectl.stack.detector import __main__ as detector
from edgectl.stack.inference.model import Model, find
from edgectl.stack.inference.protocol import read

FOLDER = Path(__file__).parents[3] / "templates" / "models" / detector.NAME
TOLERANCE = 1e-4


def reference() -> dict[str, Any]:
    doc: dict[str, Any] = json.loads((FOLDER / "reference.json").read_text())
    return doc


def ask(file: Path) -> list[float]:
    """Return a model's answer to the committed request."""
    model = Model("any", "1", file)
    question = read(json.dumps(reference()["request"]).encode(), inputs=model.inputs, outputs=model.outputs)
    answer: list[float] = model.infer(question.arrays)[detector.OUTPUT].ravel().tolist()
    return answer


def furthest(answer: list[float]) -> float:
    """Return how far an answer is from the committed one, at its worst number."""
    return float(np.abs(np.array(answer) - np.array(reference()["answer"])).max())


def test_the_committed_model_is_what_the_script_exports() -> None:
    """Law: the committed script reproduces the committed file byte for byte."""
    assert detector.export() == (FOLDER / detector.VERSION / "model.onnx").read_bytes()


def test_the_committed_reference_is_what_the_script_computes() -> None:
    """Law: the request and its answer follow from the model, computed without ONNX Runtime."""
    assert detector.encode(detector.reference()) == (FOLDER / "reference.json").read_text()


def test_the_model_is_convolutional_and_large_enough() -> None:
    """Law: at least 10,000 parameters, in convolutions."""
    import onnx

    graph = onnx.load(str(FOLDER / detector.VERSION / "model.onnx")).graph
    stored = sum(int(np.prod(weight.dims)) for weight in graph.initializer if weight.data_type == 1)
    assert stored == detector.parameters() >= 10_000
    assert [node.op_type for node in graph.node].count("Conv") == len(detector.LAYERS)


def test_the_request_is_small_enough_to_travel_in_a_payload() -> None:
    """Law: the reference request is at most 8 KB of JSON."""
    assert len(json.dumps(reference()["request"], separators=(",", ":"))) <= 8 * 1024


def test_the_model_gives_the_reference_answer() -> None:
    """Law: ONNX Runtime's answer is within 1e-4 of the committed one."""
    assert furthest(ask(FOLDER / detector.VERSION / "model.onnx")) <= TOLERANCE


@pytest.mark.parametrize("layer", [layer.name for layer in detector.LAYERS])
def test_a_swapped_model_fails(layer: str, tmp_path: Path) -> None:
    """Law: a model with one layer changed by a few percent gives another answer."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(FOLDER / detector.VERSION / "model.onnx"))
    for weight in model.graph.initializer:
        if weight.name == f"{layer}.weight":
            changed = numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.03), weight.name)
            weight.CopyFrom(changed)
    onnx.save(model, str(tmp_path / "model.onnx"))
    assert furthest(ask(tmp_path / "model.onnx")) > TOLERANCE


def test_the_highest_version_is_served(tmp_path: Path) -> None:
    """Law: version 10 is newer than version 9, and one service serves one model."""
    for name in ("a/9", "a/10"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "model.onnx").touch()
    assert find(tmp_path)[:2] == ("a", "10")
    (tmp_path / "b" / "1").mkdir(parents=True)
    (tmp_path / "b" / "1" / "model.onnx").touch()
    with pytest.raises(ValueError, match="holds a, b"):
        find(tmp_path)
    with pytest.raises(FileNotFoundError, match="no model in"):
        find(tmp_path / "c")


def test_a_node_s_registry_is_served_as_it_says(tmp_path: Path) -> None:
    """Law: what `current` names is served, never what else is kept; its version is that of model.json.

    Seeded fault: the last link by name is taken.
    """
    for name in ("detector", "counter"):
        for version in ("1.3-0123456789ab", "1.4-0123456789ab"):
            folder = tmp_path / name / "versions" / version
            folder.mkdir(parents=True)
            (folder / "model.onnx").touch()
            (folder / "model.json").write_text(f'{{"version": "{version[:3]}"}}')
    detector = tmp_path / "detector"
    (detector / "previous").symlink_to("versions/1.4-0123456789ab")
    with pytest.raises(FileNotFoundError, match="no model in"):
        find(tmp_path)
    (detector / "current").symlink_to("versions/1.3-0123456789ab")
    assert find(tmp_path) == ("detector", "1.3", detector / "versions" / "1.3-0123456789ab" / "model.onnx")
    (tmp_path / "counter" / "current").symlink_to("versions/1.4-0123456789ab")
    with pytest.raises(ValueError, match="holds counter, detector: --model NAME"):
        find(tmp_path)
    assert find(tmp_path, "counter")[:2] == ("counter", "1.4")
    (detector / "versions" / "1.3-0123456789ab" / "model.json").write_text("{")
    with pytest.raises(ValueError, match="does not say which version"):
        find(tmp_path, "detector")


def test_onnx_runtime_is_told_not_to_report() -> None:
    """Law: a store's models are reported to nobody."""
    import os

    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
