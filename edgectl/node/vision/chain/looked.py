"""A look at the chain, whole: asked, remembered, judged; and once more where one look is not enough to believe it.

Owns: that order. Must not know who wants to know: the gate, a person, the watchdog.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgectl.node.io.look import Look
from edgectl.node.vision.chain import memory as memories
from edgectl.node.vision.chain.asked import ask
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.judged import judge
from edgectl.node.vision.chain.memory import Memory, slowed
from edgectl.node.vision.chain.said import Asked, words
from edgectl.wire.chain import MODEL, NOT_READY
from edgectl.wire.chainlook import ChainLook

AGAIN_SECONDS = 1.0
Asking = Callable[[Look, Declared], Asked]


@dataclass(frozen=True)
class Clocks:
    """Time as a look needs it. Seconds; `monotonic` never goes back."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


SYSTEM = Clocks()


def looked(
    look: Look,
    declared: Declared,
    memory: Memory,
    *,
    asking: Asking | None = None,
    clocks: Clocks = SYSTEM,
    again_seconds: float = AGAIN_SECONDS,
) -> tuple[ChainLook, Memory]:
    """Return the verdict, and what is to be remembered. LookFailed when it could not be asked."""
    asking, began = asking or ask, clocks.monotonic()
    seen, memory = _once(look, declared, memory, asking, clocks)
    if memory.unsettled:
        clocks.sleep(again_seconds)
        seen, memory = _once(look, declared, memory, asking, clocks)
    return replace(seen, seconds=round(clocks.monotonic() - began, 3)), memory


def remembered(look: Look) -> Memory:
    """Return what the watchdog of this boot remembers."""
    return memories.read(look.places, look.boot_id())


def _once(look: Look, declared: Declared, memory: Memory, asking: Asking, clocks: Clocks) -> tuple[ChainLook, Memory]:
    asked, chain = asking(look, declared), declared.chain
    now, ahead = clocks.monotonic(), clocks.wall() - clocks.monotonic()
    memory = memory.timed(asked.canary, chain.canary_ms)
    memory = memory.after(slowed(words(asked), memory, asked.canary, chain.canary_ms), now)
    seen = judge(
        declared.node, chain, memory.links, asked.canary, wall=lambda at: at + ahead, zone=declared.zone, now=now
    )
    wrong = asked.golden is not None and (asked.golden.word, asked.golden.kind) == (NOT_READY, MODEL)
    return replace(seen, never=wrong and "model" in {link.name for link in seen.broken}), memory
