"""What the shell probes of GPUs say, read: a layer each, nvidia-smi's rows, the kernel's lines."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.node.gpu.probed import SCRIPTS, layer, pci, probed, rows, xids
from edgectl.wire.gpu import NEVER, NOT_YET
from edgectl.wire.verdict import READY, UNKNOWN
from tests.unit.node.fake import FakeNode, ran

HEALTH = """2 GPUs, driver 535.183.01
0, GPU-5a9dbc01-0000-4000-8000-000000000000, 00000000:01:00.0, Tesla T4, 535.183.01, 15360 MiB, 41, 0, Not Active, Active, [N/A]
1, GPU-5a9dbc01-0000-4000-8000-000000000001, 00000000:02:00.0, NVIDIA A100, 535.183.01, 40960, 93, [N/A], Active, Active, Enabled
garbage
"""  # noqa: E501 - nvidia-smi's own
KERNEL = """a GPU is lost
[  812.1] NVRM: Xid (PCI:0000:01:00): 31, pid=4242, name=python3, MMU Fault
[  901.7] NVRM: Xid (PCI:0000:02:00): 79, GPU has fallen off the bus.
"""


@pytest.mark.parametrize(
    ("end", "status", "says"),
    [
        (ran("the driver is loaded\n"), READY, "the driver is loaded"),
        (ran("not yet\nmore\n", code=1), NOT_YET, "not yet"),
        (ran("never\n", code=2), NEVER, "never"),
        (ran("", code=None), UNKNOWN, "driver.sh did not end within 10 s"),
        (ran("", code=2, err="sh: 0: cannot open driver.sh"), UNKNOWN, "cannot open driver.sh"),
        (ran("what\n", code=127), UNKNOWN, "driver.sh could not look: what"),
    ],
)
def test_a_layer(end: Any, status: str, says: str) -> None:
    """The three exit codes and a reason; anything else has not looked."""
    seen = layer("driver", end)
    assert seen.status == status
    assert says in seen.says


def test_rows() -> None:
    """One card a row; what nvidia-smi does not tell is not zero, and a torn line is no card."""
    first, second = rows(HEALTH)
    assert (first.index, first.uuid[-1], first.pci, first.name) == (0, "0", "0000:01:00", "Tesla T4")
    assert (first.memory_mib, first.temperature_c, first.ecc_errors, first.mig) == (15360, 41, 0, False)
    assert first.throttled == "hardware"
    assert (second.ecc_errors, second.throttled, second.mig) == (None, "heat, hardware", True)
    assert rows("") == rows("no driver\n") == ()


def test_the_kernels_lines() -> None:
    """Which card, which number, and whether the card itself is meant: 31 is a program's own fault, 79 is not."""
    mild, fatal = xids(KERNEL)
    assert (mild.pci, mild.number, mild.fatal) == ("0000:01:00", 31, False)
    assert (fatal.pci, fatal.fatal) == ("0000:02:00", True)
    assert fatal.line == "Xid (PCI:0000:02:00): 79, GPU has fallen off the bus."


def test_one_address_however_it_is_written() -> None:
    """nvidia-smi writes eight digits of domain and a function, the kernel four and none."""
    assert pci("00000000:3B:00.0") == pci("0000:3b:00") == pci("3b:00") == "0000:3b:00"
    assert pci("nonsense") == ""


def test_one_that_hangs_spoils_its_own_layer_only(node: FakeNode) -> None:
    """Each script is run by its name, and says its own."""

    def run(*argv: str) -> Any:
        return ran("", code=None) if argv[1].endswith("health.sh") else ran("fine\n")

    node.on_run = run
    said = probed(node)
    assert {name for name in SCRIPTS if said.layer(name).status == READY} == {"driver", "uvm", "toolkit", "xid"}
    assert said.layer("health").status == UNKNOWN
    assert said.rows == ()
