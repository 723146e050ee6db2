"""Why a service does not answer, as Kubernetes knows it: no Service, no pod, a pod that waits, crashes, or runs.

Pure: objects come in. Must not ask anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgectl.node.vision.workload import story

Json = dict[str, Any]
_OVER = frozenset({"Succeeded", "Failed"})


def why_silent(service: Json, pods: Iterable[Json]) -> str:
    """Return what its pods show; "" when one of them runs, so that Kubernetes has nothing to say."""
    labels = (service.get("spec") or {}).get("selector") or {}
    if not labels:
        return ""
    mine = [pod for pod in pods if _matches(pod, labels) and not pod["metadata"].get("deletionTimestamp")]
    mine = [pod for pod in mine if pod.get("status", {}).get("phase") not in _OVER]
    if not mine:
        return "no pod of it is there"
    if any(_runs(pod) for pod in mine):
        return ""
    told = story(mine)
    name = str(mine[0]["metadata"].get("name", ""))
    phase = str(mine[0].get("status", {}).get("phase") or "Pending")
    return f"its pod {name}: {told[0]}" if told else f"its pod {name} is {phase}"


def _runs(pod: Json) -> bool:
    """Tell whether all of its containers run, ready or not."""
    containers = pod.get("status", {}).get("containerStatuses") or []
    return bool(containers) and all("running" in (one.get("state") or {}) for one in containers)


def _matches(pod: Json, labels: Json) -> bool:
    have = (pod.get("metadata") or {}).get("labels") or {}
    return all(have.get(key) == value for key, value in labels.items())
