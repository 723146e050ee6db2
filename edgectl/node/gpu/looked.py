"""A look at this node's GPUs, from the driver up to the pods that hold them.

Owns: what is read, and that a part which cannot be read leaves its own sentence and spoils no other. Changes nothing;
all of it together is bounded (probes and API are asked at once). Must not know what follows from it: why.py does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.desired import deployed
from edgectl.node.gpu import cards, checkpoint, proof
from edgectl.node.gpu.plugin import ANSWERS, answer, plugins_of, sockets
from edgectl.node.gpu.probed import Probed, probed
from edgectl.node.gpu.why import judged
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.errors import NotReady
from edgectl.wire.gpu import Deed, GpuLook, Holder, Layer, Offer, Plugin, Watch
from edgectl.wire.payload import Gpu
from edgectl.wire.verdict import READY, UNKNOWN

_OVER = frozenset({"Failed", "Succeeded"})


@dataclass(frozen=True)
class Cluster:
    """What the API tells of this node: its own object, and its pods by their UIDs."""

    layer: Layer
    node: dict[str, Any] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)


def declared(places: Places) -> tuple[str, Gpu]:
    """Return this node's name and the GPUs that it was deployed with; NotReady says what is missing."""
    _, node = deployed(places)
    if node.gpu is None:
        hint = "edgectl deploy STORE, if the inventory declares one"
        raise NotReady(f"what runs on {node.name} declares no GPU", hint=hint)
    return node.name, node.gpu


def looked(
    look: Look,
    gpu: Gpu,
    node: str,
    *,
    scripts: bool = True,
    monotonic: Callable[[], float] = time.monotonic,
    clock: Callable[[], float] = time.time,
) -> GpuLook:
    """Look at everything and judge it. Without `scripts` it is cheap: no program is run, their layers are not asked."""
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(_cluster, look, node)
        said = probed(look, gpu) if scripts else Probed()
        cluster = asked.result()
    boot, names, record = look.boot_id(), [*gpu.offered], proof.read(look)
    held: checkpoint.Held | None = None
    with suppress(LookFailed):
        held = checkpoint.held(look, names)
    this_boot = None if cluster.layer.status == UNKNOWN else cluster.node.get("nodeInfo", {}).get("bootID") == boot
    marker = _text(look, look.places.gpu_marker)
    seen = GpuLook(
        node=node,
        boot=boot,
        count=gpu.count,
        required=gpu.required,
        resource=gpu.resource,
        offers=tuple(_offer(gpu, name, cluster if this_boot else None) for name in names),
        this_boot=this_boot,
        marker=bool(boot) and marker == boot,
        marker_ago_seconds=_age(look, clock) if marker else None,
        driver=said.layer("driver"),
        uvm=said.layer("uvm"),
        toolkit=said.layer("toolkit"),
        devices=said.layer("devices"),
        kernel=said.layer("xid"),
        health=said.layer("health"),
        api=cluster.layer,
        plugin=_plugin(look, gpu, cluster),
        cards=cards.cards(
            gpu,
            said,
            record,
            now=monotonic(),
            healthy=_healthy(look, held, names) if this_boot and held else None,
            holders=_holders(held, cluster) if held else None,
        ),
        watch=watch(look, monotonic()),
    )
    return judged(seen)


def patiently(places: Places, beat: Callable[[], None], *, every_seconds: float) -> GpuLook:
    """Look at what was deployed here. A driver that hangs takes its time: meanwhile, who asks hears a beat."""
    node, gpu = declared(places)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(looked, Look(places), gpu, node)
        while not wait([asked], timeout=every_seconds).done:
            beat()
    return asked.result()


