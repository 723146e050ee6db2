"""What the shell probes of GPUs say: a layer each, and the cards that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.node.gpu.probed import layer, probed
from edgectl.wire.gpu import NEVER, NOT_YET
from edgectl.wire.payload import Gpu
from edgectl.wire.verdict import READY, UNKNOWN
from tests.unit.node.fake import FakeNode, ran

GPU = Gpu("nvidia.com/gpu", 2, 1, uuids=("GPU-0", "GPU-1"), driver="570.86")


@pytest.mark.parametrize(
    ("end", "status", "says"),
    [
        (ran("the driver is loaded\n"), READY, "the driver is loaded"),
        (ran("not yet\nmore\n", code=1), NOT_YET, "not yet"),
        (ran("never\n", code=2), NEVER, "never"),
        (ran("", code=None), UNKNOWN, "driver.sh did not end within 20 s"),
        (ran("", code=2, err="sh: 0: cannot open driver.sh"), UNKNOWN, "cannot open driver.sh"),
        (ran("what\n", code=127), UNKNOWN, "driver.sh could not look: what"),
    ],
)
def test_a_layer(end: Any, status: str, says: str) -> None:
    """The three exit codes and a reason; anything else has not looked."""
    seen = layer("driver", end)
    assert seen.status == status
    assert says in seen.says


def test_each_script_is_given_what_is_declared(node: FakeNode) -> None:
    """The driver's version, the cards; what is not declared is no word."""
    asked: list[tuple[str, ...]] = []

    def run(*argv: str) -> Any:
        asked.append((Path(argv[1]).name, *argv[2:]))
        return ran("fine\n")

    node.on_run = run
    probed(node, GPU)
    assert sorted(asked) == [
        ("devices.sh", "2", "GPU-0", "GPU-1"),
        ("driver.sh", "570.86"),
        ("health.sh",),
        ("toolkit.sh",),
        ("uvm.sh",),
        ("xid.sh",),
    ]


def test_one_that_hangs_spoils_its_own_layer_only(node: FakeNode) -> None:
    """The others say their own, and name their cards."""

    def run(*argv: str) -> Any:
        said = {
            "devices.sh": "2 of 2 GPUs\nGPU 0: Tesla T4 (UUID: GPU-0)\nGPU 1: Tesla T4 (UUID: GPU-1)\n",
            "xid.sh": "1 Xid\nother 0000:01:00 31 pid=4242\n",
        }
        name = Path(argv[1]).name
        return ran("", code=None) if name == "health.sh" else ran(said.get(name, "fine\n"))

    node.on_run = run
    said = probed(node, GPU)
    assert {name for name, one in said.layers.items() if one.status != READY} == {"health"}
    assert ([one.uuid for one in said.listed], list(said.xids), said.health) == (["GPU-0", "GPU-1"], ["0000:01:00"], ())
