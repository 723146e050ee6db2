"""The textfile for Prometheus: what it says is what was seen, in a form that every reader takes."""

from __future__ import annotations

import re
from dataclasses import replace

from edgectl.node.gpu.metrics import keep, text, withdrawals
from edgectl.wire.gpu import Card, GpuLook, Offer, Smoke, Watch
from edgectl.wire.verdict import NOT_READY, READY
from tests.unit.node.fake import FakeNode

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LINE = re.compile(r'([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?[0-9.e+-]+)')
LOOK = GpuLook(
    node="node-1",
    boot="b",
    count=2,
    required=1,
    resource="nvidia.com/gpu",
    offers=(Offer("nvidia.com/gpu", 2, 1, 2), Offer("nvidia.com/mig", 2, 1)),
    cards=(
        Card(0, "GPU-0", smoke=Smoke(ok=True, seconds=1.25, gb_per_s=812.5), word=READY),
        Card(1, 'GPU-"1\\\n', smoke=Smoke(ok=False, seconds=0.5)),
        Card(2, "GPU-2"),
    ),
    watch=Watch("held", counts={"restarted": 2, "deleted": 1}),
    word=READY,
)


def parsed(said: str) -> dict[str, float]:
    """Read an exposition strictly: HELP and TYPE once before a family's samples, no sample twice, all lines whole."""
    assert said.endswith("\n")
    found: dict[str, float] = {}
    families: dict[str, str] = {}
    lines = iter(said.splitlines())
    for line in lines:
        if line.startswith("# HELP "):
            name, _, about = line.removeprefix("# HELP ").partition(" ")
            assert _NAME.fullmatch(name)
            assert about
            assert name not in families
            kind = next(lines).removeprefix(f"# TYPE {name} ")
            assert kind in {"gauge", "counter"}
            assert (kind == "counter") == name.endswith("_total")
            assert not name.endswith(("_count", "_sum", "_bucket", "_info"))
            families[name] = kind
            continue
        sample = _LINE.fullmatch(line)
        assert sample, line
        assert sample[1] == list(families)[-1], "samples stand below their own family"
        key = line.rpartition(" ")[0]
        assert key not in found
        found[key] = float(sample[3])
    return found


def test_all_of_it() -> None:
    """Every number, with its labels; what is not known is left out."""
    assert parsed(text(LOOK, withdrawals=3, now=1795780800.5)) == {
        "edgectl_gpu_ready": 1,
        "edgectl_gpu_required": 1,
        "edgectl_gpu_declared": 2,
        'edgectl_gpu_allocatable{resource="nvidia.com/gpu"}': 2,
        'edgectl_gpu_proven{uuid="GPU-0"}': 1,
        'edgectl_gpu_proven{uuid="GPU-\\"1\\\\\\n"}': 0,
        'edgectl_gpu_smoke_seconds{uuid="GPU-0"}': 1.25,
        'edgectl_gpu_smoke_seconds{uuid="GPU-\\"1\\\\\\n"}': 0.5,
        'edgectl_gpu_smoke_bytes_per_second{uuid="GPU-0"}': 812.5e9,
        "edgectl_gpu_withdrawals_total": 3,
        'edgectl_watchdog_deeds_total{deed="deleted"}': 1,
        'edgectl_watchdog_deeds_total{deed="restarted"}': 2,
        "edgectl_watchdog_held": 1,
        "edgectl_last_look_timestamp_seconds": 1795780800.5,
    }


def test_of_a_node_without_anything() -> None:
    """No card, no deed, no API: still a whole file, and not ready is 0."""
    bare = GpuLook(node="node-1", boot="b", count=2, required=1, resource="nvidia.com/gpu", word=NOT_READY)
    found = parsed(text(bare, withdrawals=0, now=1.0))
    assert found["edgectl_gpu_ready"] == found["edgectl_watchdog_held"] == found["edgectl_gpu_withdrawals_total"] == 0
    assert not [key for key in found if "uuid" in key]


def test_the_file_is_readable_and_whole(node: FakeNode) -> None:
    """Mode 0644, old or new, nothing else in the folder; a disk that does not take it fails nobody."""
    node.write(node.places.gpu_log, "1 proven GPU-0\n2 withdrawn GPU-0: withdrawn twice\n3 withdrawn GPU-1\ntorn\n")
    assert withdrawals(node) == 2
    keep(node, LOOK, now=1.0)
    keep(node, replace(LOOK, word=NOT_READY), now=2.0)
    path = node.places.metrics
    assert path.stat().st_mode & 0o777 == 0o644
    assert parsed(path.read_text())["edgectl_gpu_ready"] == 0
    assert list(path.parent.iterdir()) == [path]
    path.unlink()
    path.mkdir()
    keep(node, LOOK, now=3.0)
