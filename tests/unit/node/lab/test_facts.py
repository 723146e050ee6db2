"""What a machine says that it is: a GPU of paper, a container, and a real one are told apart."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.node.lab import facts as module
from edgectl.node.lab.facts import facts
from tests.unit.node.fake import FakeNode, ran

DEVICES = "Character devices:\n  1 mem\n195 nvidia\n195 nvidia-modeset\n235 nvidia-caps\n\nBlock devices:\n  8 sd\n"


@pytest.fixture(autouse=True)
def machine(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be a machine of its own, with a card."""
    monkeypatch.setattr(module, "deployed", lambda _: (None, SimpleNamespace(name="node-1")))
    texts = {
        "proc/devices": DEVICES,
        "proc/meminfo": "MemTotal:       16384 kB\nMemFree: 1 kB\n",
        "proc/cpuinfo": "processor: 0\nmodel name\t: Xeon\nmodel name\t: Xeon\n",
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
        "dev/nvidia0": "",
    }
    for path, text in texts.items():
        place = node.places.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def run(*argv: str) -> Any:
        if argv[0] == "systemd-detect-virt":
            return ran("none\n", code=1)
        if argv[0] == "nvidia-smi":
            return ran("Tesla T4, GPU-1, 580.95.05\n")
        return ran("k3s version v1.36.3+k3s1 (0a1b2c3d)\ngo version go1.26\n")

    node.on_run = run


def device(monkeypatch: pytest.MonkeyPatch, major: int) -> None:
    """Let /dev/nvidia0 be a character device of this major number."""
    seen = SimpleNamespace(st_mode=stat.S_IFCHR | 0o666, st_rdev=os.makedev(major, 0))
    monkeypatch.setattr(FakeNode, "entry", lambda _, path: seen if path.name == "nvidia0" else None)


def test_a_real_machine(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: each fact is read where the kernel or the firmware says it."""
    device(monkeypatch, 195)
    found = facts(node)
    assert (found.vendor, found.product, found.cpu, found.system) == ("Dell Inc.", "", "Xeon", "Debian GNU/Linux 12")
    assert (found.memory_bytes, found.k3s) == (16384 * 1024, "k3s version v1.36.3+k3s1 (0a1b2c3d)")
    assert (found.virtual, found.container, found.gpu_device) == ("none", False, True)
    assert found.gpus == ("Tesla T4, GPU-1, 580.95.05",)


@pytest.mark.parametrize("major", [1, 196])
def test_a_device_of_another_driver_is_no_gpu(node: FakeNode, monkeypatch: pytest.MonkeyPatch, major: int) -> None:
    """Law: the kernel must know the device's driver by NVIDIA's name."""
    device(monkeypatch, major)
    assert facts(node).gpu_device is False


def test_a_plain_file_is_no_gpu(node: FakeNode) -> None:
    """Law: what is only called like a GPU is none; without it there is none either."""
    assert facts(node).gpu_device is False
    Path(node.places.root / "dev/nvidia0").unlink()
    assert facts(node).gpu_device is False


def test_a_container_says_so(node: FakeNode) -> None:
    """Law: a machine that shares its kernel is a container, whatever its name."""
    node.on_run = lambda *argv: ran("systemd-nspawn\n" if argv[0] == "systemd-detect-virt" else "")
    assert (facts(node).virtual, facts(node).container, facts(node).k3s) == ("systemd-nspawn", True, "")
