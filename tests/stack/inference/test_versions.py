"""Versions of a model are followed, checked and refused, with real models in a real registry."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgectl.stack.inference.batch import Batching
from edgectl.stack.inference.model import CUDA
from edgectl.stack.inference.registry import Registry
from edgectl.stack.inference.serve import Service
from edgectl.stack.inference.versions import REFUSALS, Terms
from edgectl.stack.inference.watch import Hopeless, Watch
from edgectl.stack.ops.clock import SystemClock
from tests.stack.inference.models import named, nan, only, reference, scale
from tests.stack.inference.shelf import Shelf, Store, open_store

PICTURE = np.full((1, 3, 4, 4), 0.5, dtype=np.float32)


def ask(store: Store) -> tuple[float, str]:
    """Return what is said of a grey picture, and by which version."""
    said = store.service.ask({"image": PICTURE}, deadline_seconds=10)
    return float(said.outputs["out"][0, 0, 0, 0]), said.version


def wrong_digest(shelf: Shelf) -> str:
    folder = shelf.good("1.4", 3)
    file = shelf.file(folder, "model.onnx")
    data = bytearray(file.read_bytes())
    file.unlink()  # its blob stays as it is
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    return folder


def a_file_gone(shelf: Shelf) -> str:
    folder = shelf.good("1.4", 3)
    shelf.file(folder, "reference.json").unlink()
    return folder


def too_large(shelf: Shelf) -> str:
    return shelf.put("1.4", scale(3, weights=600_000), known=reference(3))


BAD: list[tuple[str, str, Callable[[Shelf], str]]] = [
    ("digest", "model.onnx is sha256:", wrong_digest),
    ("missing", "reference.json cannot be read", a_file_gone),
    ("garbage", "is no model that can be loaded", lambda shelf: shelf.put("1.4", b"\x08\x08 no model")),
    ("garbage", "is no model that can be loaded", lambda shelf: shelf.put("1.4", scale(3)[:-40])),
    ("shape", "its inputs: image is", lambda shelf: shelf.put("1.4", scale(3, shape=["batch", 3, 8, 8]))),
    ("shape", "its inputs: image is", lambda shelf: shelf.put("1.4", scale(3, shape=["batch", 1, "h", "w"]))),
    ("shape", "its inputs are picture FP32", lambda shelf: shelf.put("1.4", named("picture"))),
    ("numbers", "no finite numbers", lambda shelf: shelf.put("1.4", nan())),
    ("answer", "golden answer is missed by 0.5", lambda shelf: shelf.put("1.4", scale(3), known=reference(3, off=0.5))),
    ("answer", "golden answer is missed", lambda shelf: shelf.put("1.4", scale(4), known=reference(3))),
    ("answer", "reference.json cannot be read", lambda shelf: shelf.put("1.4", scale(3), known={"request": {}})),
    ("answer", "cannot be read", lambda shelf: shelf.put("1.4", scale(3), known={**reference(3), "answer": [10**400]})),
    ("memory", "the budget is 2 MiB", too_large),
    ("shape", "inputs of fast.onnx", lambda shelf: shelf.good("1.4", 3, fast=scale(3, shape=["batch", 1, "h", "w"]))),
    ("numbers", "fast.onnx: output", lambda shelf: shelf.good("1.4", 3, fast=nan())),
    ("garbage", "fast.onnx is no model", lambda shelf: shelf.good("1.4", 3, fast=b"no model")),
]


def test_each_kind_of_refusal_is_tried() -> None:
    assert {kind for kind, _, _ in BAD} == set(REFUSALS)


@pytest.mark.parametrize(("kind", "sentence", "make"), BAD)
def test_what_is_refused_is_named_and_harms_nothing(
    kind: str, sentence: str, make: Callable[[Shelf], str], tmp_path: Path
) -> None:
    """Law: a bad version is named with its reason, what ran runs on, and it is not tried again; a good one then runs.

    Seeded faults: each check left out lets its own case through.
    """
    shelf = Shelf(tmp_path)
    shelf.current(shelf.good("1.3", 2))
    with open_store(shelf, terms=Terms(budget_bytes=2 << 20)) as store:
        assert store.look().state.word == "ready"
        shelf.current(make(shelf))
        status = store.look()
        refused = store.watch.refused
        assert refused is not None
        assert refused.word == kind
        model = status.links["model"]
        assert (status.state.word, model.word, model.kind) == ("degraded", "degraded", "model")
        assert model.reason.startswith("scaler 1.4 is refused: ")
        assert sentence in model.reason
        assert model.reason.endswith("; 1.3 serves on")
        assert "\n" not in model.reason
        assert ask(store) == (1.0, "1.3")
        store.look()
        assert sum("refused" in line for line in store.said) == 1
        shelf.current(shelf.good("1.5", 5))
        assert store.look().state.word == "ready"
        assert ask(store) == (2.5, "1.5")


def test_what_fails_at_the_frames_that_come_now_is_refused(tmp_path: Path) -> None:
    """Law: a version is warmed with questions as they come; what fails at those never runs. Seeded fault: it is not."""
    shelf = Shelf(tmp_path)
    shelf.current(shelf.good("1.3", 2))
    with open_store(shelf) as store:
        store.look()
        assert store.service.usual() == []
        ask(store)
        assert [question["image"].shape for question in store.service.usual()] == [(1, 3, 4, 4), (8, 3, 4, 4)]
        shelf.current(shelf.put("1.4", only(2, 2), known=reference(1)))
        status = store.look()
        assert "fails at questions as they come now" in status.links["model"].reason
        assert ask(store) == (1.0, "1.3")


def test_what_was_mended_in_place_is_tried_again(tmp_path: Path) -> None:
    """Law: the node repairs a version's files under the same name; then it is taken."""
    shelf = Shelf(tmp_path)
    shelf.current(shelf.good("1.3", 2))
    with open_store(shelf) as store:
        store.look()
        shelf.current(wrong_digest(shelf))
        assert store.look().links["model"].word == "degraded"
        shelf.good("1.4", 3)  # the node's `bring` mends it from its blobs
        assert store.look().links["model"].word == "ready"
        assert ask(store) == (1.5, "1.4")


