"""The known question: only the declared model's answer passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.converge.protocol import Status
from edgectl.node.models.registry import Note, Registry
from edgectl.node.vision import inference
from edgectl.node.vision.inference import Answers
from edgectl.node.vision.question import judge, known
from edgectl.wire.document import canonical
from edgectl.wire.payload import Inference, Model
from tests.unit.node.fake import FakeNode

WANT = Inference("vision", "inference", 8000, "tiny", {"inputs": []}, (0.25, 0.75), tolerance=1e-4)


def answer(data: Any) -> str:
    """Return an answer of the Open Inference Protocol v2."""
    output = {"name": "scores", "shape": [1, 2], "datatype": "FP32", "data": data}
    return json.dumps({"model_name": "tiny", "outputs": [output]})


@pytest.mark.parametrize("data", [[0.25, 0.75], [[0.25, 0.75]], [0.25009, 0.74991], [0.25, "0.75"]])
def test_the_known_answer_passes(data: Any) -> None:
    """Flat or nested, as the protocol allows, within the tolerance."""
    assert judge(answer(data), WANT).status is Status.CURRENT


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([0.75, 0.25], "another answer than the model"),
        ([0.25, 0.7502], "another answer than the model"),
        ([0.25, float("nan")], "another answer than the model"),
        ([float("nan"), 0.75], "another answer than the model"),
        ([0.25, float("inf")], "another answer than the model"),
        ([float("inf"), float("nan")], "another answer than the model"),
        ([], "0 numbers, 2 are known"),
        ([0.25], "1 numbers, 2 are known"),
        ([0.25, 0.75, 0.0], "3 numbers, 2 are known"),
        (None, "not of the Open Inference Protocol"),
        ([0.25, None], "not of the Open Inference Protocol"),
        ([0.25, {"a": 1}], "not of the Open Inference Protocol"),
    ],
)
def test_any_other_answer_fails(data: Any, says: str) -> None:
    """A swapped model, numbers that are none, too few or too many: never a pass."""
    seen = judge(answer(data), WANT)
    assert (seen.status, says in seen.reason) == (Status.FAILED, True), seen


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"outputs": []}', '{"outputs": [{}]}', "<html>", '{"outputs": 1}']
)
def test_what_is_no_answer_fails(text: str) -> None:
    """A proxy's page or an empty body is not of the protocol; what came is the evidence."""
    seen = judge(text, WANT)
    assert (seen.status, seen.evidence) == (Status.FAILED, (text,))


def test_an_empty_declaration_never_passes() -> None:
    """No numbers known, none given: a gate does not pass on nothing."""
    empty = Inference("vision", "inference", 8000, "tiny", {}, ())
    assert judge(answer([]), empty).status is Status.FAILED


@given(st.lists(st.floats(), min_size=2, max_size=2))
def test_only_numbers_within_the_tolerance_pass(data: list[float]) -> None:
    """For any two numbers, the gate passes exactly when both are near the known ones."""
    near = all(abs(have - known) <= WANT.tolerance for have, known in zip(data, WANT.answer, strict=True))
    assert (judge(answer(data), WANT).status is Status.CURRENT) == near


@pytest.mark.parametrize("service", [None, {"spec": {}}, {"spec": {"clusterIP": "None"}}, {"spec": {"clusterIP": ""}}])
def test_no_service_is_not_yet(node: FakeNode, service: dict[str, Any] | None) -> None:
    """Without an address there is nobody to ask."""
    if service is not None:
        node.kube.objects["/api/v1/namespaces/vision/services/inference"] = service
    seen = Answers(WANT, needs=()).probe(node)
    assert (seen.status, "does not exist yet" in seen.reason) == (Status.IN_PROGRESS, True)


def keeps(node: FakeNode, version: str, reference: str | None) -> None:
    """Let the node's registry run a version of the model."""
    files = {"model.onnx": "sha256:" + "a" * 64}
    model = Model("tiny", version, files)
    folder = Registry(node.places).at("tiny", model.folder)
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(canonical(Note("tiny", version, "", model.digest, files)))
    if reference is not None:
        (folder / "reference.json").write_text(reference)
    Registry(node.places).point("tiny", "current", model.folder)


@pytest.mark.parametrize(
    "reference",
    [None, '{"request": {}, "answer": []}', "{", "{}", '{"answer": 1}', '{"answer": [1], "request": 3}', "[]"],
)
def test_without_an_own_question_the_declared_one_is_asked(node: FakeNode, reference: str | None) -> None:
    """And where no registry keeps the model, no version is known."""
    assert known(node, WANT) == (WANT, "")
    keeps(node, "1.3", reference)
    assert known(node, WANT) == (WANT, "1.3")


def test_the_version_that_runs_is_asked_its_own_question(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: held back, or with another beside, it is judged by its own answer; the one beside never is.

    Seeded faults: the declared answer is taken; the first answer is judged, whoever gave it.
    """
    keeps(node, "1.3", '{"request": {"inputs": [1]}, "answer": [[0.5], [0.5]], "tolerance": 0.01}')
    node.kube.objects["/api/v1/namespaces/vision/services/inference"] = {"spec": {"clusterIP": "10.0.0.1"}}
    said: list[tuple[dict[str, Any], list[float]]] = []
    asked: list[object] = []

    def ask(address: str, want: Inference) -> tuple[int, str]:
        assert address == "10.0.0.1"
        asked.append(want.request)
        parameters, data = said.pop(0) if len(said) > 1 else said[0]
        return 200, json.dumps({"parameters": parameters, **json.loads(answer(data))})

    monkeypatch.setattr(inference, "ask", ask)
    gate = Answers(WANT, needs=())
    own, other = {"version": "1.3", "candidate": False}, {"version": "1.4", "candidate": True}
    said[:] = [(other, [9.0, 9.0]), (other, [9.0, 9.0]), (own, [0.5, 0.5])]
    assert gate.probe(node).status is Status.CURRENT
    assert asked == [{"inputs": [1]}] * 3
    said[:] = [(own, [0.25, 0.75])]
    assert gate.probe(node).status is Status.FAILED
    said[:] = [({"version": "1.2"}, [0.1, 0.1])]
    seen = gate.probe(node)
    assert (seen.status, seen.reason) == (Status.IN_PROGRESS, "tiny 1.2 answers, 1.3 is not loaded yet")
    said[:] = [(other, [0.5, 0.5])]
    seen = gate.probe(node)
    assert (seen.status, "only the version beside" in seen.reason) == (Status.IN_PROGRESS, True)
