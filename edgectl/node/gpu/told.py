"""What other tools are told of a node's GPUs, and of the chain, through the Kubernetes API: conditions and Events.

Owns: their form, and that nothing is written which the API knows already. Telling never fails its caller: who is cut
off tells it the next time. An agent's own credential is enough (its own node's status; core Events, not events.k8s.io).
"""

from __future__ import annotations

import calendar
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands

CONDITION = "edgectl.dev/GpuReady"
COMPONENT = "edgectl"
EVENTS = "/api/v1/namespaces/default/events"  # of objects without a namespace, as the kubelet's own
AGAIN_SECONDS = 300.0
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST = 1000  # characters; the API takes 1024 of an Event
_FAILS = (LookFailed, Denied, OSError, ValueError, KeyError, TypeError, AttributeError)


def tell(
    hands: Hands,
    node_name: str,
    ready: bool,  # noqa: FBT001 - tell(hands, "node-1", True, "GpuProven", "2 of 2 ...") is how it reads
    reason: str,
    message: str,
    *,
    kind: str = CONDITION,
    clock: Callable[[], float] = time.time,
) -> None:
    """Set one of the node's conditions; with an Event when its status or reason has changed.

    `reason` is one word in CamelCase (GpuProven), `message` a sentence without an age: another one is written anew.
    """
    with suppress(*_FAILS):
        path = f"/api/v1/nodes/{node_name}"
        node = hands.api.get(path)
        if node is None:
            return
        now = clock()
        was: dict[str, Any] = next(
            (one for one in node.get("status", {}).get("conditions") or () if one.get("type") == kind), {}
        )
        new = condition(was, ready=ready, reason=reason, message=message, now=now, kind=kind)
        if new is None:
            return
        hands.api.patch_status(path, {"conditions": [new]})
        if (was.get("status"), was.get("reason")) != (new["status"], new["reason"]):
            _create(hands, node_name, reason, message, warning=not ready, now=now)


def happened(
    hands: Hands,
    node_name: str,
    reason: str,
    message: str,
    *,
    warning: bool = False,
    clock: Callable[[], float] = time.time,
) -> None:
    """Leave an Event about the node: GpuPluginRestarted, GpuDeadPodsDeleted, GpuHeld ..."""
    with suppress(*_FAILS):
        _create(hands, node_name, reason, message, warning=warning, now=clock())


def condition(
    was: dict[str, Any], *, ready: bool, reason: str, message: str, now: float, kind: str = CONDITION
) -> dict[str, Any] | None:
    """Return the condition to write; None when the one that is there says the same and is fresh. Pure.

    `now` is the wall clock. A heartbeat far ahead of it is not fresh, either: a clock was set back.
    """
    status, said = "True" if ready else "False", message[:_LONGEST]
    same = all(was.get(key) == value for key, value in (("status", status), ("reason", reason), ("message", said)))
    if same and abs(now - _seconds(was.get("lastHeartbeatTime"))) < AGAIN_SECONDS:
        return None
    stamp = _stamp(now)
    since = str(was.get("lastTransitionTime") or stamp) if was.get("status") == status else stamp
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": said,
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": since,
    }


def event(node_name: str, reason: str, message: str, *, warning: bool, now: float) -> dict[str, Any]:
    """Return an Event about a node, as `kubectl describe node` finds it: its `uid` is the node's name. Pure."""
    stamp = _stamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{node_name}.{secrets.token_hex(8)}", "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": node_name},
        "type": "Warning" if warning else "Normal",
        "reason": reason,
        "message": message[:_LONGEST],
        "source": {"component": COMPONENT, "host": node_name},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }


def _create(hands: Hands, node_name: str, reason: str, message: str, *, warning: bool, now: float) -> None:
    hands.api.create(EVENTS, event(node_name, reason, message, warning=warning, now=now))


def _stamp(now: float) -> str:
    return time.strftime(_FORM, time.gmtime(now))


def _seconds(stamp: object) -> float:
    """Return a time of the API in seconds; long ago for none."""
    try:
        return float(calendar.timegm(time.strptime(str(stamp), _FORM)))
    except ValueError:
        return 0.0
