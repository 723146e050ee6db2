"""The Open Inference Protocol v2 as pure functions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from edgectl.stack.inference.protocol import BadRequest, Tensor, answer, read

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
    assert doc == {
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
