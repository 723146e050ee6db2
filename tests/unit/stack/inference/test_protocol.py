"""The Open Inference Protocol v2 as pure functions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.stack.inference import binary
from edgectl.stack.inference.protocol import DATATYPES, BadRequest, Reply, Tensor, answer, read

INPUTS = (Tensor("image", "FP32", (-1, 2)),)
OUTPUTS = (Tensor("sum", "FP32", (-1,)), Tensor("max", "FP32", (-1,)))
GOOD = {"name": "image", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}


def ask(doc: Any) -> Any:
    body = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
    return read(body, inputs=INPUTS, outputs=OUTPUTS)


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]], [1.0, 2, 3, 4.0]])
def test_data_may_be_flat_or_nested(data: list[Any]) -> None:
    """Law: both forms of a tensor's data mean the same array."""
    question = ask({"inputs": [{**GOOD, "data": data}]})
    assert question.arrays["image"].dtype == np.float32
    assert question.arrays["image"].tolist() == [[1, 2], [3, 4]]
    assert question.outputs == ("sum", "max")


REFUSED = [
    (b"", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b"[]", "must be a JSON object"),
    (b'{"inputs":[{"name":"image","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}', "NaN is no JSON number"),
    ({}, '"inputs" must be a list'),
    ({"inputs": []}, "at least one tensor"),
    ({"inputs": [3]}, r"inputs\[0\] must be an object"),
    ({"inputs": [{**GOOD, "name": "picture"}]}, "no input 'picture', it has image"),
    ({"inputs": [GOOD, GOOD]}, "'image' is given twice"),
    ({"inputs": [{**GOOD, "datatype": "FP64"}]}, "datatype must be FP32, not 'FP64'"),
    ({"inputs": [{**GOOD, "shape": "2x2"}]}, "list of positive integers"),
    ({"inputs": [{**GOOD, "shape": [True, 2]}]}, "list of positive integers"),
    ({"inputs": [{**GOOD, "shape": [-1, 2]}]}, "list of positive integers"),
    ({"inputs": [{**GOOD, "shape": [1, 4]}]}, r"shape must be \[-1, 2\]"),
    ({"inputs": [{**GOOD, "shape": [4]}]}, r"shape must be \[-1, 2\]"),
    ({"inputs": [{**GOOD, "shape": [3, 2]}]}, "needs 6 values, data holds 4"),
    ({"inputs": [{**GOOD, "data": "1,2"}]}, "data must be a list"),
    ({"inputs": [{**GOOD, "data": [[1, 2], [3]]}]}, "evenly nested"),
    ({"inputs": [{**GOOD, "data": [1, 2, 3, "4"]}]}, "numbers only"),
    ({"inputs": [{**GOOD, "data": [1, 2, 3, None]}]}, "numbers only"),
    ({"inputs": [{**GOOD, "data": [1, 2, 3, 1e300]}]}, "too large for FP32"),
    ({"inputs": [GOOD], "outputs": "sum"}, '"outputs" must be a list'),
    ({"inputs": [GOOD], "outputs": [{"name": "min"}]}, "no output 'min', it has sum, max"),
]


@pytest.mark.parametrize(("doc", "sentence"), REFUSED)
def test_a_bad_request_is_refused_with_one_sentence(doc: Any, sentence: str) -> None:
    """Law: whatever does not fit is named, on one line."""
    with pytest.raises(BadRequest, match=sentence) as refused:
        ask(doc)
    assert "\n" not in str(refused.value)


def test_only_the_outputs_asked_for_come_back() -> None:
    """Law: an answer bears the request's id, the model's name and version, and the outputs that were asked for."""
    question = ask({"id": "7", "inputs": [GOOD], "outputs": [{"name": "max"}]})
    doc = answer(question, {"max": np.array([2, 4], np.float32)}, model="m", version="1", outputs=OUTPUTS)
    assert doc.tensors == ()
    assert doc.doc == {
        "id": "7",
        "model_name": "m",
        "model_version": "1",
        "outputs": [{"name": "max", "datatype": "FP32", "shape": [2], "data": [2.0, 4.0]}],
    }


def test_an_answer_that_is_no_number_is_an_error() -> None:
    """Law: NaN never leaves as if it were an answer."""
    question = ask({"inputs": [GOOD]})
    arrays = {"sum": np.array([np.nan], np.float32), "max": np.array([1], np.float32)}
    with pytest.raises(ArithmeticError, match="'sum'"):
        answer(question, arrays, model="m", version="1", outputs=OUTPUTS)


def as_bytes(doc: Any, *arrays: Any) -> tuple[bytes, str]:
    """Return a body with tensors behind its JSON, and the header for it."""
    head = json.dumps(doc).encode()
    return head + b"".join(binary.encode(array) for array in arrays), str(len(head))


def ask_bytes(body: bytes, header: str | None) -> Any:
    return read(body, inputs=INPUTS, outputs=OUTPUTS, header=header)


def sized(size: Any = 16, **changes: Any) -> dict[str, Any]:
    return {
        "inputs": [
            {**{key: GOOD[key] for key in GOOD if key != "data"}, "parameters": {"binary_data_size": size}, **changes}
        ]
    }


FOUR = np.array([[1, 2], [3, 4]], dtype=np.float32)


