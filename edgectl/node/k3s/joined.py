"""Gate of the lead: another node of the store is Ready, and has become what the payload says of it.

One that is not there is missed, not failed: the store serves without it, degraded, and names it. One that turns down
the very deploy that is being tried stops it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.wire.envelope import Envelope
from edgectl.wire.payload import Node, part_of

STANDS = "edgectl.local/stands"  # an annotation of a Node, by its own engine: {part, word, reason, rejected, why}

_NEW_SECONDS = 900.0  # it brings its k3s up, unpacks its images, sees its GPUs, or goes back
_SECONDS = 30.0


class Joined:
    """One neighbour of the lead. `tried`: the deploy that is tried with it; None in a heal."""

    needs: tuple[str, ...] = ("k3s-serves",)

    def __init__(self, node: Node, tried: Envelope | None) -> None:
        self._node = node
        self._tried = tried
        self.id = f"node-{node.name}"
        self.title = node.name
        self.wait = patience(tried)

    def probe(self, read: Look) -> Observation:
        """Ask for the Node object: its Ready condition, its version, what it says of itself."""
        seen = judge(read.api.get(path_of(self._node.name)), self._node, self._tried.sequence if self._tried else 0)
        return excused(seen, self._node, self._tried)


def judge(found: dict[str, Any] | None, node: Node, tried: int = 0) -> Observation:
    """Judge a neighbour's Node object; what is missing is said as what it costs the store.

    `tried` is the sequence that is being tried: what was turned down before says nothing about it.
    """
    if found is None:
        return _missed(f"{node.name} has not joined the store")
    if is_silent(found):  # no use to wait
        gone = f"{node.name} is not there"
        return Observation(Status.CURRENT, gone, absent=gone)
    ready = is_ready(found)
    said = annotation(found, STANDS)
    want = part_of(node)
    if ready and tried and said.get("rejected") == tried:
        return Observation(Status.FAILED, f"{node.name} has turned it down: {said.get('why', 'it gave no reason')}")
    if not ready:
        return _missed(f"{node.name} is not Ready")
    version = found.get("status", {}).get("nodeInfo", {}).get("kubeletVersion")
    if version != node.k3s.version:
        return _missed(f"{node.name} runs {version}, not {node.k3s.version}")
    if said.get("part") == want:
        more = f"{node.name}: {said.get('reason', '')}" if said.get("word") == "degraded" else ""
        return Observation(Status.CURRENT, "Ready, as declared", absent=more)
    reason = str(said.get("reason") or said.get("why") or "")
    reason = f": {reason}" if reason else ""
    return _missed(f"{node.name} is Ready, but not yet as declared{reason}")


def patience(tried: Envelope | None) -> Wait:
    """Return how long a neighbour is waited for."""
    return Wait(limit_seconds=_NEW_SECONDS if tried else _SECONDS)


def excused(seen: Observation, node: Node, tried: Envelope | None) -> Observation:
    """Return a look at a neighbour that was not given what is tried as final: no use to wait."""
    return replace(seen, status=Status.CURRENT) if seen.absent and tried and node.name in tried.without else seen


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


def is_silent(found: dict[str, Any]) -> bool:
    """Tell whether the control plane has given up on a node (after 40 s without a word, by its default)."""
    return _ready(found) == "Unknown"


def _ready(found: dict[str, Any]) -> str:
    conditions = found.get("status", {}).get("conditions") or []
    return next((str(item.get("status")) for item in conditions if item.get("type") == "Ready"), "")


def _missed(sentence: str) -> Observation:
    return Observation(Status.IN_PROGRESS, sentence, absent=sentence)
