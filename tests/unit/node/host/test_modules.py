"""Modules of the kernel: loaded, built in, being loaded, or not to be had."""

from __future__ import annotations

import os

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.host.modules import Modules
from edgectl.node.io.programs import Ran
from tests.unit.node.fake import FakeNode, ran

# as /proc/modules of a Debian 12 has it
LOADED = """br_netfilter 36864 0 - Live 0x0000000000000000
bridge 319488 1 br_netfilter, Live 0x0000000000000000
nvidia_uvm 1789952 2 - Live 0x0000000000000000 (POE)
nf_conntrack 188416 0 - Loading 0x0000000000000000
"""
BUILT_IN = "kernel/fs/fuse/fuse.ko\nkernel/drivers/net/loopback.ko\nkernel/net/sched/sch_fq-codel.ko\n"


@pytest.fixture
def kernel(node: FakeNode) -> FakeNode:
    """Return a node with loaded modules, built-in ones, and one that only /sys knows."""
    node.write(node.places.root / "proc/modules", LOADED)
    node.write(node.places.root / "lib/modules" / os.uname().release / "modules.builtin", BUILT_IN)
    (node.places.root / "sys/module/overlay").mkdir(parents=True)
    node.write(node.places.root / "sys/module/nf_conntrack/initstate", "coming\n")
    return node


@pytest.mark.parametrize("name", ["br_netfilter", "br-netfilter", "nvidia-uvm", "fuse", "sch_fq_codel", "overlay"])
def test_what_is_there_is_there(kernel: FakeNode, name: str) -> None:
    """Loaded, or inside the kernel; hyphens are underscores. Nothing is run."""
    assert Modules((name,)).probe(kernel).status is Status.CURRENT
    assert kernel.changes == []


def test_one_that_is_just_being_loaded_is_waited_for(kernel: FakeNode) -> None:
    """Not yet, and no second modprobe."""
    assert Modules(("nf_conntrack",)).probe(kernel).status is Status.IN_PROGRESS


def test_what_is_missing_is_loaded_all_of_it(kernel: FakeNode) -> None:
    """One that cannot be loaded does not keep the others out, and is named with modprobe's words."""

    def modprobe(*argv: str) -> Ran:
        if argv[-1] == "nosuch":
            return ran(
                code=1, err="modprobe: FATAL: Module nosuch not found in directory /lib/modules/6.1.0", argv=argv
            )
        path = kernel.places.root / "proc/modules"
        path.write_text(f"{path.read_text()}{argv[-1].replace('-', '_')} 1 0 - Live 0x0\n")
        return ran(argv=argv)

    kernel.on_change = modprobe
    step = Modules(("nosuch", "xt-recent", "fuse"))
    seen = step.probe(kernel)
    assert (seen.status, [row[0] for row in seen.differences]) == (Status.DRIFTED, ["nosuch", "xt-recent"])
    with pytest.raises(ApplyFailed, match=r"not loaded: nosuch \(modprobe: FATAL: Module nosuch not found"):
        step.apply(kernel, seen)
    assert kernel.changes == [("modprobe", "--", "nosuch"), ("modprobe", "--", "xt-recent")]
    assert [row[0] for row in step.probe(kernel).differences] == ["nosuch"]


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("modprobe: ERROR: could not insert 'nvidia': Key was rejected by service", "Secure Boot lets only signed"),
        (
            "modprobe: FATAL: Module x not found in directory /lib/modules/0",
            "has no modules on the disk any more; reboot",
        ),
    ],
)
def test_why_it_cannot_be_loaded_has_a_remedy(node: FakeNode, said: str, hint: str) -> None:
    """A kernel that was replaced under a running one has no modules; Secure Boot refuses what is not signed."""
    node.on_change = lambda *argv: ran(code=1, err=said, argv=argv)
    step = Modules(("nvidia",))
    with pytest.raises(ApplyFailed, match=hint):
        step.apply(node, step.probe(node))
