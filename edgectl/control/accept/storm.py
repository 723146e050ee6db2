"""The storm of an acceptance: drawn blows fall on a store, nobody helps, and it must be well again by itself.

Owns: which blows fall, how it is known that one has fallen, and how long a store may take. Must not know how one is
done to a machine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from edgectl.control.accept.boots import Boots
from edgectl.control.accept.law import cut, weathered
from edgectl.control.accept.row import FAILED, STOOD_IN, Row, not_asked, tried
from edgectl.control.accept.site import Site
from edgectl.wire.errors import EdgectlError, Exit, NotReady
from edgectl.wire.lab import K3S, PLUGIN, POWER, REBOOT, UVM, LabFacts, LabLook

LINK = "link cut in a deploy"
KINDS = (REBOOT, POWER, K3S, PLUGIN, UVM, LINK)
OF_GPUS = frozenset({PLUGIN, UVM})
BOOTS = frozenset({REBOOT, POWER})
SHORT = len(KINDS)
BOOT_SECONDS = 900.0  # servers test their memory for minutes
CALM_SECONDS = 600.0  # the timer comes after six minutes at most, and a heal takes its time
_EVERY_SECONDS = 2.0
_SWITCH = "machine: its power was taken by the sandbox's own switch"
_SERVES = frozenset({int(Exit.OK), int(Exit.DEGRADED)})
_WANTED = "well again by itself; nothing began on a GPU before its proof"


def draw(seed: int, count: int) -> tuple[str, ...]:
    """Draw blows: every kind once if there are enough, then any; in any order. The same seed is the same storm."""
    rng = random.Random(seed)  # noqa: S311 - a storm that can be repeated, no secret
    kinds = list(KINDS)
    rng.shuffle(kinds)
    chosen = (kinds + [rng.choice(KINDS) for _ in range(count)])[:count]
    rng.shuffle(chosen)
    return tuple(chosen)


@dataclass(slots=True)
class Storm:
    """Strikes one store. `changed`: how often the value that a deploy changes was changed."""

    site: Site
    facts: LabFacts
    changed: int = 0
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    _boots: Boots = field(default_factory=Boots)
    _baseline: int = 0

    def run(self, kinds: tuple[str, ...]) -> Iterator[Row]:
        """Let each blow fall in turn. Where the store does not come back, no more is struck."""
        self._baseline = self.site.status().exit
        gone = "" if self._baseline in _SERVES else "the store is not well before the first blow"
        for number, kind in enumerate(kinds, start=1):
            row = Row(f"storm-{number}", "storm", kind, _WANTED)
            if gone or (why := self._why_not(kind)):
                yield not_asked(row, gone or why)
                continue
            self.site.say(f"{number} of {len(kinds)}: {kind}")
            found = tried(row, self._one)
            if found.word == FAILED:
                gone = f"the store has not weathered storm-{number}"
            yield found

    def _why_not(self, kind: str) -> str:
        return "the store's server has no GPU" if kind in OF_GPUS and self.site.store.lead.gpu is None else ""

    def _one(self, row: Row) -> Row:
        before = self._look()
        began, switched = self.monotonic(), False
        if row.title == LINK:
            return self._cut(row)
        if row.title == POWER and self.facts.container:
            if not self.site.switch():
                return not_asked(row, "a power cut in a container would be its host's, and no switch of it is known")
            switched = True
        else:
            self.site.strike(row.title)
        limit = BOOT_SECONDS if row.title in BOOTS else CALM_SECONDS
        self._wait(lambda: has_fallen(row.title, before, self._look()), began + limit, f"the {row.title} has not come")
        if row.title in OF_GPUS:
            self._wait(lambda: is_mended(before, self._look()), began + limit, "it has not come back")
        self._wait(self._is_well, began + limit, f"not well again within {limit:.0f} s")
        took = self.monotonic() - began
        boots = row.title in BOOTS and bool(before.began)
        if boots:  # what is ready has begun; the look that shows it may be one later
            self._wait(lambda: bool(self._look().began), began + limit, "no container with a GPU has begun")
        found = weathered(row, took, self._boots.judged(before), expects=boots)
        if found.word == FAILED or not switched:
            return found
        return replace(found, word=STOOD_IN, measured=f"{found.measured}; by the sandbox's own switch", why=_SWITCH)

    def _cut(self, row: Row) -> Row:
        self.changed += 1
        outcome = self.site.press(changed=self.changed, cut=True)
        return cut(row, outcome, self.site.cut_run)

    def _look(self) -> LabLook:
        look = self.site.look()
        self._boots.saw(look)
        return look

    def _is_well(self) -> bool:
        self._look()
        return self.site.status().exit in {int(Exit.OK), self._baseline}

    def _wait(self, is_so: Callable[[], bool], deadline: float, why: str) -> None:
        """Ask until it is so; a machine that does not answer is asked again. NotReady at the deadline."""
        said = ""
        while True:
            try:
                if is_so():
                    return
                said = ""
            except EdgectlError as error:
                said = error.message
            if self.monotonic() > deadline:
                raise _late(why, said)
            self.sleep(_EVERY_SECONDS)


def has_fallen(kind: str, before: LabLook, now: LabLook) -> bool:
    """Tell whether a blow can be seen on the machine: a store that has not noticed it yet is not well again."""
    if kind in BOOTS:
        return now.boot not in {"", before.boot}
    if kind == K3S:
        return bool(now.k3s) and now.k3s != before.k3s
    if kind == PLUGIN:
        return not set(before.plugin) & set(now.plugin) and not now.unseen
    return True  # a file that was taken away is gone when the node has said so


def is_mended(before: LabLook, now: LabLook) -> bool:
    """Tell whether what the GPUs need is there again."""
    return now.uvm >= before.uvm and len(now.plugin) >= len(before.plugin)


def _late(why: str, said: str) -> EdgectlError:
    return NotReady(why, hint="edgectl doctor STORE says what is wrong", details=(said,) if said else ())