def test_a_bad_version_at_the_start_gives_way_to_the_one_before(tmp_path: Path) -> None:
    """Law: degraded, not dead: what ran before serves where the registry has it."""
    shelf = Shelf(tmp_path)
    shelf.previous(shelf.good("1.3", 2))
    shelf.current(wrong_digest(shelf))
    with open_store(shelf) as store:
        status = store.look()
        assert (status.state.word, status.links["model"].kind) == ("degraded", "model")
        assert ask(store) == (1.0, "1.3")


def test_a_bad_version_with_nothing_before_it_is_not_ready_and_waits(tmp_path: Path) -> None:
    """Law: it says why it does not serve, and serves when the registry names another one."""
    shelf = Shelf(tmp_path)
    shelf.current(wrong_digest(shelf))
    with open_store(shelf) as store:
        state = store.look().state
        assert (state.word, state.kind) == ("not ready", "model")
        assert "1.4 cannot be served: model.onnx is sha256" in state.reason
        shelf.current(shelf.good("1.5", 5))
        assert store.look().state.word == "ready"


def test_an_empty_registry_is_waited_for(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with open_store(shelf) as store:
        status = store.look()
        assert (status.state.word, status.state.kind) == ("not ready", "config")
        assert "no model in" in status.state.reason
        shelf.current(shelf.good("1.3", 2))
        assert store.look().state.word == "ready"


def test_a_registry_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    """Law: what runs runs on, and the link says what cannot be seen."""
    shelf = Shelf(tmp_path)
    shelf.current(shelf.good("1.3", 2))
    with open_store(shelf) as store:
        store.look()
        shelf.models.rename(shelf.models.with_name("gone"))
        status = store.look()
        assert (status.state.word, status.links["model"].kind) == ("degraded", "config")
        assert ask(store) == (1.0, "1.3")


def test_an_image_s_bad_model_ends_the_service(tmp_path: Path) -> None:
    """Law: an image never changes: there is nothing to wait for."""
    folder = tmp_path / "scaler" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"no model")
    watch = Watch(Registry(tmp_path), Service(Batching()), clock=SystemClock(), terms=Terms(), say=lambda _: None)
    with pytest.raises(Hopeless, match="no model that can be loaded"):
        watch.tick()


def test_two_versions_at_most_and_the_old_one_is_freed(tmp_path: Path) -> None:
    """Law: after a switch only the new one is in memory. Seeded fault: the old one is kept for a way back."""
    shelf = Shelf(tmp_path)
    shelf.current(shelf.good("1.3", 2))
    with open_store(shelf) as store:
        store.look()
        assert ask(store)[1] == "1.3"
        old: Any = weakref.ref(store.service.stage.current)
        shelf.current(shelf.good("1.4", 3))
        store.look()
        assert ask(store)[1] == "1.4"
        gc.collect()
        assert old() is None
        assert [role for role, _ in store.watch.loaded] == ["current"]


def test_a_gpu_that_was_asked_for_and_is_not_there_is_said(tmp_path: Path) -> None:
    """Law: it serves on the CPU, degraded, and says so."""
    shelf = Shelf(tmp_path)
    shelf.current(shelf.good("1.3", 2))
    with open_store(shelf, terms=Terms(provider=CUDA)) as store:
        status = store.look()
        current = store.service.stage.current
        assert current is not None
        if current.provider == "CPUExecutionProvider":
            assert (status.state.word, status.links["provider"].kind) == ("degraded", "resource")
        else:
            assert status.links["provider"].word == "ready"
        assert ask(store)[0] == 1.0


def test_a_version_that_cannot_be_split_runs_one_by_one(tmp_path: Path) -> None:
    """Law: a model of a fixed batch is served, each question alone."""
    shelf = Shelf(tmp_path)
    shelf.current(shelf.put("1.3", scale(2, shape=[1, 3, "height", "width"])))
    with open_store(shelf) as store:
        store.look()
        current = store.service.stage.current
        assert current is not None
        assert not current.tiers.splits
        assert ask(store) == (1.0, "1.3")


def test_the_reference_model_s_golden_answer_is_known() -> None:
    """Law: the model of this repository passes every check as it lies there, with both tiers."""
    models = Path(__file__).parents[3] / "templates" / "models"
    service = Service(Batching())
    watch = Watch(Registry(models), service, clock=SystemClock(), terms=Terms(), say=lambda _: None)
    watch.tick()
    current = service.stage.current
    assert current is not None
    assert (current.name, current.golden is not None, current.tiers.splits) == ("tiny-detector", True, True)
    assert current.tiers.fast is not None
