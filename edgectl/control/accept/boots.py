"""What was seen to begin on a machine's GPUs, boot by boot, and the proofs beside it: kept, since tmpfs forgets.

Owns: that a look which was cut short takes nothing away. Must not know how a look is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.control.accept.starts import Line, Start, judge_starts, lines
from edgectl.wire.lab import Began, LabLook

_PROOFS = frozenset({"proven", "withdrawn"})


@dataclass(slots=True)
class _Boot:
    proofs: str = ""
    began: dict[str, Began] = field(default_factory=dict)


@dataclass(slots=True)
class Boots:
    """All boots that were looked at. `last`: the newest look."""

    last: LabLook | None = None
    _known: dict[str, _Boot] = field(default_factory=dict)

    def saw(self, look: LabLook) -> None:
        """Keep a look."""
        self.last = look
        kept = self._known.setdefault(look.boot, _Boot())
        kept.proofs = max(kept.proofs, look.proofs, key=len)
        for one in look.began:
            known = kept.began.get(one.key)
            if known is None or (one.exact and not known.exact):
                kept.began[one.key] = one

    def judged(self, before: LabLook) -> tuple[Start, ...]:
        """Judge all that has begun since that look: later in its boot, and in every boot after it."""
        found: list[Start] = []
        for boot, kept in self._known.items():
            since = before.now if boot == before.boot else 0
            starts = [Line(one.at, "entrypoint", (one.name, *one.devices)) for one in kept.began.values()]
            proofs = [line for line in lines(kept.proofs) if line.word in _PROOFS]
            if boot == before.boot or self._is_later(boot, before):
                found += [start for start in judge_starts(proofs, starts) if start.at >= since]
        return tuple(found)

    def _is_later(self, boot: str, before: LabLook) -> bool:
        order = list(self._known)
        return before.boot in order and order.index(boot) > order.index(before.boot)
