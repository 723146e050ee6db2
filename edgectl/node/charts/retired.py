"""Step: releases that bear our label and are declared no more are gone.

What Helm keeps stays: CRDs of crds/, volumes of volumeClaimTemplates, objects with resource-policy keep.
"""

from __future__ import annotations

from edgectl.node.charts.history import ours
from edgectl.node.charts.release import HELM
from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.payload import Release


class Retired:
    """Removals come last, when what replaces them runs."""

    id = "retired"
    title = "retired releases"

    def __init__(self, declared: tuple[Release, ...], *, needs: tuple[str, ...]) -> None:
        self._declared = {(release.namespace, release.name) for release in declared}
        self.needs = needs
        self.wait = Wait(limit_seconds=15)

    def probe(self, read: Look) -> Observation:
        """Compare the releases of ours with the declaration."""
        extra = sorted(set(ours(read)) - self._declared)
        if extra:
            names = ", ".join(name for _, name in extra)
            differences = tuple((f"{namespace}/{name}", "installed", "retired") for namespace, name in extra)
            return Observation(Status.DRIFTED, f"{names} is declared no more", differences=differences)
        return Observation(Status.CURRENT, "none")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Uninstall them."""
        del seen
        for namespace, name in sorted(set(ours(write)) - self._declared):
            argv = (HELM, "uninstall", name, "--namespace", namespace, "--ignore-not-found", "--timeout", "60s")
            ran = write.change(*argv, limit_seconds=90)
            if not ran.ok:
                raise ApplyFailed(f"{name} could not be removed: {ran.last_words}", evidence=ran.evidence())
