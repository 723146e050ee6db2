"""Gate of the lead: another node of the store is Ready, and has become what the payload says of it.

One that is not there is missed, not failed: the store serves without it, degraded, and names it. One that has turned
its part down stops a deploy.
"""

from __future__ import annotations

import json
from typing import Any

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.wire.payload import Node, part_of

STANDS = "edgectl.local/stands"  # an annotation of a Node, by its own engine: {part, word, reason, rejected, why}


class Joined:
    """One neighbour of the lead."""

    needs: tuple[str, ...] = ("k3s-serves",)

    def __init__(self, node: Node, *, limit_seconds: float) -> None:
        self._node = node
        self.id = f"node-{node.name}"
        self.title = node.name
        self.wait = Wait(limit_seconds=limit_seconds)

    def probe(self, read: Look) -> Observation:
        """Ask for the Node object: its Ready condition, its version, what it says of itself."""
        return judge(read.api.get(path_of(self._node.name)), self._node)


def judge(found: dict[str, Any] | None, node: Node) -> Observation:
    """Judge a neighbour's Node object; what is missing is said as what it costs the store."""
    if found is None:
        return _missed(f"{node.name} has not joined the store")
    word = _ready(found)
    if word == "Unknown":  # the control plane has given up on it (after 40 s, by its default): no use to wait
        gone = f"{node.name} is not there"
        return Observation(Status.CURRENT, gone, absent=gone)
    ready = word == "True"
    said = annotation(found, STANDS)
    want = part_of(node)
    if ready and said.get("rejected") == want:
        return Observation(Status.FAILED, f"{node.name} has turned it down: {said.get('why', 'it gave no reason')}")
    if not ready:
        return _missed(f"{node.name} is not Ready")
    version = found.get("status", {}).get("nodeInfo", {}).get("kubeletVersion")
    if version != node.k3s.version:
        return _missed(f"{node.name} runs {version}, not {node.k3s.version}")
    if said.get("part") == want:
        more = f"{node.name}: {said.get('reason', '')}" if said.get("word") == "degraded" else ""
        return Observation(Status.CURRENT, "Ready, as declared", absent=more)
    reason = f": {said['reason']}" if said.get("reason") else ""
    return _missed(f"{node.name} is Ready, but not yet as declared{reason}")


def path_of(name: str) -> str:
    """Return where the API has a node."""
    return f"/api/v1/nodes/{name}"


def annotation(found: dict[str, Any] | None, key: str) -> dict[str, Any]:
    """Return what an annotation of ours says; nothing when it says nothing that can be read."""
    try:
        doc = json.loads(((found or {}).get("metadata", {}).get("annotations") or {}).get(key, "{}"))
    except (ValueError, AttributeError):
        return {}
    return doc if isinstance(doc, dict) else {}


def is_ready(found: dict[str, Any]) -> bool:
    """Tell whether a node reports Ready."""
    return _ready(found) == "True"


def _ready(found: dict[str, Any]) -> str:
    conditions = found.get("status", {}).get("conditions") or []
    return next((str(item.get("status")) for item in conditions if item.get("type") == "Ready"), "")


def _missed(sentence: str) -> Observation:
    return Observation(Status.IN_PROGRESS, sentence, absent=sentence)
