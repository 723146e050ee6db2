"""Gate: Kubernetes serves, with the declared version, in this boot.

For seconds after the API answers, nodes still read Ready from before a reboot (measured): only a node object
whose nodeInfo.bootID is this boot's is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgectl.node.converge.protocol import LookFailed, Observation, Status, Wait
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look

# Others say something good when they are true, such as k3s's EtcdIsVoter.
_PRESSURES = frozenset({"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"})


@dataclass(frozen=True)
class Serves:
    """readyz, the node's Ready condition, and the version that runs."""

    node: str
    version: str
    id: str = "k3s-serves"
    title: str = "kubernetes"
    needs: tuple[str, ...] = ("k3s",)
    wait: Wait = Wait(limit_seconds=180)

    def probe(self, read: Look) -> Observation:
        """Ask readyz, then the node object."""
        try:
            read.api.get_text("/readyz")
        except LookFailed as failure:  # not answering is "not yet" here; the wait's end makes it a no
            return Observation(Status.IN_PROGRESS, failure.reason, evidence=failure.evidence)
        except Denied as answer:
            return Observation(Status.IN_PROGRESS, "the API is not ready", evidence=(str(answer),))
        return judge(read.api.get(f"/api/v1/nodes/{self.node}"), version=self.version, boot_id=read.boot_id())


def judge(node: dict[str, Any] | None, *, version: str, boot_id: str) -> Observation:
    """Judge a node object against the declaration and this boot."""
    if node is None:
        return Observation(Status.IN_PROGRESS, "the node has not registered yet")
    info = node.get("status", {}).get("nodeInfo", {})
    if not boot_id or info.get("bootID") != boot_id:
        return Observation(Status.IN_PROGRESS, "the node has not reported since this boot")
    if info.get("kubeletVersion") != version:
        differences = (("kubeletVersion", str(info.get("kubeletVersion")), version),)
        return Observation(
            Status.IN_PROGRESS, f"the node still reports {info.get('kubeletVersion')}", differences=differences
        )
    conditions = {item.get("type"): item for item in node.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready", {})
    if ready.get("status") != "True":
        return Observation(Status.IN_PROGRESS, f"the node is not Ready: {ready.get('message', 'no word of it')}")
    pressed = [kind for kind, item in conditions.items() if kind in _PRESSURES and item.get("status") == "True"]
    if pressed:
        return Observation(Status.IN_PROGRESS, f"the node reports {', '.join(sorted(pressed))}")
    return Observation(Status.CURRENT, f"{version}, node Ready")
