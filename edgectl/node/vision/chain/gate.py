"""Gate: the whole chain delivers, from the GPU to the sink, and what users have declared is there.

A required link that is broken is not yet; one that is not required gets some moments of a run to settle, then the
store is degraded. What lies beyond the store (the sink, users' own) and is not reached is no deploy's fault.
"""

from __future__ import annotations

from collections.abc import Callable

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.links import ORDER, SINK
from edgectl.node.vision.chain.looked import SYSTEM, Clocks, looked, remembered
from edgectl.node.vision.chain.memory import QUIET_SECONDS, Memory
from edgectl.wire.chain import CLOCK, NETWORK
from edgectl.wire.chainlook import ChainLook, Link
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY

SETTLE_SECONDS = 20.0
Looking = Callable[[Look, Declared, Memory], tuple[ChainLook, Memory]]


class Delivers:
    """`settles`: the engine runs; what it or the boot has just started may need moments to find each other."""

    id = "chain"
    title = "chain"

    def __init__(
        self,
        declared: Declared,
        *,
        needs: tuple[str, ...],
        settles: bool = False,
        looking: Looking = looked,
        clocks: Clocks = SYSTEM,
    ) -> None:
        self._declared = declared
        self._looking = looking
        self._clocks = clocks
        self.settles = settles
        self._memory: Memory | None = None
        self._began: float | None = None
        self.needs = needs
        self.wait = Wait(limit_seconds=QUIET_SECONDS + 30, every_seconds=1.0)  # what flaps is believed after the quiet

    def probe(self, read: Look) -> Observation:
        """Look once; what the watchdog remembers is gone on from, and left to it."""
        if self._memory is None:
            self._memory = remembered(read)
        if self._began is None:
            self._began = self._clocks.monotonic()
        seen, self._memory = self._looking(read, self._declared, self._memory)
        return observed(seen, settling=self._settles(seen))

    def _settles(self, seen: ChainLook) -> bool:
        """Tell whether a link has been broken for less than it may take, as long as this run waits for that."""
        waited = self._clocks.monotonic() - (self._began or 0.0)
        ages = [self._clocks.wall() - link.since for link in seen.broken]
        return self.settles and max(waited, min(ages, default=SETTLE_SECONDS)) < SETTLE_SECONDS


def observed(seen: ChainLook, *, settling: bool = False) -> Observation:
    """Return a verdict as a gate says it. Pure."""
    evidence = tuple(f"{link.name}: {link.reason}" for link in seen.broken)
    if seen.word == READY:
        return Observation(Status.CURRENT, seen.reason)
    if seen.never:
        return Observation(Status.FAILED, seen.reason, evidence=evidence)
    if seen.word == NOT_READY or (seen.word == DEGRADED and settling):
        return Observation(Status.IN_PROGRESS, seen.reason, evidence=evidence)
    if seen.word != DEGRADED:
        return Observation(Status.UNKNOWN, seen.reason)
    if all(_is_beyond(link) for link in seen.broken):
        return Observation(Status.CURRENT, seen.reason, absent=seen.reason, evidence=evidence)
    return Observation(Status.CURRENT, seen.reason, degraded=seen.reason, evidence=evidence)


def _is_beyond(link: Link) -> bool:
    """Tell whether a link lies outside of what a deploy brings."""
    own = link.name in ORDER or ":" in link.name
    return not own or (link.name == SINK and link.kind in {NETWORK, CLOCK})
