"""Step: no pod of ours is left dead by a restart.

After each reboot the kubelet rejects bound GPU pods whose plugin has not registered yet (UnexpectedAdmissionError,
kubernetes/kubernetes#125579). Their controllers replace them; the dead ones stay for ever.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Hands, Look

REASONS = frozenset({"UnexpectedAdmissionError", "NodeShutdown", "NodeAffinity", "Terminated"})


class Dead:
    """Looks in the namespaces of our releases only; a naked pod, which nobody replaces, is left for a person."""

    id = "dead-pods"
    title = "dead pods"

    def __init__(self, namespaces: tuple[str, ...], *, needs: tuple[str, ...]) -> None:
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self.needs = needs
        self.wait = Wait(limit_seconds=15)

    def probe(self, read: Look) -> Observation:
        """List the dead."""
        found = self._paths(read)
        if found:
            names = tuple((path.rsplit("/", 1)[1], reason, "gone") for path, reason in found)
            return Observation(Status.DRIFTED, f"{len(found)} left dead by a restart", differences=names)
        return Observation(Status.CURRENT, "none")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Delete them."""
        del seen
        for path, _ in self._paths(write):
            write.api.delete(path)

    def _paths(self, read: Look) -> list[tuple[str, str]]:
        found = []
        for namespace in self._namespaces:
            pods = read.api.get(f"/api/v1/namespaces/{namespace}/pods") or {}
            for pod in pods.get("items", []):
                reason = why_dead(pod)
                if reason:
                    found.append((f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}", reason))
        return found


def why_dead(pod: dict[str, Any]) -> str:
    """Return the reason a restart left this pod dead; "" when it is not, or when nobody would replace it."""
    meta, status = pod.get("metadata", {}), pod.get("status", {})
    replaced = any(owner.get("controller") for owner in meta.get("ownerReferences", []))
    if not replaced or meta.get("deletionTimestamp") or status.get("phase") != "Failed":
        return ""
    if status.get("reason") in REASONS:
        return str(status["reason"])
    ends = {
        (item.get("state") or {}).get("terminated", {}).get("reason") for item in status.get("containerStatuses") or []
    }
    return "ContainerStatusUnknown" if "ContainerStatusUnknown" in ends else ""
