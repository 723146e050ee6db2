"""A run's events on their way to whoever follows it: gathered, but never held back where the line is about to go."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import tail
from edgectl.node.converge.journal import Journal
from edgectl.node.io.places import Places
from edgectl.wire import event


class _MomentOverError(Exception):
    """The follower has done what it does at once, and would wait now."""


class _Told:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, op: str, /, **fields: Any) -> None:
        """Take nothing: a beat, say."""

    def send_all(self, op: str, frames: Iterable[dict[str, Any]]) -> None:
        assert op == "event"
        self.events += [frame["event"] for frame in frames]


def _at_once(root: Path, word: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what a follower has been told of a run of one event before any time passes."""

    def wait(_seconds: float) -> None:
        raise _MomentOverError

    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    places = Places(root=root)
    Journal(places.journal, "0badcafe", "deploy").write(event.STEP, step="x", title="x", word=word, reason="why")
    told = _Told()
    with pytest.raises(_MomentOverError):
        tail.tail(places, told, "0badcafe", 0)
    return told.events


def test_a_restart_of_the_machine_is_told_before_the_line_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: that the machine restarts is sent in the moment it is said; later there is no line to send it on."""
    assert [item["word"] for item in _at_once(tmp_path, event.REBOOTING, monkeypatch)] == [event.REBOOTING]


def test_other_events_go_out_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a step that changes something waits for what comes right after it: a packet each is what costs."""
    assert _at_once(tmp_path, event.CHANGING, monkeypatch) == []
