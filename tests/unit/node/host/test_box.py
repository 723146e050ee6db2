"""Which machine this is: the wrong box in the rack is known before anything is changed, the right one is let in."""

from __future__ import annotations

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.host.box import Box, box_of, disk_bytes, judge, memory_bytes
from edgectl.node.host.machine import TheMachine
from edgectl.wire.finding import OK, STOP, WARN
from edgectl.wire.host import Machine
from edgectl.wire.meant import Meant
from tests.unit.node.fake import FakeNode, ran

MAC, OTHER = "d8:bb:c1:00:00:01", "d8:bb:c1:00:00:02"
ZERO, ONE, TWO = ("GPU-5a9dbc01-0000-4000-8000-00000000000" + digit for digit in "012")


def put(node: FakeNode, path: str, text: str) -> None:
    place = node.places.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


CASES: list[tuple[Box, Meant, str]] = [
    (Box(serials=("J5X2",)), Meant(serial="j5x2"), OK),
    (Box(serials=("board", "J5X2")), Meant(serial="J5X2"), OK),
    (Box(serials=("J5X9",)), Meant(serial="J5X2"), STOP),
    (Box(), Meant(serial="J5X2"), WARN),  # a virtual machine says none: it cannot be compared
    (Box(macs=(MAC, OTHER)), Meant(macs=(MAC.upper(),)), OK),
    (Box(macs=(OTHER,)), Meant(macs=(MAC,)), STOP),
    (Box(), Meant(macs=(MAC,)), STOP),
    (Box(macs=(MAC,)), Meant(macs=(MAC, OTHER)), WARN),  # one card less is this box with a card missing
    (Box(gpus=None), Meant(gpus=(ZERO,), gpu_count=1), OK),  # no driver answers: the deploy may bring it
    (Box(gpus=(ZERO, ONE)), Meant(gpus=(ZERO, ONE), gpu_count=2), OK),
    (Box(gpus=(ZERO,)), Meant(gpus=(ZERO, ONE), gpu_count=2), WARN),  # dead: the GPUs' own gate judges
    (Box(gpus=(ZERO, TWO)), Meant(gpus=(ZERO, ONE), gpu_count=2), STOP),
    (Box(gpus=(TWO,)), Meant(gpus=(ZERO,), gpu_count=1), STOP),
    (Box(gpus=(ZERO, TWO)), Meant(gpus=(ZERO,), gpu_count=2), OK),  # the second is not named
    (Box(gpus=(TWO,)), Meant(gpus=(ZERO,), gpu_count=2), WARN),  # may be the one that is not named
]


@pytest.mark.parametrize(("box", "meant", "word"), CASES)
def test_another_machine_is_told_from_one_that_lacks_something(box: Box, meant: Meant, word: str) -> None:
    """Stop only where what is here is another's; every finding that is not fine says what to do."""
    (found,) = judge(box, meant)
    assert found.word == word
    assert bool(found.hint) is (word != OK)
    if word == STOP:
        assert "the inventory means" in found.reason


def test_what_is_not_declared_is_not_compared() -> None:
    """Nothing is said of it."""
    assert list(judge(Box(("J5X2",), (MAC,), (ZERO,)), Meant())) == []


def test_a_machine_is_read_from_its_files(node: FakeNode) -> None:
    """Without a program; a vendor's placeholder is no serial number, a bond has the addresses of its cards."""
    for name, text in (("product_serial", "To Be Filled By O.E.M.\n"), ("board_serial", "J5X2\n")):
        put(node, f"sys/class/dmi/id/{name}", text)
    put(node, "sys/class/net/lo/address", "00:00:00:00:00:00\n")
    put(node, "sys/class/net/eth0/address", f"{MAC}\n")
    put(node, "sys/class/net/eth1/address", f"{MAC}\n")
    put(node, "sys/class/net/eth1/bonding_slave/perm_hwaddr", f"{OTHER}\n")
    put(node, "proc/driver/nvidia/gpus/0000:01:00.0/information", f"Model: \t Tesla T4\nGPU UUID: \t {ZERO}\n")
    assert box_of(node, gpus=True) == Box(("J5X2",), (MAC, OTHER), (ZERO,))
    assert box_of(node, gpus=False).gpus is None


def test_cards_that_the_driver_does_not_name_are_asked_for(node: FakeNode) -> None:
    """Not before a driver is there: nvidia-smi takes its time."""
    node.on_run = lambda *_: ran(f"GPU 0: Tesla T4 (UUID: {ZERO})\n")
    assert box_of(node, gpus=True).gpus is None
    put(node, "proc/driver/nvidia/version", "NVRM version\n")
    put(
        node,
        "proc/driver/nvidia/gpus/0000:01:00.0/information",
        "GPU UUID: \t GPU-????????-????-????-????-????????????\n",
    )
    assert box_of(node, gpus=True).gpus == (ZERO,)
    node.on_run = lambda *_: ran("", code=9)
    assert box_of(node, gpus=True).gpus is None


def test_sizes_are_those_of_memory_and_the_largest_disk(node: FakeNode) -> None:
    """A loop device is no disk."""
    assert (memory_bytes(node), disk_bytes(node)) == (0, 0)
    put(node, "proc/meminfo", "MemTotal:       32768000 kB\nMemFree: 1 kB\n")
    for name, sectors in (("nvme0n1", 1000), ("sda", 10), ("loop0", 10**9)):
        put(node, f"sys/block/{name}/size", f"{sectors}\n")
    assert (memory_bytes(node), disk_bytes(node)) == (32_768_000 * 1024, 512_000)


def test_a_store_that_sells_goes_on_after_a_repair(node: FakeNode) -> None:
    """Another board, and less memory: said, and nothing waits for it. What cannot be compared is no fault."""
    put(node, "sys/class/dmi/id/product_serial", "J5X9\n")
    put(node, "proc/meminfo", "MemTotal: 8000000 kB\n")
    meant = Machine("J5X2", memory_bytes=16 << 30, disk_bytes=1 << 40)
    seen = TheMachine(meant).probe(node)
    assert (seen.status, seen.degraded) == (Status.CURRENT, "")
    assert seen.absent.startswith("this machine is J5X9, the inventory means J5X2; this machine has 7.6 GiB of memory")
    assert "disk" not in seen.absent
    assert TheMachine(Machine("J5X9")).probe(node).absent == ""
    (node.places.root / "sys/class/dmi/id/product_serial").write_text("Default string\n")
    assert TheMachine(Machine("J5X2")).probe(node).absent == ""
