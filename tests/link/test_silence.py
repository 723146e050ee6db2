"""A dead peer, found by either side within 20 s: frozen, or behind a line that swallows everything and tells nobody."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.deploy.deploy import Deploy
from edgectl.node.converge.lock import holder
from edgectl.wire.errors import EdgectlError
from tests.far.store import FarStore, far_store, noise, offered
from tests.link.conftest import need_sshd
from tests.unit.control.deploy.silent import Silent

LIMIT_SECONDS = 20.0
_LONG_SECONDS = 60.0


@dataclass
class Heard(Silent):
    """When the operator was told what."""

    times: dict[str, float] = field(default_factory=dict)

    def event(self, event: dict[str, Any]) -> None:
        """Remember the last one."""
        self.times[event.get("word", "")] = time.monotonic()

    def link_lost(self, why: str, attempt: int) -> None:
        """Remember the first."""
        del why
        if attempt == 1:
            self.times["lost"] = time.monotonic()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarStore]:
    """Bring up a store that runs something."""
    need_sshd()
    with far_store(tmp_path / "far") as store:
        store.deploy(offered({"a/first:1": noise(tmp_path / "first", 1000)})).run()
        yield store


def _until(true: Callable[[], bool], seconds: float = _LONG_SECONDS) -> float:
    """Wait; return when it became true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)
    return time.monotonic()


def _begun(running: Deploy) -> threading.Thread:
    def run() -> None:
        try:
            running.run()
        except EdgectlError:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _sends(far: FarStore) -> bool:
    return holder(far.places.run / "sending") is not None


@pytest.mark.long
@pytest.mark.parametrize("how", ["black hole", "frozen"])
def test_while_it_is_sent(far: FarStore, tmp_path: Path, how: str) -> None:
    """Law: 20 s after the other side has gone silent the operator knows it, and nobody is kept out of the node."""
    far.line.set(rtt_ms=150, rate_bits=4_000_000)
    heard = Heard()
    _begun(far.deploy(offered({"a/big:1": noise(tmp_path / "big", 40_000_000)}), heard))
    _until(lambda: far.staged_bytes() > 1_000_000)
    began = time.monotonic()
    if how == "black hole":
        far.line.black_hole()
        assert _until(lambda: not _sends(far)) - began <= LIMIT_SECONDS
    else:
        far.sshd.freeze()
    assert _until(lambda: "lost" in heard.times) - began <= LIMIT_SECONDS
    assert far.torn() == []


@pytest.mark.long
@pytest.mark.parametrize("how", ["black hole", "frozen"])
def test_while_it_is_followed(far: FarStore, tmp_path: Path, how: str) -> None:
    """Law: the same for a run that is only watched."""
    heard = Heard()
    _begun(far.deploy(offered({"a/first:1": tmp_path / "first"}, title="slow"), heard))
    _until(lambda: "waiting" in heard.times)
    began = time.monotonic()
    if how == "black hole":
        far.line.black_hole()
    else:
        far.sshd.freeze()
    assert _until(lambda: "lost" in heard.times) - began <= LIMIT_SECONDS


def test_a_sender_that_freezes_does_not_keep_others_out(far: FarStore, tmp_path: Path) -> None:
    """Law: the node waits 20 s for a word of whoever sends to it, then the next may; what has come is kept."""
    far.line.set(rtt_ms=20, rate_bits=8_000_000)
    door = far.write_door()
    sender = far.push_elsewhere(door, {"a/big:1": noise(tmp_path / "big", 40_000_000)})
    _until(lambda: far.staged_bytes() > 1_000_000)
    os.kill(sender.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        assert 5 < _until(lambda: not _sends(far)) - began <= LIMIT_SECONDS
        assert far.staged_bytes() > 1_000_000
        _until(lambda: not far.receivers(), 5)
    finally:
        sender.kill()
        sender.communicate()
