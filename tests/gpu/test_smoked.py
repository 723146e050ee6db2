"""The engine's side of the smoke, with real processes: the deadline, and what becomes of a GPU that hangs."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from edgectl.node.gpu.smoked import listed, smoke
from tests.gpu.conftest import Bench, gone, uuid


def test_a_gpu_that_hangs_is_left_at_the_deadline(bench: Bench) -> None:
    """Killed, said so, and nothing of it is left; it may be tried again. The one beside it computes."""
    bench.knob("cuda", "0 hang")
    began = time.monotonic()
    device = smoke(bench.look(), uuid(0), limit_seconds=1.0)
    assert (device.ok, device.never) == (False, False)
    assert device.reason == "did not end within 1 s (a hung driver)"
    assert 1.0 <= device.seconds <= time.monotonic() - began < 20
    assert gone(f"SANDBOX_GPU={bench.folder}/gpu")
    assert smoke(bench.look(), uuid(1)).ok


def test_what_a_good_gpu_brings_into_the_record(bench: Bench) -> None:
    """Name, memory, bandwidth, and when."""
    began = time.monotonic()
    device = smoke(bench.look(), uuid(1))
    assert (device.uuid, device.name, device.ok, device.reason) == (uuid(1), "Sandbox GPU", True, "")
    assert device.memory_bytes == 8 << 30
    assert device.gb_per_s > 0
    assert began < device.at <= time.monotonic()


def test_not_yet_and_never_differ(bench: Bench) -> None:
    """A wrong result is never, a missing device file may come."""
    bench.knob("cuda", "0 wrong")
    assert smoke(bench.look(), uuid(0)).never
    bench.lose("nvidia-uvm")
    device = smoke(bench.look(), uuid(1))
    assert (device.ok, device.never) == (False, False)
    assert "nvidia-modprobe -u -c 0" in device.reason


def test_the_list(bench: Bench) -> None:
    """All GPUs, untried; or why there are none."""
    devices, why = listed(bench.look())
    assert ([device.uuid for device in devices], why) == ([uuid(0), uuid(1)], "")
    assert not any(device.ok for device in devices)
    bench.lose("nvidiactl")
    assert listed(bench.look())[1].startswith("CUDA_ERROR_NO_DEVICE (100) at cuInit")


def test_a_hung_smoke_does_not_hold_the_lock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine lets its children inherit is let go by this one: a driver may keep it from dying."""
    bench.knob("cuda", "0 hang")
    lock = os.open(bench.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    read = bench.look()
    read._keep_fds = (lock,)
    free: list[bool] = []
    killpg = os.killpg

    def before_it_is_killed(pid: int, number: int) -> None:
        os.close(lock)  # as when the engine ends first
        free.append(can_lock(bench.folder / "lock"))
        killpg(pid, number)

    monkeypatch.setattr(os, "killpg", before_it_is_killed)
    assert not smoke(read, uuid(0), limit_seconds=2.0).ok
    assert free == [True]


def can_lock(path: Path) -> bool:
    """Return whether nobody holds a file's lock."""
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
