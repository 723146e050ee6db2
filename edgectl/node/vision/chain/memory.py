"""What is believed of a chain's links: a blip is no outage, an outage is no model fault, what flaps is not well. Pure.

Owns the rules of belief and the note on tmpfs (written by the watchdog alone; everyone else goes on from it for
himself). A fault that may heal itself is believed after two looks or 10 s, one that never does at once; it is over
after two good looks, and where it has come again and again, after a quiet minute. What was never seen well in this
boot is not believed to be. Times are monotonic seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.node.vision.chain.links import CAMERA, ONE_CAMERA
from edgectl.node.vision.chain.said import AT_ONCE, Said
from edgectl.wire.chain import DEGRADED, READY, RESOURCE, WORST, Crossing
from edgectl.wire.chainlook import NOT_ASKED, SAYS, SLOW
from edgectl.wire.document import canonical, from_json, to_json

LOOKS = 2
LASTS_SECONDS = 10.0
APART_SECONDS = 0.5  # looks that are nearer to each other are one
FALLS, WITHIN_SECONDS, QUIET_SECONDS = 3, 600.0, 60.0
CANARIES, SLOW_ONES = 5, 3


@dataclass(frozen=True)
class Kept:
    """What is believed of one link, and what speaks against it."""

    word: str
    reason: str = ""
    kind: str = ""
    how: str = SAYS
    since: float = 0.0  # when the word began
    at: float = 0.0  # the newest look that counted
    worse: int = 0  # looks that were worse than what is believed, until two were not
    worse_since: float = 0.0
    calm: int = 0  # looks in a row that were as is believed
    better: int = 0  # looks in a row that were better
    better_since: float = 0.0
    falls: tuple[float, ...] = ()  # when a fault came to be believed
    doubt: str = ""

    def after(self, said: Said, now: float) -> Kept:
        """Return what is believed after one more look."""
        counts = now - self.at >= APART_SECONDS
        kept = replace(self, at=now) if counts else self
        change = WORST.index(said.word) - WORST.index(self.word)
        if change > 0:
            return _worsened(kept, said, now, counts=counts)
        if change < 0:
            return _bettered(kept, said, now, counts=counts)
        calm = kept.calm + counts
        steady = calm >= LOOKS
        return replace(
            kept,
            reason=self.flaps(said.reason, now),
            kind=said.kind,
            how=said.how,
            since=now if said.how != self.how and self.word != READY else self.since,
            calm=calm,
            worse=0 if steady else kept.worse,
            worse_since=0.0 if steady else kept.worse_since,
            better=0,
            falls=self.recent(now),
            doubt="",
        )

    @property
    def unsettled(self) -> bool:
        """Whether one more look may change what is believed."""
        return bool(self.doubt)

    def recent(self, now: float) -> tuple[float, ...]:
        """Return when it has fallen within the last minutes."""
        return tuple(at for at in self.falls if now - at < WITHIN_SECONDS)[-FALLS * 2 :]

    def flaps(self, reason: str, now: float) -> str:
        """Return the reason of a fault; with how often it has come, where it comes and goes."""
        count = len(self.recent(now))
        if self.word == READY or count < FALLS:
            return reason
        return f"comes and goes, {count} times within {WITHIN_SECONDS / 60:.0f} min: {reason}"


def _worsened(kept: Kept, said: Said, now: float, *, counts: bool) -> Kept:
    worse, since = kept.worse + counts, kept.worse_since if kept.worse and not kept.calm else now
    if said.kind not in AT_ONCE and worse < LOOKS and now - since < LASTS_SECONDS:
        return replace(kept, worse=worse, worse_since=since, calm=0, better=0, doubt=said.reason or said.word)
    falls = (*kept.recent(now), now) if kept.word == READY else kept.recent(now)
    new = Kept(said.word, "", said.kind, said.how, since, at=kept.at, falls=falls)
    return replace(new, reason=new.flaps(said.reason, now))


def _bettered(kept: Kept, said: Said, now: float, *, counts: bool) -> Kept:
    better, since = kept.better + counts, kept.better_since if kept.better else now
    looks = 1 if kept.kind in AT_ONCE else LOOKS
    flapping = len(kept.recent(now)) >= FALLS
    if better < looks or (flapping and now - since < QUIET_SECONDS):
        doubt = "" if flapping else "well again in the newest look"
        return replace(kept, better=better, better_since=since, calm=0, doubt=doubt)
    return Kept(said.word, said.reason, said.kind, said.how, now, at=kept.at, falls=kept.recent(now))


@dataclass(frozen=True)
class Memory:
    """All links of one boot, the newest canary frames (True: slow), and the verdict that was told last."""

    boot: str = ""
    links: dict[str, Kept] = field(default_factory=dict)
    slow: tuple[bool, ...] = ()
    told: str = ""

    def after(self, said: Mapping[str, Said], now: float) -> Memory:
        """Return the memory after a look; what was not asked stays, links that there are no more are forgotten.

        A camera service that is silent takes none of its cameras with it.
        """
        links = {name: _after(self.links.get(name), word, now) for name, word in said.items()}
        if CAMERA in said and said[CAMERA].word != READY:
            cameras = {name: kept for name, kept in self.links.items() if name.startswith(ONE_CAMERA)}
            links = {**cameras, **links}
        return replace(self, links=links)

    def timed(self, canary: Crossing | None, most_ms: float) -> Memory:
        """Return the memory after one more canary frame; one that did not arrive says nothing of speed."""
        if canary is None or canary.stopped or not canary.ms:
            return self
        return replace(self, slow=(*self.slow, canary.total_ms > most_ms)[-CANARIES:])

    @property
    def is_slow(self) -> bool:
        """Whether canary frames are slow: three of the last five."""
        return sum(self.slow) >= SLOW_ONES

    @property
    def unsettled(self) -> bool:
        """Whether one more look may change what is believed."""
        return any(kept.unsettled for kept in self.links.values())


def slowed(said: Mapping[str, Said], memory: Memory, canary: Crossing | None, most_ms: float) -> dict[str, Said]:
    """Return the words with the slowest hop's, where canary frames are slow."""
    found = dict(said)
    if not memory.is_slow or canary is None or not canary.ms:
        return found
    slowest = max(canary.ms, key=lambda hop: canary.ms[hop])
    if slowest in found and found[slowest].word == READY:
        reason = f"takes most of {canary.total_ms:.0f} ms from camera to sink, and {most_ms:.0f} ms are declared"
        found[slowest] = Said(DEGRADED, reason, RESOURCE, SLOW)
    return found


def read(places: Places, boot: str) -> Memory:
    """Return what the watchdog of this boot remembers."""
    with suppress(OSError, ValueError):
        found = from_json(Memory, json.loads(places.chain.read_bytes()))
        if found.boot == boot:
            return found
    return Memory(boot)


def keep(places: Places, memory: Memory) -> None:
    """Hold on to it until the next boot."""
    with suppress(OSError):
        write_atomic(places.chain, canonical(to_json(memory)))


def _after(kept: Kept | None, said: Said, now: float) -> Kept:
    if said.word == NOT_ASKED:
        return kept or Kept(NOT_ASKED, said.reason)
    if kept is not None and kept.word != NOT_ASKED:
        return kept.after(said, now)
    falls = () if said.word == READY else (now,)
    return Kept(said.word, said.reason, said.kind, said.how, now, at=now, falls=falls)
