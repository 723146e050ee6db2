"""The committed detector: it detects, in both tiers; it is what its weights say; and no other answers as it does."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgectl.control import assets
from edgectl.stack.detector import accuracy, scenes, train
from edgectl.stack.detector.export import export, weights_of
from edgectl.stack.detector.folder import FAST, FULL, REFERENCE
from edgectl.stack.detector.golden import TOLERANCE, encode, reference
from edgectl.stack.detector.network import LAYERS, forward, parameters
from edgectl.stack.detector.quantise import FIRST_SCENE, quantise
from edgectl.stack.detector.shape import FIELDS, NAME, STRIDE, VERSION
from tests import models

LEAST_F1 = 0.8
LOST_F1 = 0.03  # at most, by the fast tier
LARGEST_BYTES = 200_000


@cache
def committed(name: str) -> bytes:
    return (models.COMMITTED / name).read_bytes()


@cache
def f1(name: str) -> float:
    return accuracy.measure(models.run(committed(name))).f1


def furthest(model: bytes) -> float:
    """Return how far a model's answer is from the golden one, at its worst number."""
    doc: dict[str, Any] = json.loads(committed(REFERENCE))
    (asked,) = doc["request"]["inputs"]
    image = np.array(asked["data"], dtype=np.float32).reshape(asked["shape"])
    return float(np.abs(models.run(model)(image).ravel() - np.array(doc["answer"])).max())


def test_it_detects() -> None:
    """Law: F1 at IoU 0.5 is at least 0.8 on 200 scenes that it has never learnt from."""
    assert f1(FULL) >= LEAST_F1
    assert max(accuracy.FIXED) < train.FIRST_LESSON


def test_the_fast_tier_detects_nearly_as_well() -> None:
    """Law: 8 bits cost at most 0.03 of F1, on scenes that its ranges were not taken from either."""
    assert f1(FAST) >= f1(FULL) - LOST_F1
    assert max(accuracy.FIXED) < FIRST_SCENE


def test_it_detects_in_films() -> None:
    """Law: what the camera's films show is found as well as scenes."""
    shown = [scenes.motion(seed, step) for seed in range(20) for step in range(0, 400, 40)]
    raw = models.run(committed(FULL))(accuracy.pictures(picture for picture, _ in shown))
    assert accuracy.judge(raw, [there for _, there in shown]).f1 >= LEAST_F1


def test_shuffled_weights_do_not_detect() -> None:
    """Seeded fault: the same numbers in another order. The measure must see it."""
    weights = models.shuffled(weights_of(committed(FULL)))
    assert accuracy.measure(models.run(export(weights))).f1 < LEAST_F1 / 2


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (2, 2), (9, 16), (1, 3)])
def test_float64_agrees_with_the_runtime(rows: int, columns: int) -> None:
    """Law: two implementations, one answer (1e-4), for any height and width of whole cells, and any batch."""
    side = STRIDE * max(rows, columns)
    frames = [scenes.frame(seed, side)[0][: rows * STRIDE, : columns * STRIDE] for seed in range(3)]
    images = accuracy.pictures(frames)
    answer = forward(weights_of(committed(FULL)), images)
    assert answer.shape == (3, rows * columns, FIELDS)
    assert np.abs(models.run(committed(FULL))(images) - answer).max() <= TOLERANCE


def test_the_files_are_what_the_weights_say() -> None:
    """Law: the full tier and the golden answer follow from the committed weights, byte for byte."""
    weights = weights_of(committed(FULL))
    assert export(weights) == committed(FULL)
    assert encode(reference(weights)).encode() == committed(REFERENCE)


def test_the_fast_tier_follows_from_the_full_one() -> None:
    """Law: quantising gives the same bytes each time, and nearly the committed ones' answer on any processor."""
    made = quantise(committed(FULL))
    assert quantise(committed(FULL)) == made
    images = accuracy.pictures(scenes.frame(seed)[0] for seed in range(20))
    assert np.abs(models.run(made)(images) - models.run(committed(FAST))(images)).mean() < 0.01


def test_it_is_small() -> None:
    """Law: each file travels in seconds; the question, which every payload carries, in less; all in convolutions."""
    import onnx

    assert max(len(committed(name)) for name in (FULL, FAST)) < LARGEST_BYTES
    assert len(committed(REFERENCE)) <= 6 * 1024
    graph = onnx.load_model_from_string(committed(FULL)).graph
    stored = sum(int(np.prod(weight.dims)) for weight in graph.initializer if weight.data_type == 1)
    assert stored == parameters() >= 10_000
    assert [node.op_type for node in graph.node].count("Conv") == len(LAYERS)


def test_only_the_full_tier_gives_the_golden_answer() -> None:
    """Law: the full tier is within the tolerance; the fast one is told apart, though never far away."""
    assert furthest(committed(FULL)) <= TOLERANCE / 2
    assert 10 * TOLERANCE < furthest(committed(FAST)) < 1


@pytest.mark.parametrize("layer", [layer.name for layer in LAYERS])
def test_a_swapped_model_fails(layer: str) -> None:
    """Law: a model with one layer changed by one percent gives another answer."""
    weights = weights_of(committed(FULL))
    weights[f"{layer}.weight"] = weights[f"{layer}.weight"] * np.float32(1.01)
    assert furthest(export(weights)) > TOLERANCE


def test_the_newest_version_proves_inference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: version 10 is newer than 9; a model that does not come with edgectl is named by where it would be."""
    assert assets.reference.__wrapped__(NAME) == models.COMMITTED / REFERENCE
    assert models.COMMITTED.name == VERSION
    monkeypatch.setattr(assets, "templates", lambda: tmp_path)
    for name in ("9", "10", "notes"):
        (tmp_path / "models/a" / name).mkdir(parents=True)
        (tmp_path / "models/a" / name / REFERENCE).touch()
    assert assets.reference.__wrapped__("a") == tmp_path / "models/a/10" / REFERENCE
    assert assets.reference.__wrapped__("b") == tmp_path / "models/b" / REFERENCE


@pytest.mark.long
def test_training_again_gives_as_good_a_model() -> None:
    """Law: the command that made the model makes it again: as good, on whatever machine."""
    again = export(train.train())
    assert accuracy.measure(models.run(again)).f1 >= max(LEAST_F1, f1(FULL) - LOST_F1)
    fast: NDArray[Any] = models.run(quantise(again))(accuracy.pictures([scenes.frame(0)[0]]))
    assert np.isfinite(fast).all()
