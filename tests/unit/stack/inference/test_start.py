"""The note of a start: one line before anything else, for tests and audits, and never a reason not to serve."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from edgectl.stack.inference.__main__ import note_start


def test_a_start_is_one_line_with_clock_pod_and_gpus(tmp_path: Path) -> None:
    """Law: lines are added, never replaced; the clock is the node's monotonic one."""
    log = tmp_path / "starts"
    env = {"EDGECTL_START_LOG": str(log), "HOSTNAME": "inference-1", "NVIDIA_VISIBLE_DEVICES": "GPU-a,GPU-b"}
    before = time.monotonic_ns()
    note_start(env)
    note_start({"EDGECTL_START_LOG": str(log)})
    first, second = (line.split() for line in log.read_text().splitlines())
    assert before <= int(first[0]) <= int(second[0]) <= time.monotonic_ns()
    assert first[1:] == ["entrypoint", "inference-1", "GPU-a,GPU-b"]
    assert second[1:] == ["entrypoint", "-", "-"]


def test_no_note_is_asked_for(tmp_path: Path) -> None:
    note_start({})
    assert list(tmp_path.iterdir()) == []


def test_a_note_that_cannot_be_written_is_said_and_nothing_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note_start({"EDGECTL_START_LOG": str(tmp_path / "missing" / "starts")})
    assert "could not be noted" in capsys.readouterr().err


def test_nothing_heavy_is_imported_before_the_note() -> None:
    """Law: the note is the first act: NumPy and ONNX Runtime come after it."""
    source = Path(sys.modules[note_start.__module__].__file__ or "").read_text()
    top = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert not [line for line in top if "edgectl" in line or "numpy" in line]
