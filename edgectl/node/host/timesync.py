"""Gate: this node's clock is synchronised. The facts are read by time.sh, which a technician can run too.

A node without it serves all the same: what is missing is named, and no deploy is turned down for it. A clock that
cannot be right at all is the gate `host`'s matter (preflight.sh).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.host.preflight import judge
from edgectl.node.io.look import Look
from edgectl.wire.host import TimeSync

SCRIPT = Path(__file__).with_name("time.sh")


@dataclass(frozen=True)
class Synchronised:
    """Only what is new waits for an answer (`waits`): a boot has waited already, and a heal holds nothing up."""

    declared: TimeSync
    waits: bool
    id: str = "time"
    title: str = "time"
    needs: tuple[str, ...] = ()

    @property
    def wait(self) -> Wait:
        """Say how long an answer is waited for."""
        return Wait(limit_seconds=self.declared.wait_seconds if self.waits else 0)

    def probe(self, read: Look) -> Observation:
        """Run the probe script."""
        seen = judge(read.run("sh", str(SCRIPT), *self.declared.servers))
        return replace(seen, absent=seen.reason) if seen.status is Status.IN_PROGRESS else seen
