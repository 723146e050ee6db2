"""What the engine reads of a node directly: files of the kernel, no program."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from edgectl.node.io import look
from edgectl.node.io.places import Places


@pytest.mark.programs("a process whose start is known")
def test_a_boot_begins_with_its_first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the kernel below has been up for: a node in a container reboots without it."""
    reader = look.Look(Places())
    assert reader.booted_at() <= time.time()
    before = time.time()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as first:
        monkeypatch.setattr(look, "_FIRST_PROCESS", Path(f"/proc/{first.pid}/stat"))
        began = reader.booted_at()
        after = time.time()
    tick = 0.02  # two ticks of the kernel's clock
    assert before - tick <= began <= after + tick
