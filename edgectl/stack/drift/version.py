"""One version of a model at one camera: its batch of answers that grows, what was learnt, and what has moved since.

Owns: which reference it is compared with (in its first day that of the version before it, then its own), and what is
learnt: nothing while it has moved. Must not know pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.stack.drift import moved
from edgectl.stack.drift.judgement import Latch
from edgectl.stack.drift.moved import Moved
from edgectl.stack.drift.rules import Rules
from edgectl.stack.drift.sample import Answers, Heard
from edgectl.stack.ops.event import Seen

_LATELY = 5000  # frames


@dataclass(frozen=True, slots=True)
class Kept:
    """What outlives a restart. `since`: when it was first seen, 0 for the first of all; `before`: whom it follows."""

    name: str
    since: float = 0.0
    last: float = 0.0
    before: str = ""
    learnt: dict[str, Answers] = field(default_factory=dict)  # by part of the day
    latch: Latch = field(default_factory=Latch)


class Version:
    """Feed it with `take`."""

    def __init__(self, rules: Rules, kept: Kept) -> None:
        self._rules = rules
        self.name, self.since, self.last, self.before = kept.name, kept.since, kept.last, kept.before
        self.learnt, self.latch = dict(kept.learnt), kept.latch
        self.moved: Moved | None = None
        self.now = Answers()  # the newest whole batch
        self.lately = Answers()  # more of them: what is rare (frames that both tiers answered) needs many
        self._heard: Heard | None = None
        self._part = ""

    def take(self, seen: Seen, part: str, before: Version | None, leans: str, now: float, *, blind: bool) -> None:
        """Add a frame. `before`: whom it follows; `leans`: how the picture is off; `blind`: it has moved away."""
        heard = self._heard
        if heard is not None and (part != self._part or self._rules.full(heard.frames, now - heard.began)):
            self._end(heard, before, leans, now, blind=blind)
            heard = None
        if heard is None:
            heard = self._heard = Heard(now)
        self._part, self.last = part, now
        heard.take(seen, now)

    def kept(self) -> Kept:
        """Return what is kept of it."""
        return Kept(self.name, self.since, self.last, self.before, dict(self.learnt), self.latch)

    def forgive(self, since: float) -> None:
        """Take back what has moved since then: the picture explained it, and is well again. It may show anew."""
        if self.latch.since >= since:
            self.latch = Latch()

    def knows(self, part: str) -> bool:
        """Tell whether this part of the day is learnt."""
        return part in self.learnt and self._rules.learnt(self.learnt[part])

    def so_far(self, part: str, now: float) -> Answers:
        """Return what will be learnt of this part of the day when its batch ends."""
        heard = self._heard.ended(now) if self._heard is not None and self._part == part else Answers()
        return self.learnt.get(part, Answers()) + heard

    def _end(self, heard: Heard, before: Version | None, leans: str, now: float, *, blind: bool) -> None:
        batch, part = heard.ended(now), self._part
        self.now, self.lately = batch, batch if self.lately.frames > _LATELY else self.lately + batch
        follows = before is not None and before.knows(part) and self._young(now, part)
        reference = before.learnt[part] if before is not None and follows else self.learnt.get(part, Answers())
        knew = follows or self.knows(part)
        self.moved = moved.answers(reference, batch, self._rules.limits) if knew else None
        if self.moved is not None:
            self.latch = self.latch.fed(self.moved, heard.began, self._rules.batches, leans)
        off = self.latch.on or self.latch.count > 0
        from_its_start = bool(self.since) and self.latch.since <= self.since + self._rules.batch_seconds
        if not self.knows(part) and not blind and (not off or from_its_start):
            self.learnt[part] = self.learnt.get(part, Answers()) + batch

    def _young(self, now: float, part: str) -> bool:
        return bool(self.since) and (now - self.since < self._rules.succession_seconds or not self.knows(part))
