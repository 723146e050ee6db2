"""One camera: the batch of pictures that grows, what was learnt of each part of the day, and what has moved since.

Owns: which versions of models it remembers, and what of it outlives a restart. Memory is bounded: parts of the day
times versions. Must not know other cameras.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.stack.drift import moved
from edgectl.stack.drift.judgement import Latch, View
from edgectl.stack.drift.moved import Moved
from edgectl.stack.drift.rules import Rules, part_of
from edgectl.stack.drift.sample import Picture, Watched
from edgectl.stack.drift.version import Kept, Version
from edgectl.stack.ops.event import RULE, Seen

VERSIONS = 3  # what runs, its candidate, what ran before


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives a restart, of one camera."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    latch: Latch = field(default_factory=Latch)
    versions: tuple[Kept, ...] = ()


class Camera:
    """Feed it with `take`; ask for `view`, `memory`, and the newest batches and comparisons."""

    def __init__(self, rules: Rules, memory: Memory | None = None) -> None:
        self._rules, memory = rules, memory or Memory()
        self.pictures = dict(memory.pictures)
        self.latch = memory.latch
        self.versions = {kept.name: Version(rules, kept) for kept in memory.versions}
        self.moved: Moved | None = None
        self.now = Picture()  # the newest whole batch
        self.newest = max(self.versions.values(), key=lambda one: one.last).name if self.versions else ""
        self.last_at = 0.0
        self._last: Seen | None = None
        self._watched: Watched | None = None
        self._part = ""

    def take(self, seen: Seen, now: float) -> None:
        """Add a frame that came now."""
        part = part_of(now, self._rules.parts)
        watched = self._watched
        if watched is not None and (
            part != self._part or self._rules.full(watched.picture.frames, now - watched.began)
        ):
            self._end(watched, now)
            watched = None
        if watched is None:
            watched = self._watched = Watched(now)
        watched.take(seen, self._last, now)
        self._part, self._last, self.last_at = part, seen, now
        if seen.tier != RULE:
            self.newest = self._known(f"{seen.model}@{seen.version}", now)
        if self.newest:
            version = self.versions[self.newest]
            version.take(seen, part, self.versions.get(version.before), self.leans, now, blind=self.latch.on)

    @property
    def leans(self) -> str:
        """How the newest picture is not what it was; "" when it is."""
        return self.moved.leans if self.moved else ""

    @property
    def version(self) -> Version | None:
        """The one to tell of: of those that answer now the newest that has moved, else the newest."""
        stale = self.last_at - 2 * self._rules.batch_seconds
        answering = [one for one in self.versions.values() if one.last >= stale or one.name == self.newest]
        return max(answering, key=lambda one: (one.latch.on, one.since), default=None)

    @property
    def reference(self) -> Picture | None:
        """What was learnt of pictures at this part of the day; None while it is not."""
        known = self.pictures.get(self._part, Picture())
        return known if self._rules.learnt(known) else None

    def view(self) -> View:
        """Return what the judgement needs."""
        told = self.version
        if told is None:
            return View(self.latch)
        return View(self.latch, told.latch, told.name, told.since, told.before, self._rules.batch_seconds)

    def memory(self) -> Memory:
        """Return what is kept."""
        return Memory(dict(self.pictures), self.latch, tuple(one.kept() for one in self.versions.values()))

    def learnt(self) -> float:
        """Return how much of a day is learnt, 0 to 1, of the version that answered last."""
        version = self.versions.get(self.newest)
        return sum(map(version.knows, version.learnt)) / self._rules.parts if version else 0.0

    def left(self, now: float) -> tuple[int, float] | None:
        """Return frames and seconds that are learnt of this part of the day; None where it is learnt."""
        version = self.versions.get(self.newest)
        if version is None:
            if self.reference is not None:
                return None
            watched = self._watched.ended(now) if self._watched is not None else Picture()
            picture = self.pictures.get(self._part, Picture()) + watched
            return picture.frames, picture.seconds
        if version.knows(self._part):
            return None
        so_far = version.so_far(self._part, now)
        return so_far.frames, so_far.seconds

    def _known(self, name: str, now: float) -> str:
        if name not in self.versions:
            if len(self.versions) >= VERSIONS:
                oldest = min(self.versions.values(), key=lambda one: (one.name == self.newest, one.last))
                del self.versions[oldest.name]
            before = self.versions.get(self.newest)
            kept = Kept(name, now, now, before.name, latch=before.latch) if before else Kept(name, last=now)
            self.versions[name] = Version(self._rules, kept)
        return name

    def _end(self, watched: Watched, now: float) -> None:
        batch = self.now = watched.ended(now)
        reference = self.reference
        self.moved = moved.picture(reference, batch, self._rules.limits) if reference else None
        if self.moved is not None:
            before, self.latch = self.latch, self.latch.fed(self.moved, watched.began, self._rules.batches)
            if before.on and not self.latch.on:
                for version in self.versions.values():
                    version.forgive(before.since - self._rules.batch_seconds)
        if reference is None and not self.latch.on and not self.latch.count:
            self.pictures[self._part] = self.pictures.get(self._part, Picture()) + batch
