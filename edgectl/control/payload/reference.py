"""The file with the request and the known answer that prove a model.

Owns its form: `{"request": {...}, "answer": [...], "tolerance": 1e-4}`. Must not know how the question is asked.
"""

from __future__ import annotations

import json
from typing import Any

from edgectl.control.inventory.store import InferenceSettings
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Inference


def inference(asked: InferenceSettings, namespace: str) -> Inference:
    """Read the reference file and return the question for the payload; InvalidInput when it is missing or no answer."""
    try:
        doc: Any = json.loads(asked.reference.read_bytes())
    except OSError as error:
        sentence = f'model "{asked.model}" has no reference to prove it by: {asked.reference}: {error.strerror}'
        raise InvalidInput(sentence) from error
    except ValueError as error:
        raise InvalidInput(f"{asked.reference} is no JSON: {error}") from error
    if not isinstance(doc, dict) or not isinstance(doc.get("request"), dict) or not doc["request"].get("inputs"):
        raise InvalidInput(f'{asked.reference} needs a "request" with "inputs" (Open Inference Protocol v2)')
    answer, tolerance = doc.get("answer"), doc.get("tolerance", 1e-4)
    if not isinstance(answer, list) or not answer or not all(_is_number(value) for value in answer):
        raise InvalidInput(f'{asked.reference} needs an "answer": the numbers that the model gives, at least one')
    if not _is_number(tolerance) or not 0 < tolerance < 1:
        raise InvalidInput(f'{asked.reference}: "tolerance" must lie between 0 and 1')
    return Inference(
        namespace=namespace,
        service=asked.service,
        port=asked.port,
        model=asked.model,
        request=doc["request"],
        answer=tuple(float(value) for value in answer),
        tolerance=float(tolerance),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
