"""A fault: how it is made and mended again, and what a technician must then read. Of these the gate knows nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgectl.wire.chain import DEGRADED, NETWORK, NOT_READY
from tests.stack.chain.rig import Rig

Act = Callable[[Rig], object]
ESSENTIAL = frozenset({"gpu", "model", "inference", "camera", "bus", "till"})  # without these the store sells nothing


@dataclass(frozen=True)
class Fault:
    """`says` must stand in the sentence, each part of it.

    `needs`: links by which it becomes known, beyond those that its link rests on: while one of these is broken, nobody
    can tell. `uses`: parts that are started otherwise, which two faults cannot do at the same time.
    """

    link: str
    word: str
    kind: str
    says: tuple[str, ...]
    breaks: Act = field(repr=False)
    heals: Act = field(repr=False)
    needs: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()

    @property
    def verdict(self) -> str:
        """What the whole store is with it."""
        return NOT_READY if self.word == NOT_READY and self.link in ESSENTIAL else DEGRADED


def killed(name: str) -> Fault:
    """Return the end of a service's process."""
    return Fault(
        *(name, NOT_READY, NETWORK, (f"{name} silent", "connection refused")),
        lambda rig: rig.part(name).kill(),
        lambda rig: rig.part(name).start(),
        uses=frozenset({name}),
    )


def hangs(name: str, said: str) -> Fault:
    """Return a service that takes connections, and says nothing."""
    return Fault(
        *(name, NOT_READY, NETWORK, (f"{name} silent", said)),
        lambda rig: rig.part(name).hold(),
        lambda rig: rig.part(name).go_on(),
        uses=frozenset({name}),
    )
