"""Gate: this is the machine that the inventory means. A deploy to another one is refused before (node/entry.py).

What runs here goes on: a board that was changed in a repair must not keep a store dark. So it is said, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.host.box import box_of, disk_bytes, judge, memory_bytes
from edgectl.node.io.look import Look
from edgectl.wire.finding import OK, WARN, Finding
from edgectl.wire.host import Machine
from edgectl.wire.meant import Meant

_ENOUGH = 0.9  # of what is declared: the firmware and the kernel keep some memory, disks are sold in round numbers


@dataclass(frozen=True)
class TheMachine:
    """Its GPUs are the step gpu's."""

    meant: Machine
    id: str = "machine"
    title: str = "machine"
    wait: Wait = Wait(limit_seconds=0)
    needs: tuple[str, ...] = ()

    def probe(self, read: Look) -> Observation:
        """Compare serial number, network cards, memory and disk."""
        found = (
            *judge(box_of(read, gpus=False), Meant(self.meant.serial, self.meant.macs)),
            *sizes(self.meant, memory=memory_bytes(read), disk=disk_bytes(read)),
        )
        differ = [one for one in found if one.word != OK and one.evidence]  # what cannot be compared has none
        wrong = "; ".join(one.reason for one in differ)
        right = ", ".join(one.reason for one in found)
        evidence = tuple(line for one in differ for line in one.evidence)
        return Observation(Status.CURRENT, wrong or right, absent=wrong, evidence=evidence)


def sizes(meant: Machine, *, memory: int, disk: int) -> tuple[Finding, ...]:
    """Return whether as much is built in as is declared. Pure; 0 is not known."""
    found = []
    for name, have, want in (("memory", memory, meant.memory_bytes), ("disk", disk, meant.disk_bytes)):
        if not want:
            continue
        about, shown = f"machine-{name}", f"{have / 2**30:.1f} GiB of {name}"
        if not have:
            found.append(Finding(about, WARN, f"how much {name} this machine has is not to be seen"))
        elif have < want * _ENOUGH:
            hint = "is a module dead or missing?" if name == "memory" else "is the disk that is meant built in?"
            reason = f"this machine has {shown}, {want / 2**30:.1f} are declared"
            hint = f"{hint} else correct hardware.{name} in the inventory"
            found.append(Finding(about, WARN, reason, hint, (f"has {shown}",)))
        else:
            found.append(Finding(about, OK, shown))
    return tuple(found)
