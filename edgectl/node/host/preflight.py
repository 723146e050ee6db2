"""Gate: this machine can carry a store. The facts are read by preflight.sh, which a technician can run too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed, Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.node.io.programs import Ran

SCRIPT = Path(__file__).with_name("preflight.sh")
_OTHER = " (not supported)"  # how the script says that a store runs on another system than the known ones
_BY_EXIT = {0: Status.CURRENT, 1: Status.IN_PROGRESS, 2: Status.FAILED}


def judge(ran: Ran) -> Observation:
    """Turn a shell probe's end into an observation; anything but its three exit codes is "could not look"."""
    if ran.code not in _BY_EXIT:
        raise LookFailed(
            f"{Path(ran.argv[1]).name} did not end as it should: {ran.last_words}", evidence=ran.evidence()
        )
    return Observation(_BY_EXIT[ran.code], ran.out.strip() or ran.last_words, evidence=ran.evidence())


@dataclass(frozen=True)
class Preflight:
    """Operating system, clock and disk.

    Room, and a system that is known, are demanded (`must`) before something new is tried. What runs already goes on
    with less, degraded: a disk that fills must not keep a rebooted store dark.
    """

    free_bytes: int
    must: bool = True
    id: str = "host"
    title: str = "host"
    wait: Wait = Wait(limit_seconds=120, every_seconds=2)
    needs: tuple[str, ...] = ()

    def probe(self, read: Look) -> Observation:
        """Run the probe script."""
        folder = read.places.state if read.places.state.is_dir() else read.places.root
        demands = (str(self.free_bytes), str(folder)) if self.must else ("0", str(folder), "runs")
        seen = judge(read.run("sh", str(SCRIPT), *demands))
        free = read.free_bytes(folder)
        if seen.status is not Status.CURRENT:
            return seen
        less = [f"{seen.reason.partition(_OTHER)[0]} is not supported"] if _OTHER in seen.reason else []
        if free < self.free_bytes:
            less.append(f"{free / 2**30:.1f} GiB of disk free, {self.free_bytes / 2**30:.1f} are wanted")
        return replace(seen, degraded="; ".join(less))
