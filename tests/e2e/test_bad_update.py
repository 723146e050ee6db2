"""An update that is bad: it is refused by a gate, the store goes back, and nothing brings the bad one back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.assets import reference
from edgectl.control.bundle.layout import Bundle
from edgectl.control.gather.models import take_models
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.load import load
from edgectl.sandbox.bundle import MODEL
from edgectl.sandbox.gpu.archive import Start, write_archive
from tests.e2e.conftest import Shop
from tests.e2e.operator import Change, Said
from tests.e2e.stock import copy_bundle

pytestmark = pytest.mark.e2e


def _goes_back(shop: Shop, change: Change, *, code: int) -> Said:
    """Deploy something bad: this exit code, evidence, the old version answers, status says it, a heal keeps it so."""
    before = shop.operator.run("status", "-o", "json").document["current"]
    pod = shop.node.inference()["spec"]["template"]["spec"]
    said = shop.operator.with_(change=change).run("deploy", code=code)
    said.has(f"is READY on the old version (sequence {before['sequence']})")
    said.has("evidence  edgectl journal", "next ")
    found = re.search(r"Sequence (\d+) was rejected", said.out)
    assert found, said
    assert shop.node.answers() == ""
    assert shop.node.inference()["spec"]["template"]["spec"] == pod
    status = shop.operator.run("status")
    status.has("is READY")
    status.has(f"rejected  sequence {found[1]}")
    heal = shop.node.heal()
    assert (heal["word"], heal["changed"], heal["sequence"]) == ("ready", [], before["sequence"])
    return said


def _vision(doc: dict[str, Any]) -> dict[str, Any]:
    release: dict[str, Any] = doc["defaults"]["releases"]["vision-stack"]
    return release


def test_an_image_that_containerd_does_not_get_is_refused(settled: Shop, tmp_path: Path) -> None:
    """An archive that does not hold what its name says: exit 6, before anything that runs is touched."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/empty").touch()
    archive = tmp_path / "image.tar"
    write_archive(archive, tmp_path / "tree", repository="edgectl.local/other", tag="1", start=Start(("/empty",)))
    bundle = copy_bundle(settled.sandbox, "lies")
    Bundle.open(bundle).add(archive, kind="image", name="lies", version="1", refs=("edgectl.local/lies:1",))

    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        doc["defaults"]["images"] = ["edgectl.local/lies:1"]

    before = settled.node.steady()
    said = _goes_back(settled, change, code=6)
    said.has("edgectl.local/lies:1")
    assert settled.node.steady() == before, "the running store was touched"


def test_a_chart_that_never_gets_ready_is_refused(settled: Shop) -> None:
    """A container that ends as soon as it starts: exit 5 at the release's own deadline, and its last words."""

    def change(doc: dict[str, Any]) -> None:
        _vision(doc)["timeout_seconds"] = 15
        _vision(doc)["values"]["inference"]["env"] = {"PYTHONHOME": "/nowhere"}

    said = _goes_back(settled, change, code=5)
    said.has("vision-stack pods: Deployment/inference")
    said.has("inference: ")


def test_a_swapped_model_is_refused(settled: Shop, tmp_path: Path) -> None:
    """It starts, is healthy, and answers; only the known answer tells that it is not the model that was declared."""
    bundle = copy_bundle(settled.sandbox, "swapped")

    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        doc["defaults"]["models"] = {MODEL: {"version": "2-swapped", "from": str(_swapped(tmp_path))}}
        _vision(doc)["values"]["inference"]["env"] = {"GREETING": "swapped"}  # a new pod reads it from the start

    operator = settled.operator.with_(change=change)
    shopping = Shopping(Bundle.open(bundle), (), lambda _: None)
    take_models([load(operator.inventory).store(operator.store)], shopping)
    said = _goes_back(settled, change, code=5)
    said.has("gives another answer than the model that was declared")


def _swapped(folder: Path) -> Path:
    """Return a file of the model that differs in its weights alone; with no golden answer beside it to be found by."""
    import numpy as np
    import onnx
    import onnx.numpy_helper

    model = onnx.load(str(reference(MODEL).with_name("model.onnx")))
    weights = next(one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT)
    other = (onnx.numpy_helper.to_array(weights) * 1.01).astype(np.float32)
    weights.CopyFrom(onnx.numpy_helper.from_array(other, weights.name))
    file = folder / "model.onnx"
    onnx.save(model, str(file))
    return file
