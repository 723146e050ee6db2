"""A recorded process is recognised, and never mistaken for a later one with its id."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from edgectl.sandbox.machine.process import Process, detach, record, recorded


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


def test_what_was_given_to_the_command_is_not_held_by_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a lock or a pipe of whoever called is closed in what outlives the call; its waiter would wait for days."""
    spawned: list[object] = []

    def spawn(_program: str, _argv: object, _env: object, *, file_actions: list[object], setsid: bool) -> int:
        assert setsid
        spawned.extend(file_actions)
        return os.getpid()

    monkeypatch.setattr(os, "posix_spawnp", spawn)
    lock, own = os.open(tmp_path, os.O_RDONLY), os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(lock, True)
    try:
        detach("edgectl", [], tmp_path / "log")
    finally:
        os.close(lock)
        os.close(own)
    assert (os.POSIX_SPAWN_CLOSE, lock) in spawned
    assert (os.POSIX_SPAWN_CLOSE, own) not in spawned, "Python's own are closed by themselves"
