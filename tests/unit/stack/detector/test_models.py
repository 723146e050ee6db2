"""The models that other tests try a store with are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgectl.stack.detector import accuracy, scenes
from edgectl.stack.detector.decode import detections
from edgectl.stack.detector.folder import FAST, FULL, REFERENCE
from tests import models

PICTURES = accuracy.pictures(scenes.frame(seed)[0] for seed in range(4))


def test_versions_differ_and_agree(tmp_path: Path) -> None:
    """Law: two tags are two models, of the same quality, that find the same in at least 95 % of the frames."""
    old, new = (models.version(tmp_path / tag, tag) for tag in ("1.3", "1.4"))
    for name in (FULL, FAST, REFERENCE):
        assert (old / name).read_bytes() != (new / name).read_bytes()
    runs = [models.run((folder / FULL).read_bytes()) for folder in (old, new)]
    assert min(accuracy.measure(run).f1 for run in runs) >= 0.8
    shown = accuracy.pictures(scenes.frame(seed)[0] for seed in accuracy.FIXED)
    said = [[detections(raw, 8, 8) for raw in run(shown)] for run in runs]
    same = [len(a) == len(b) == accuracy.matches(a, b) for a, b in zip(*said, strict=True)]
    assert np.mean(same) >= 0.95
    answers = [json.loads((folder / REFERENCE).read_text())["answer"] for folder in (old, new)]
    assert np.abs(np.subtract(*answers)).max() > 1e-3


def test_a_tag_is_always_the_same_model(tmp_path: Path) -> None:
    """Law: a version never changes."""
    one = models.version(tmp_path / "a", "1.3")
    models._tuned.cache_clear()
    other = models.version(tmp_path / "b", "1.3")
    assert (one / FULL).read_bytes() == (other / FULL).read_bytes()


def test_nan() -> None:
    """Law: it runs and answers no numbers."""
    assert np.isnan(models.run(models.broken("nan"))(PICTURES)).all()


def test_shape() -> None:
    """Law: it refuses pictures of three channels, and takes those of one."""
    run = models.run(models.broken("shape"))
    with pytest.raises(Exception, match="Got invalid dimensions"):
        run(PICTURES)
    assert run(PICTURES[:, :1]).shape == (4, 64, 6)


def test_outputs() -> None:
    """Law: it gives the right numbers under another name."""
    import onnxruntime

    model = models.broken("outputs")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["boxes"]
    assert (models.run(model)(PICTURES) == committed()(PICTURES)).all()


def test_dull() -> None:
    """Law: it gives numbers, and detects next to nothing."""
    run = models.run(models.broken("dull"))
    assert np.isfinite(run(PICTURES)).all()
    assert accuracy.measure(run).f1 < 0.4


def test_large() -> None:
    """Law: it is right, and as large as was asked for."""
    model = models.broken("large", size=3_000_000)
    assert 3_000_000 < len(model) < 3_300_000
    assert (models.run(model)(PICTURES) == committed()(PICTURES)).all()


def test_garbage() -> None:
    """Law: no runtime takes it."""
    with pytest.raises(Exception, match="INVALID_PROTOBUF"):
        models.run(models.broken("garbage"))


def test_all_kinds_are_tried() -> None:
    """Law: each kind has its test here."""
    assert {f"test_{kind}" for kind in models.KINDS} <= set(globals())
    assert all(models.broken(kind, size=1000) for kind in models.KINDS)


def committed() -> accuracy.Run:
    return models.run((models.COMMITTED / FULL).read_bytes())
