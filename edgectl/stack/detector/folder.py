"""A version's folder: both tiers and the golden answer, as a registry or an image takes them."""

from __future__ import annotations

from pathlib import Path

from edgectl.stack.detector.export import export
from edgectl.stack.detector.golden import encode, reference
from edgectl.stack.detector.network import Weights
from edgectl.stack.detector.quantise import quantise

FULL, FAST, REFERENCE = "model.onnx", "fast.onnx", "reference.json"


def write(folder: Path, weights: Weights) -> None:
    """Write all three files; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    full = export(weights)
    (folder / FULL).write_bytes(full)
    (folder / FAST).write_bytes(quantise(full))
    (folder / REFERENCE).write_text(encode(reference(weights)))
