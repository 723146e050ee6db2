"""Clients that ask inference all the time, on the node, as those of a store do; and what they have met.

Owns: starting and stopping them (asks.py), and the figures. Must not know what the test does meanwhile.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.stack.camera.picture import letterbox
from edgectl.stack.detector import scenes
from edgectl.stack.detector.shape import NAME
from tests.e2e.asks import SIDE
from tests.e2e.node import Node

UNIT = "edgectl-clients"
_FILM, _APART, _FRAMES = 1, 37, 16  # pictures that lie 3.7 s apart in a film
_AT = "/run/edgectl-asks"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: when, how long it took, and who answered; or why nobody did."""

    at: float
    ms: float
    version: str
    candidate: bool
    fault: str = ""


class Clients:
    """Of one node. `start`, and `stop` says all that they have met."""

    def __init__(self, node: Node, *, clients: int = 4, each_ms: int = 50) -> None:
        self._node, self._clients, self._each_ms = node, clients, each_ms

    def start(self) -> None:
        """Begin to ask through the Service."""
        node = self._node
        node.run("sh", "-c", f"cat > {_AT}.py", stdin=(Path(__file__).parent / "asks.py").read_text())
        node.run("sh", "-c", f"base64 -d > {_AT}.frames", stdin=base64.b64encode(_frames()).decode())
        run = f"systemd-run --quiet --collect --unit={UNIT} -p StandardOutput=truncate:{_AT}"
        asks = f"{node.address('inference')} {NAME} {_AT}.frames {self._clients} {self._each_ms / 1000}"
        node.sh(f"systemctl stop {UNIT} 2>/dev/null; rm -f {_AT}; {run} $(command -v python3) {_AT}.py {asks}")
        node.wait("the clients are answered", lambda: len(self.met()) >= self._clients, seconds=20)

    def met(self) -> list[Asked]:
        """Return what they have met so far."""
        lines = [line.split(" ", 4) for line in self._node.sh(f"cat {_AT} 2>/dev/null || true").splitlines()]
        return [_asked(line) for line in lines if len(line) >= 4]  # the last may be half written

    def stop(self) -> list[Asked]:
        """End them."""
        self._node.sh(f"systemctl stop {UNIT} 2>/dev/null || true")
        return self.met()


def _asked(line: Sequence[str]) -> Asked:
    at, ms, version, who, *rest = line
    if version == "-":
        return Asked(float(at), float(ms), "", candidate=False, fault=" ".join((who, *rest)))
    return Asked(float(at), float(ms), version, candidate=who == "candidate")


def percentile(asked: Sequence[Asked], percent: float) -> float:
    """Return the milliseconds that so many of a hundred questions did not exceed."""
    ranked = sorted(one.ms for one in asked)
    return ranked[min(math.ceil(percent / 100 * len(ranked)), len(ranked)) - 1]


def _frames() -> bytes:
    pictures = (scenes.motion(_FILM, _APART * number, 2 * SIDE)[0] for number in range(_FRAMES))
    return b"".join(letterbox(picture, SIDE)[0].tobytes() for picture in pictures)
