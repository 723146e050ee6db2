"""Nodes that were told to take no pods (`kubectl cordon`): what runs there runs on, what starts has no place.

Owns: the look and its judgement. The lead asks for all nodes of the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.doctor.symptom import WRONG, Symptom
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.wire.payload import Payload

_WAITS = r"unschedulable|cordoned"
_TAINT = "node.kubernetes.io/unschedulable"
Json = dict[str, Any]


def symptoms(look: Look, payload: Payload) -> tuple[Symptom, ...]:
    """Ask for each node; one that cannot be asked for has its own step that says so."""
    found: dict[str, Json] = {}
    for node in payload.nodes:
        try:
            live = look.api.get(f"/api/v1/nodes/{node.name}")
        except (LookFailed, Denied):
            continue
        found.update({node.name: live} if live is not None else {})
    seen = judged(found)
    return () if seen is None else (seen,)


def judged(nodes: Mapping[str, Json]) -> Symptom | None:
    """Judge node objects by their names; None where all take pods. Pure."""
    closed = {name: _since(live) for name, live in nodes.items() if (live.get("spec") or {}).get("unschedulable")}
    if not closed:
        return None
    names = " ".join(closed)
    said = (
        f"{', '.join(f'{name}{since}' for name, since in closed.items())}: what runs there runs on, nothing new starts"
    )
    return Symptom(
        "node",
        WRONG,
        "E-NOD-05",
        said,
        tuple(f"node {name}: spec.unschedulable is true" for name in closed),
        f"kubectl uncordon {names}, when nobody works on it.",
        stops=False,
        own=True,
        reaches=True,
        covers=frozenset(),  # it explains pods that say so
        explains=_WAITS,
    )


def _since(live: Json) -> str:
    taints = (one for one in live["spec"].get("taints") or () if one.get("key") == _TAINT)
    return next((f" (since {one['timeAdded']})" for one in taints if one.get("timeAdded")), "")
