"""How long a look and a frame take when all is well, on real parts."""

from __future__ import annotations

import json
import math
import time
import urllib.request

from edgectl.node.vision.chain.looked import looked
from edgectl.node.vision.chain.memory import Memory
from edgectl.wire.chain import READY
from tests.stack.chain.law import well
from tests.stack.chain.rig import CANARIES_A_SECOND, Rig

LOOKS, FRAMES = 20, 100
VERDICT_SECONDS, CANARY_MS = 2.0, 500.0


def p95(values: list[float]) -> float:
    """Return what 95 of 100 do not exceed."""
    return sorted(values)[-(-len(values) * 95 // 100) - 1]


def test_verdict_and_canary(rig: Rig) -> None:
    """A verdict within 2 s and a frame from camera to sink within 500 ms, at p95."""
    well(rig)
    frames: list[float] = []
    seconds, memory = [], Memory("b")
    for _ in range(LOOKS):
        look, memory = looked(rig.node, rig.declared(), memory)
        assert look.word == READY, look.reason
        seconds.append(look.seconds)
        frames.append(sum(look.ms.values()))
        time.sleep(1 / CANARIES_A_SECOND)
    until = time.monotonic() + 60
    while len(frames) < FRAMES:
        assert time.monotonic() < until, f"{len(frames)} frames"
        began = time.monotonic()
        request = urllib.request.Request(f"http://{rig.canary}/canary", data=b'{"wait_seconds": 2}', method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - of loopback
            doc = json.loads(answer.read())
        frames.append(sum(doc["ms"].values()) if doc["reached"] == "sink" else math.inf)
        time.sleep(max(1 / CANARIES_A_SECOND - (time.monotonic() - began), 0.0))
    print(  # noqa: T201 - figures are for people
        f"\nverdict: {LOOKS} looks, p95 {p95(seconds):.3f} s, longest {max(seconds):.3f} s"
        f"\ncanary: {FRAMES} frames, p95 {p95(frames):.0f} ms, longest {max(frames):.0f} ms"
    )
    assert p95(seconds) <= VERDICT_SECONDS
    assert p95(frames) <= CANARY_MS
