"""One thing that was looked at, and how it stands. The word that judges and causes share.

Owns: this shape. Must not know what is looked at, nor what follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A suspect is odd, and no fault by itself; it becomes a cause when it explains one. A note is only told.
FINE, WRONG, UNSEEN, SUSPECT, NOTE = ("fine", "wrong", "unseen", "suspect", "note")


@dataclass(frozen=True)
class Symptom:
    """One look at one part.

    `stops`: the store does not serve because of it. `own`: it has evidence of its own, and nothing below explains it.
    `reaches`: it can be why something stops, though it stops nothing by itself (a changed file of k3s).
    `covers`: what it can explain at all, where that is not everything that rests on it.
    `explains`: a pattern; it explains what says so, even where that has evidence of its own. All that a suspect can.
    """

    part: str
    status: str = FINE
    code: str = ""
    says: str = ""
    evidence: tuple[str, ...] = ()
    hint: str = ""
    stops: bool = True
    own: bool = False
    reaches: bool = False
    covers: frozenset[str] | None = None
    explains: str = ""
    among: frozenset[str] = frozenset()  # the parts that `explains` is for; any where it is empty
    yet: bool = False  # it may become true by itself

    @property
    def wrong(self) -> bool:
        """Whether it is known not to be as it should be."""
        return self.status == WRONG

    def can_explain(self, other: Symptom) -> bool:
        """Tell whether this may be why the other one, which rests on it, is not well. The order is not asked here."""
        if other.wrong and self.explains and (not self.among or other.part in self.among):
            text = "\n".join((other.says, *other.evidence))
            if re.search(self.explains, text, re.IGNORECASE):
                return True
        if self.status == SUSPECT or (self.covers is not None and other.part not in self.covers):
            return False
        if other.status == UNSEEN:
            return self.wrong
        return self.wrong and not other.own and (self.stops or self.reaches or not other.stops)
