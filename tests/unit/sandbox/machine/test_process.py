"""A recorded process is recognised, and never mistaken for a later one with its id."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from edgectl.sandbox.machine.process import Process, record, recorded


def test_a_live_process_is_recognised(tmp_path: Path) -> None:
    process = Process.of(os.getpid())
    assert process is not None
    record(tmp_path / "it.json", process)
    assert recorded(tmp_path / "it.json") == process


def test_another_process_with_the_same_id_is_not_the_recorded_one(tmp_path: Path) -> None:
    """Ids are used again; the start time tells them apart, so a signal never hits a stranger."""
    stranger = Process(os.getpid(), 1)
    record(tmp_path / "it.json", stranger)
    assert recorded(tmp_path / "it.json") is None
    stranger.signal(signal.SIGKILL)  # this test still runs
    assert stranger.gone_within(0)


def test_half_a_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text('{"pid": 1')
    assert recorded(tmp_path / "it.json") is None
    assert recorded(tmp_path / "missing.json") is None
