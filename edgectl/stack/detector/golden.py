"""The golden answer: one small question, and what only these weights answer, computed without ONNX Runtime.

It is the full tier's: the fast one answers the same question otherwise, and is so told apart.
"""

from __future__ import annotations

import json
from typing import Any

from edgectl.stack.detector import scenes
from edgectl.stack.detector.accuracy import pictures
from edgectl.stack.detector.network import Weights, forward
from edgectl.stack.detector.shape import INPUT

SIDE = 16  # pixels: small, since the question travels in every payload
TOLERANCE = 1e-4  # between runtimes and processors
_SCENE = 4_000_000
_DECIMALS_IN = 3
_DECIMALS_OUT = 6


def reference(weights: Weights) -> dict[str, Any]:
    """Return a question in the Open Inference Protocol v2, its answer, and how far a right answer may be off."""
    image = pictures([scenes.frame(_SCENE, SIDE)[0]]).astype(float).round(_DECIMALS_IN)
    request = {
        "inputs": [
            {"name": INPUT, "shape": list(image.shape), "datatype": "FP32", "data": image.ravel().tolist()},
        ]
    }
    answer = forward(weights, image).ravel().round(_DECIMALS_OUT).tolist()
    return {"request": request, "answer": answer, "tolerance": TOLERANCE}


def encode(doc: dict[str, Any]) -> str:
    """Return the text of reference.json."""
    return json.dumps(doc, separators=(",", ":")) + "\n"
