"""The fast tier: the same network with weights and values of 8 bits, its ranges taken from scenes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector import scenes
from edgectl.stack.detector.accuracy import pictures
from edgectl.stack.detector.shape import INPUT

FIRST_SCENE, SCENES, _BATCH = 2_000_000, 128, 16  # neither learnt from nor measured on


class _Scenes:
    """Gives pictures to onnxruntime.quantization, batch by batch, then None."""

    def __init__(self) -> None:
        self._at = 0

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        if self._at == SCENES:
            return None
        seeds = range(FIRST_SCENE + self._at, FIRST_SCENE + self._at + _BATCH)
        self._at += _BATCH
        return {INPUT: pictures(scenes.frame(seed)[0] for seed in seeds)}


def quantise(model: bytes) -> bytes:
    """Return the ONNX file in 8 bits, with the same input and output; the same bytes each time."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: a model is reported to nobody
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    CalibrationDataReader.register(_Scenes)
    with tempfile.TemporaryDirectory() as folder:
        full, ready, fast = (Path(folder, name) for name in ("full.onnx", "ready.onnx", "fast.onnx"))
        full.write_bytes(model)
        quant_pre_process(full, ready, skip_symbolic_shape=True, skip_optimization=True)
        quantize_static(
            ready,
            fast,
            _Scenes(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,  # 7 bits: the sums of older CPUs (AVX2 without VNNI) overflow with 8
            nodes_to_exclude=["head", "grid", "list"],  # few numbers, and each cell's answer depends on them alone
        )
        return bytes(onnx.load(fast).SerializeToString(deterministic=True))
