"""A peer that goes silent without a word, and how long it takes either side to know.

Owns how it goes silent, and the two clocks. Must not know limits.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.control.deploy.deploy import Deploy
from edgectl.node.converge.lock import holder
from edgectl.wire.errors import EdgectlError
from tests.far.offer import noise, offered
from tests.far.store import FarStore
from tests.unit.control.deploy.silent import Silent

HOLE, FROZEN = "black hole", "frozen"
_MOST_SECONDS = 200.0
_BIG_BYTES = 40_000_000


@dataclass(frozen=True)
class Noticed:
    """Seconds until the operator said that the link is lost, and until the node took other senders; None: not asked."""

    operator: float | None = None
    node: float | None = None


@dataclass
class _Heard(Silent):
    times: dict[str, float] = field(default_factory=dict)

    def event(self, event: dict[str, Any]) -> None:
        """Remember the last one of each word."""
        self.times[event.get("word", "")] = time.monotonic()

    def link_lost(self, why: str, attempt: int) -> None:
        """Remember the first."""
        del why, attempt
        self.times.setdefault("lost", time.monotonic())


def while_sending(far: FarStore, folder: Path, how: str) -> Noticed:
    """Let the far side go silent while a blob travels to it (frozen: its sshd, and with it the receiver)."""
    far.line.set(rtt_ms=150, rate_bits=4_000_000)
    heard = _Heard()
    _begun(far.deploy(offered({"big:1": noise(folder / "big", _BIG_BYTES)}), heard))
    _until(lambda: far.staged_bytes() > 1_000_000)
    began = time.monotonic()
    _silence(far, how)
    operator = _until(lambda: "lost" in heard.times) - began
    node = _until(lambda: not _is_held(far)) - began if how == HOLE else None
    return Noticed(operator, node)


def while_following(far: FarStore, how: str) -> Noticed:
    """Let the far side go silent while its run is watched."""
    heard = _Heard()
    _begun(far.deploy(offered({}, title="slow"), heard))
    _until(lambda: "waiting" in heard.times)
    began = time.monotonic()
    _silence(far, how)
    return Noticed(_until(lambda: "lost" in heard.times) - began)


def while_the_node_waits(far: FarStore, folder: Path) -> Noticed:
    """Freeze the operator's process while the node waits for its bytes; the node's receiver ends with its lock."""
    far.line.set(rtt_ms=20, rate_bits=8_000_000)
    sender = far.push_elsewhere(far.write_door(), {"big:1": noise(folder / "big", _BIG_BYTES)})
    try:
        _until(lambda: far.staged_bytes() > 1_000_000)
        os.kill(sender.pid, signal.SIGSTOP)
        began = time.monotonic()
        _until(lambda: not _is_held(far))
        return Noticed(node=_until(lambda: not far.receivers()) - began)
    finally:
        sender.kill()
        sender.communicate()


def _silence(far: FarStore, how: str) -> None:
    if how == HOLE:
        far.line.black_hole()
    else:
        far.sshd.freeze()


def _is_held(far: FarStore) -> bool:
    return holder(far.places.run / "sending") is not None


def _begun(running: Deploy) -> None:
    def run() -> None:
        try:
            running.run()
        except EdgectlError:
            return

    threading.Thread(target=run, daemon=True).start()


def _until(true: Callable[[], bool]) -> float:
    """Wait; return when it became true."""
    deadline = time.monotonic() + _MOST_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)
    return time.monotonic()
