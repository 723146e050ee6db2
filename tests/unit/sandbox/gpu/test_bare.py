"""A machine without a driver: who has the cards, what its kernel lets in, and what only a restart changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgectl.sandbox.gpu.hardware import hardware
from tests.unit.sandbox.gpu.machine import Node

pytestmark = pytest.mark.programs("a shell script is tested by a shell")


def test_a_bare_node_has_cards_and_nothing_of_a_driver() -> None:
    """Neither programs nor libraries, nor what would keep nouveau away."""
    paths = {file.path for file in hardware(1, Path(__file__), driver=False)}
    assert not {path for path in paths if "nvidia" in path or "libcuda" in path or "built-in-driver" in path}
    assert paths < {file.path for file in hardware(1, Path(__file__))}


@pytest.fixture
def bare(tmp_path: Path) -> Node:
    """Return a node with two GPUs and without a driver."""
    return Node(tmp_path, 2, driver=False)


def held_by(node: Node) -> set[str]:
    """Return who has the cards on the bus."""
    cards = (node.root / "run/sandbox-gpu/pci").iterdir()
    return {str((card / "driver").readlink().name) if (card / "driver").is_symlink() else "" for card in cards}


MODPROBE = "usr/local/sbin/modprobe"
NO_DEVICE = "ERROR: could not insert 'nvidia': No such device"


def test_nouveau_has_the_cards_until_a_restart(bare: Node) -> None:
    """As on a machine that was just installed; the driver on the disk is refused, and the kernel says why."""
    bare.boot()
    assert held_by(bare) == {"nouveau"}
    missing = f"FATAL: Module nvidia not found in directory /lib/modules/{os.uname().release}"
    assert bare.run(MODPROBE, "nvidia", err=missing)[0] == 1
    bare.build("580.95.05")
    bare.keep_nouveau_away()
    assert bare.run(MODPROBE, "nvidia", err=NO_DEVICE)[0] == 1
    kernel = bare.root / "run/sandbox-gpu/kernel-log"
    assert "NVRM: The NVIDIA probe routine was not called for 2 device(s)." in kernel.read_text()
    bare.boot()
    assert (held_by(bare), bare.loaded) == ({"nvidia"}, "580.95.05")
    assert bare.devices == {"nvidia0", "nvidia1", "nvidiactl"}


def test_what_is_loaded_stays_until_a_restart(bare: Node) -> None:
    """The driver on the disk and the one that runs are two facts."""
    bare.build("580.95.05")
    bare.keep_nouveau_away()
    bare.boot()
    bare.build("595.91.07")
    assert bare.run(MODPROBE, "nvidia")[0] == 0
    assert bare.loaded == "580.95.05"
    bare.boot()
    assert bare.loaded == "595.91.07"


def test_without_nouveau_a_driver_needs_no_restart(bare: Node) -> None:
    """Some kernels have none: modprobe is enough."""
    bare.knob("nouveau", "absent\n")
    bare.boot()
    assert held_by(bare) == {""}
    bare.build("580.95.05")
    assert bare.run(MODPROBE, "nvidia-uvm")[0] == 0
    assert (held_by(bare), bare.loaded) == ({"nvidia"}, "580.95.05")
    bare.knob("uvm", "missing\n")
    missing = f"FATAL: Module nvidia-uvm not found in directory /lib/modules/{os.uname().release}"
    assert bare.run(MODPROBE, "nvidia-uvm", err=missing)[0] == 1


@pytest.mark.parametrize(
    ("state", "byte", "loads"), [("on", 1, False), ("enrolled", 1, True), ("off", 0, True), ("", None, True)]
)
def test_secure_boot_refuses_what_it_does_not_know(bare: Node, state: str, byte: int | None, loads: bool) -> None:  # noqa: FBT001
    """The firmware's variable, modprobe's words, and the kernel's."""
    bare.knob("secure-boot", state)
    bare.build("580.95.05")
    bare.keep_nouveau_away()
    bare.boot()
    assert bool(bare.loaded) == loads
    variables = [path.read_bytes() for path in (bare.root / "run/sandbox-gpu/firmware").rglob("SecureBoot-*")]
    assert variables == ([] if byte is None else [bytes((6, 0, 0, 0, byte))])
    if not loads:
        assert bare.run(MODPROBE, "nvidia", err="ERROR: could not insert 'nvidia': Key was rejected by service")[0] == 1
        assert "Loading of module with unavailable key is rejected" in bare.run("usr/local/bin/dmesg")[1]


@pytest.mark.parametrize("words", [("br_netfilter",), ("-n", "nvidia"), ("-r", "nvidia"), ("--showconfig",)])
def test_other_modules_are_the_real_programs(bare: Node, words: tuple[str, ...]) -> None:
    """And so is what loads nothing."""
    real = bare.root / "usr/sbin/modprobe"
    real.parent.mkdir(parents=True)
    real.write_text('#!/bin/sh\necho "real $*"\n')
    real.chmod(0o755)
    assert bare.run(MODPROBE, *words) == (0, f"real {' '.join(words)}\n")