@given(
    st.sampled_from(sorted(DATATYPES)),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.randoms(),
    st.integers(0, 9),
)
def test_a_tensor_as_bytes_is_the_same_tensor(datatype: str, shape: list[int], drawn: Any, pad: int) -> None:
    """Law: what one side writes the other reads, bit for bit, wherever it lies in the body."""
    kind = np.dtype(DATATYPES[datatype])
    size = int(np.prod(shape))
    array = (
        np.array([drawn.randrange(2 if datatype == "BOOL" else 100) for _ in range(size)]).astype(kind).reshape(shape)
    )
    tensor = Tensor("x", datatype, tuple(shape))
    item = {"name": "x", "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": array.nbytes}}
    body, header = as_bytes({"inputs": [item], "pad": " " * pad, "parameters": {"binary_data_output": True}}, array)
    question = read(body, inputs=[tensor], outputs=[tensor], header=header)
    assert question.arrays["x"].dtype == kind
    assert question.arrays["x"].flags.aligned
    assert np.array_equal(question.arrays["x"], array)
    data, length = answer(question, {"x": array}, model="m", version="1", outputs=[tensor]).encode()
    assert length is not None
    head, rest = binary.split(data, str(length))
    assert json.loads(head)["outputs"][0]["parameters"] == {"binary_data_size": array.nbytes}
    assert np.array_equal(binary.decode(rest, DATATYPES[datatype], shape), array)


def test_two_tensors_follow_in_the_order_of_the_json() -> None:
    """Law: Triton's order. Seeded fault: the model's own order is taken."""
    inputs = (Tensor("a", "FP32", (1,)), Tensor("b", "INT32", (2,)))
    b, a = np.array([7, 8], dtype=np.int32), np.array([0.5], dtype=np.float32)
    items = [
        {"name": "b", "shape": [2], "datatype": "INT32", "parameters": {"binary_data_size": 8}},
        {"name": "a", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}},
    ]
    body, header = as_bytes({"inputs": items}, b, a)
    arrays = read(body, inputs=inputs, outputs=OUTPUTS, header=header).arrays
    assert (arrays["a"].tolist(), arrays["b"].tolist()) == ([0.5], [7, 8])


NAN, INF = (np.array([[1, 2], [3, value]], dtype=np.float32) for value in (np.nan, np.inf))
REFUSED_BYTES = [
    (sized(), (FOUR[:1],), None, "16 bytes are announced, 8 follow"),
    (sized(), (FOUR, FOUR), None, "16 bytes follow the last tensor"),
    (sized(15), (FOUR,), None, "has 16 bytes, binary_data_size says 15"),
    (sized("16"), (FOUR,), None, "binary_data_size says '16'"),
    (sized(True), (FOUR,), None, "binary_data_size says True"),
    (sized(data=[1, 2, 3, 4]), (FOUR,), None, "in JSON and as bytes"),
    (sized(parameters=3), (FOUR,), None, "parameters must be an object"),
    (sized(), (NAN,), None, "no finite number"),
    (sized(), (INF,), None, "no finite number"),
    (sized(), (FOUR,), "0", "Inference-Header-Content-Length is '0'"),
    (sized(), (FOUR,), "-5", "Inference-Header-Content-Length is '-5'"),
    (sized(), (FOUR,), "99999", "but the body has"),
    (sized(), (FOUR,), "20", "not JSON"),
    ({"inputs": [GOOD], "parameters": []}, (), None, "the request: parameters"),
    ({"inputs": [GOOD], "outputs": [{"name": "max", "parameters": 1}]}, (), None, "output 'max': parameters"),
]


@pytest.mark.parametrize(("doc", "arrays", "header", "sentence"), REFUSED_BYTES)
def test_bytes_that_do_not_fit_are_refused(doc: Any, arrays: Any, header: str | None, sentence: str) -> None:
    """Law: no byte is read as another's, and what is no number never reaches a model."""
    body, right = as_bytes(doc, *arrays)
    with pytest.raises(BadRequest, match=sentence) as refused:
        ask_bytes(body, header or right)
    assert "\n" not in str(refused.value)


def test_a_truth_value_has_one_bit() -> None:
    item = {"name": "x", "shape": [2], "datatype": "BOOL", "parameters": {"binary_data_size": 2}}
    body, header = as_bytes({"inputs": [item]}, np.array([1, 2], dtype=np.uint8))
    with pytest.raises(BadRequest, match="0 or 1"):
        read(body, inputs=[Tensor("x", "BOOL", (2,))], outputs=OUTPUTS, header=header)


@pytest.mark.parametrize(
    ("asked", "binary_outputs"),
    [
        ({}, set()),
        ({"parameters": {"binary_data_output": True}}, {"sum", "max"}),
        ({"outputs": [{"name": "max", "parameters": {"binary_data": True}}, {"name": "sum"}]}, {"max"}),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "max", "parameters": {"binary_data": False}}, {"name": "sum"}],
            },
            {"sum"},
        ),
    ],
)
def test_outputs_come_as_bytes_where_that_is_asked_for(asked: Any, binary_outputs: set[str]) -> None:
    """Law: one output's own wish goes before the request's; the others come in JSON beside it."""
    question = ask({"inputs": [GOOD], **asked})
    assert question.binary == binary_outputs
    arrays = {name: np.array([1, 2], np.float32) for name in ("sum", "max")}
    reply = answer(question, arrays, model="m", version="1", outputs=OUTPUTS, parameters={"tier": "full"})
    assert len(reply.tensors) == len(binary_outputs)
    assert {item["name"] for item in reply.doc["outputs"] if "data" not in item} == binary_outputs
    assert reply.doc["parameters"] == {"tier": "full"}


def test_without_bytes_the_body_is_json_alone() -> None:
    assert Reply({"a": 1}).encode() == (b'{"a": 1}', None)