def watch(look: Look, now: float) -> Watch:
    """Read what the watchdog has left (edgectl/node/watch/ladder.py, Memory); nothing where nothing is readable."""
    try:
        doc = json.loads(_text(look, look.places.watch) or "{}")
        times = sorted((float(at), str(key)) for key, found in doc["done"].items() for at in found)
        deeds = [Deed(*key.partition(": ")[::2], now - at) for at, key in times]
        counts = {str(word): int(number) for word, number in doc["counts"].items()}
        return Watch(str(doc.get("held") or ""), tuple(deeds), counts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Watch()


def _cluster(look: Look, node: str) -> Cluster:
    try:
        found = look.api.get(f"/api/v1/nodes/{node}")
        query = urlencode({"fieldSelector": f"spec.nodeName={node}"})  # an agent's credential may list its own only
        listed = look.api.get(f"/api/v1/pods?{query}") or {}
    except LookFailed as failure:
        return Cluster(Layer(UNKNOWN, failure.reason))
    except Denied as answer:
        return Cluster(Layer(UNKNOWN, f"the Kubernetes API refuses to tell: {answer.message}"))
    pods = {str(pod.get("metadata", {}).get("uid", "")): pod for pod in listed.get("items") or ()}
    return Cluster(Layer(READY, "answers"), (found or {}).get("status", {}), pods)


def _offer(gpu: Gpu, name: str, cluster: Cluster | None) -> Offer:
    """Return one resource's numbers; what a status from before this boot says is not one of them."""
    number: int | None = None
    if cluster is not None:
        with suppress(ValueError):
            number = int(cluster.node.get("allocatable", {}).get(name, "0"))
    return Offer(name, gpu.offered[name], gpu.least[name], number)


def _healthy(look: Look, held: checkpoint.Held, names: list[str]) -> frozenset[str] | None:
    """Return which GPUs the plugin calls healthy: only those stand in the checkpoint. None: not of this boot."""
    try:
        written = (look.places.root / checkpoint.PLACE).stat().st_mtime
    except OSError:
        return None
    if written < look.booted_at() or not any(name in held.registered for name in names):
        return None
    return frozenset(checkpoint.physical(device) for devices in held.registered.values() for device in devices)


def _holders(held: checkpoint.Held, cluster: Cluster) -> dict[str, tuple[Holder, ...]]:
    """Return who holds each GPU. Where the API answers, a pod that is gone or has ended holds nothing."""
    found: dict[str, list[Holder]] = {}
    for uid, devices in sorted(held.by_pod.items()):
        pod = cluster.pods.get(uid)
        if cluster.layer.status != UNKNOWN and (pod is None or pod.get("status", {}).get("phase") in _OVER):
            continue
        meta = (pod or {}).get("metadata", {})
        holder = Holder(uid, str(meta.get("namespace", "")), str(meta.get("name", "")))
        for uuid in {checkpoint.physical(device) for device in devices}:
            found.setdefault(uuid, []).append(holder)
    return {uuid: tuple(pods) for uuid, pods in found.items()}


def _plugin(look: Look, gpu: Gpu, cluster: Cluster) -> Plugin:
    plugins = plugins_of(cluster.pods.values())
    pods = [pod for uid, pod in cluster.pods.items() if uid in plugins]
    names = sorted(f"{pod['metadata'].get('namespace')}/{pod['metadata'].get('name')}" for pod in pods)
    if not pods:
        return Plugin(answers=_answers(look, gpu))
    first = min(pods, key=lambda pod: f"{pod['metadata'].get('namespace')}/{pod['metadata'].get('name')}")
    containers = first.get("status", {}).get("containerStatuses") or []
    return Plugin(
        pod=names[0],
        runs=bool(containers) and all(item.get("ready") for item in containers),
        restarts=sum(int(item.get("restartCount", 0)) for item in containers),
        answers=_answers(look, gpu),
        others=tuple(names[1:]),
    )


def _answers(look: Look, gpu: Gpu) -> bool | None:
    """Tell whether a device plugin speaks on its socket; None when there is no socket, or it cannot be told."""
    with suppress(OSError):
        return answer(look, gpu) == ANSWERS if sockets(look, gpu) else None
    return None


def _age(look: Look, clock: Callable[[], float]) -> float | None:
    with suppress(OSError):
        return max(clock() - look.places.gpu_marker.stat().st_mtime, 0.0)
    return None


def _text(look: Look, path: Any) -> str:
    with suppress(LookFailed):
        return (look.text(path) or "").strip()
    return ""
