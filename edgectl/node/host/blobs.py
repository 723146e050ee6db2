"""Gate: every blob that the payload names is on this node, whole."""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.wire.envelope import short


@dataclass(frozen=True)
class Blobs:
    """Sizes are compared here; digests were verified when the blobs came, before they got their names."""

    blobs: dict[str, int]
    id: str = "blobs"
    title: str = "content"
    wait: Wait = Wait(limit_seconds=0)
    needs: tuple[str, ...] = ()

    def probe(self, read: Look) -> Observation:
        """Look for each file and its size."""
        missing = []
        for digest, size in self.blobs.items():
            path = read.places.blob(digest)
            if not path.is_file() or path.stat().st_size != size:
                missing.append(short(digest))
        if missing:
            reason = f"{len(missing)} of {len(self.blobs)} blobs are missing here; a deploy sends them"
            return Observation(Status.FAILED, reason, evidence=(f"missing: {' '.join(missing)}",))
        total = sum(self.blobs.values())
        return Observation(Status.CURRENT, f"{len(self.blobs)} blobs, {total / 1e6:.0f} MB")
