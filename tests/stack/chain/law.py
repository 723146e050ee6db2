"""What must come true of a store, and until when; and what a verdict must say of the faults that there are.

Owns: the deadlines, and the order in which of two faults one is named. Must not know any fault by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edgectl.node.vision.chain.memory import Memory
from edgectl.wire.chain import DEGRADED, NOT_READY, READY
from edgectl.wire.chainlook import NOT_ASKED, ChainLook, Link
from tests.stack.chain.fault import Fault
from tests.stack.chain.rig import Rig

NAMED_SECONDS, HEALED_SECONDS = 30.0, 30.0
Holds = Callable[[ChainLook], str]  # why it does not hold; "" when it does


@dataclass
class Watch:
    """Looks at one store again and again, and remembers as the watchdog does."""

    rig: Rig
    memory: Memory = field(default_factory=lambda: Memory("b"))
    seen: list[ChainLook] = field(default_factory=list)

    def until(self, holds: Holds, seconds: float, *, looks: int = 1) -> ChainLook:
        """Look until something holds in so many looks in a row; AssertionError says why it does not."""
        until, good, began = time.monotonic() + seconds, 0, len(self.seen)
        while True:
            look, self.memory = self.rig.look(self.memory)
            self.seen.append(look)
            why = holds(look)
            good = 0 if why else good + 1
            if good == looks:
                return look
            if time.monotonic() > until:
                said = "\n".join(dict.fromkeys(f"{one.word}: {one.reason}" for one in self.seen[began:]))
                raise AssertionError(f"{why}, after {seconds:.0f} s; it was said:\n{said}\n{self.rig.last_words()}")


def is_well(look: ChainLook) -> str:
    """Hold when all is."""
    return "" if look.word == READY else f"not well: {look.reason}"


def well(rig: Rig) -> Watch:
    """Return a watch that has seen all of it well."""
    watch = Watch(rig)
    watch.until(is_well, HEALED_SECONDS)
    return watch


def named(*faults: Fault) -> Holds:
    """Hold when of these faults the right one is named rightly, the others are told, and nothing else is."""

    def holds(look: ChainLook) -> str:
        links = {link.name: link for link in look.links}
        order = tuple(links)
        there = sorted(faults, key=lambda fault: order.index(fault.link))
        known = [fault for fault in there if not _hidden(fault, there)]
        severe = [fault for fault in known if fault.word == NOT_READY and links[fault.link].word != NOT_ASKED]
        first = (severe or known)[0]
        want = NOT_READY if NOT_READY in {fault.verdict for fault in known} else DEGRADED
        if look.first != first.link:
            return f"{first.link} is not named first, but {look.first or 'nothing'}"
        if look.word != want:
            return f"the store is {look.word}, not {want}"
        others = {link.name for link in look.broken} - {fault.link for fault in faults}
        if others:
            return f"{', '.join(sorted(others))}: called broken, and not"
        return _told(look, first) or next((why for one in known if (why := _known(links[one.link], one, look))), "")

    return holds


def _told(look: ChainLook, first: Fault) -> str:
    missing = [part for part in first.says if part not in look.reason]
    return f"the sentence does not say {missing}: {look.reason}" if missing else ""


def _known(link: Link, fault: Fault, look: ChainLook) -> str:
    """Say what is not right about how a fault is told; one whose link rests on a broken one need not be."""
    if link.word == NOT_ASKED:
        return ""
    if (link.word, link.kind) != (fault.word, fault.kind):
        return f"{link.name} is {link.word} ({link.kind}), not {fault.word} ({fault.kind})"
    listed = look.reason.partition("(also: ")[2].rstrip(")").split(", ")
    return "" if fault.link in {look.first, *listed} else f"{fault.link} is not listed"


def _hidden(fault: Fault, there: list[Fault]) -> bool:
    """Tell whether a fault cannot be known while another one lasts."""
    return any(other.word == NOT_READY and other.link in fault.needs for other in there if other is not fault)
