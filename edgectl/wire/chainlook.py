"""What is seen of a store's chain: the answer of `edgectl chain`, from the GPU to the sink and what else it needs.

Owns: the shape that the node fills and both sides show. Sentences come with it: the node has judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.wire.chain import DEGRADED, NOT_READY, READY
from edgectl.wire.errors import Exit

NOT_ASKED = "not asked"  # what it rests on is broken
MISSING, SILENT, SAYS, SLOW = "missing", "silent", "says", "slow"  # how it is known that a link is not well
_EXITS = {READY: Exit.OK, DEGRADED: Exit.DEGRADED}


@dataclass(frozen=True, slots=True)
class Link:
    """One link. `since` is seconds since 1970 (0 where all is well), `when` the same as the store's people read it."""

    name: str
    word: str
    reason: str = ""
    kind: str = ""
    how: str = ""
    required: bool = False
    since: float = 0.0
    when: str = ""
    doubt: str = ""  # what the newest look has shown and is not believed yet
    rests: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether it is not well by itself."""
        return self.word in {DEGRADED, NOT_READY}


@dataclass(frozen=True, slots=True)
class ChainLook:
    """A store's whole chain. `reason` is its one sentence, `first` the link that it is about ("" when all is well)."""

    node: str
    word: str
    reason: str
    first: str = ""
    links: tuple[Link, ...] = ()
    ms: dict[str, float] = field(default_factory=dict)  # of the canary frame, by hop, from the hop before
    reached: str = ""
    never: bool = False  # it does not mend by waiting
    seconds: float = 0.0  # that the look has taken

    @property
    def exit(self) -> int:
        """The exit code, as of `status`."""
        return int(_EXITS.get(self.word, Exit.NOT_READY))

    @property
    def broken(self) -> tuple[Link, ...]:
        """The links that are not well by themselves, the one upstream first."""
        return tuple(link for link in self.links if link.broken)

    @property
    def path(self) -> str:
        """The way of a frame with its time, `camera -> ... -> sink 214 ms`; the links' names where no frame went."""
        if self.ms:
            return f"{' -> '.join(self.ms)} {sum(self.ms.values()):.0f} ms"
        return ", ".join(link.name for link in self.links if link.word == READY)
