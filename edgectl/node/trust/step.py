"""Step: the newest trust that this node was ever given lies in trust.json, whole.

A payload that brings an older one (a store that went back) changes nothing: a key that was revoked never comes back.
Two different documents under one number are a person's to settle: nothing here tells which of them is right.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.trust.kept import FILE, MODE, Damaged, trust_of
from edgectl.wire.trust import Trust, kept_text


@dataclass(frozen=True)
class Trusted:
    """Whose signatures count here. Needs nothing: a revoked key is told to a node whose disk is short, too."""

    trust: Trust
    id: str = "trust"
    title: str = "trusted keys"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare by number, then by content."""
        path, want = read.places.trust / FILE, self.trust.version
        try:
            kept = trust_of(read)
        except Damaged as damage:
            return _drifted(f"{path}: {damage}", "damaged", want)
        if kept is None:
            return _drifted("nobody's signature is trusted yet", "none", want)
        if kept.version < want:
            return _drifted(f"version {kept.version} is kept", str(kept.version), want)
        if kept.version == want and kept != self.trust:
            reason = (
                f"two trusts have the number {want}: what is kept here and what is declared differ; "
                "put both into one, with a higher number (edgectl keys)"
            )
            return Observation(Status.FAILED, reason)
        if read.mode(path) != MODE:
            return _drifted(f"{path} has another mode", f"mode {read.mode(path) or 0:04o}", want)
        if kept.version > want:
            return Observation(Status.CURRENT, f"version {kept.version} is kept, newer than the declared {want}")
        keys = "key" if len(kept.signers) == 1 else "keys"
        return Observation(Status.CURRENT, f"version {want}, {len(kept.signers)} {keys}")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Write the newest of what is kept and what is declared."""
        del seen
        try:
            kept = trust_of(write)
        except Damaged:
            kept = None
        newest = self.trust if kept is None or kept.version < self.trust.version else kept
        try:
            write.write(write.places.trust / FILE, kept_text(newest), mode=MODE)
        except OSError as error:
            raise ApplyFailed(f"{write.places.trust / FILE} could not be written: {error.strerror}") from error


def _drifted(reason: str, have: str, want: int) -> Observation:
    return Observation(Status.DRIFTED, reason, differences=(("trust", have, f"version {want}"),))
