"""Faults from the GPU to the bus."""

from __future__ import annotations

import json

from edgectl.wire.chain import CONFIG, DEGRADED, INPUT, MODEL, NOT_READY, RESOURCE
from tests.models import broken
from tests.stack.chain.fault import Fault, hangs, killed
from tests.stack.chain.node import COMMITTED
from tests.stack.chain.rig import CAMERAS, Json, Rig

_CRASHES = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=inference"}}
_RUNS: Json = {"running": {}}


def _other_bytes(rig: Rig) -> None:
    file = rig.node.file(rig.node.model, "model.onnx")
    staged = file.with_suffix(".new")
    staged.write_bytes(broken("garbage"))
    staged.replace(file)


def _as_brought(rig: Rig) -> None:
    rig.node.registry.bring(rig.node.model)


def _dull(rig: Rig) -> None:
    """Let inference serve another model under the same name and version, unasked by its own check."""
    folder = rig.folder / "dull" / "tiny-detector" / "2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(broken("dull"))
    rig.inference.again("--models", str(folder.parents[1]))


def _stuck(rig: Rig) -> None:
    """Let `current` name a version that cannot be loaded."""
    files = {path.name: path.read_bytes() for path in COMMITTED.iterdir()}
    known = json.loads(files["reference.json"])
    known["answer"] = [number + 1 for number in known["answer"]]
    files = {"model.onnx": broken("garbage"), "reference.json": json.dumps(known).encode()}
    rig.node.current(rig.node.bring("3", files))


def _crash(rig: Rig) -> None:
    rig.inference.kill()
    rig.node.pod("inference", _CRASHES)


def _crash_no_more(rig: Rig) -> None:
    rig.node.pod("inference", _RUNS)
    rig.inference.start()


def _all_cameras(rig: Rig, film: str | None) -> None:
    for name in CAMERAS:
        rig.show(name, film)


def _open(rig: Rig, *, yes: bool) -> None:
    rig.lets_in("bus", yes=yes)
    rig.bus.again()


def _without_bus_service(rig: Rig) -> None:
    rig.taken["bus"] = rig.node.no_service("bus")


INSIDE = {
    "gpu: its proof is withdrawn": Fault(
        *("gpu", NOT_READY, RESOURCE, ("gpu not proven", "its sum is wrong")),
        lambda rig: rig.node.give_up(),
        lambda rig: rig.node.prove(),
    ),
    "model: the registry names none": Fault(
        *("model", NOT_READY, MODEL, ("model not as declared", "no version of tiny-detector is in the registry")),
        lambda rig: rig.node.current(None),
        lambda rig: rig.node.current(rig.node.model),
        uses=frozenset({"registry"}),
    ),
    "model: other bytes on the disk": Fault(
        *("model", NOT_READY, MODEL, ("model not as declared", "tiny-detector 2 model.onnx")),
        _other_bytes,
        _as_brought,
        uses=frozenset({"registry"}),
    ),
    "model: inference gives another answer": Fault(
        *("model", NOT_READY, MODEL, ("model not as declared", "gives another answer")),
        _dull,
        lambda rig: rig.inference.again(),
        needs=frozenset({"inference"}),
        uses=frozenset({"inference"}),
    ),
    "model: current cannot be loaded": Fault(
        *("model", DEGRADED, MODEL, ("model degraded", "tiny-detector 3 is refused", "2 serves on")),
        _stuck,
        lambda rig: rig.node.current(rig.node.model),
        needs=frozenset({"inference"}),
        uses=frozenset({"registry"}),
    ),
    "inference: killed": killed("inference"),
    "inference: hangs": hangs("inference", "no answer in time"),
    "inference: its pod crashes": Fault(
        *("inference", NOT_READY, RESOURCE, ("inference silent", "inference-7f9c", "CrashLoopBackOff")),
        _crash,
        _crash_no_more,
        uses=frozenset({"inference"}),
    ),
    "camera: killed": killed("camera"),
    "camera: hangs": hangs("camera", "no answer in time"),
    "camera: one source is gone": Fault(
        *("camera:front", NOT_READY, INPUT, ("camera:front not ready", "front.avi", "No such file")),
        lambda rig: rig.show("front", None),
        lambda rig: rig.show("front", "walk"),
        needs=frozenset({"camera"}),
        uses=frozenset({"films"}),
    ),
    "camera: one picture is frozen": Fault(
        *("camera:front", DEGRADED, INPUT, ("camera:front degraded", "frozen: the same picture for")),
        lambda rig: rig.show("front", "still"),
        lambda rig: rig.show("front", "walk"),
        needs=frozenset({"camera"}),
        uses=frozenset({"films"}),
    ),
    "camera: all sources are gone": Fault(
        *("camera", NOT_READY, INPUT, ("camera not ready", "none of 2 cameras gives frames", "No such file")),
        lambda rig: _all_cameras(rig, None),
        lambda rig: _all_cameras(rig, "walk"),
        uses=frozenset({"films"}),
    ),
    "bus: killed": killed("bus"),
    "bus: hangs": hangs("bus", "no answer to CONNECT in time"),
    "bus: refuses": Fault(
        *("bus", NOT_READY, CONFIG, ("bus not ready", "does not reach it", "refuses: Not authorized")),
        lambda rig: _open(rig, yes=False),
        lambda rig: _open(rig, yes=True),
        uses=frozenset({"bus"}),
    ),
    "bus: it has no Service": Fault(
        *("bus", NOT_READY, RESOURCE, ("bus missing", "there is no Service vision/bus")),
        _without_bus_service,
        lambda rig: rig.node.give_back(rig.taken.pop("bus")),
    ),
}
