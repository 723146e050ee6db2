"""What runs of each release, workload by workload, and in Kubernetes' own words why not.

Owns: the look at one workload (the recipe's own gate, asked for each alone), the code that its words have, and what a
workload rests on by its own manifest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from edgectl.node.converge.protocol import LookFailed, Observation, Status
from edgectl.node.doctor.answered import answered
from edgectl.node.doctor.symptom import FINE, UNSEEN, WRONG, Symptom
from edgectl.node.io.api import Denied, selector
from edgectl.node.io.look import Look
from edgectl.node.vision.workload import PLURAL, Place, Workload
from edgectl.wire.payload import Node, Payload, Release

_PLUGINS = "/var/lib/kubelet/device-plugins"
_MOST, _NO_IMAGE = 3, "E-POD-02"
Json = dict[str, Any]
# What is said of a pod -> (code, own). The first that fits.
_SAYS = (
    (r"OOMKilled", "E-POD-06", True),
    (r"ErrImage|ImagePullBackOff|InvalidImageName|ImageInspectError", "E-POD-02", False),
    (r"Insufficient (?:nvidia|amd|gpu)|gpu-gate waits|UnexpectedAdmissionError", "E-POD-04", False),
    (r"Insufficient", "E-POD-03", True),
    (r"disk-pressure|memory-pressure|not-ready|unreachable|unschedulable", "E-POD-12", False),
    (r"didn't match|node selector|affinity|taint", "E-POD-03", True),
    (r"CreateContainerConfigError|(?:secret|configmap) \"?[\w.-]+\"? not found", "E-POD-05", False),
    (r"FailedMount|MountVolume|hostPath|FailedAttach", "E-POD-08", False),
    (r"crash-loops|CrashLoopBackOff|Error|terminated", "E-POD-01", False),
    (r"denied|forbidden|exceeded quota|admission", "E-POD-07", True),
)


def workloads(payload: Payload) -> Iterator[tuple[Release, Json]]:
    """Yield every workload that is declared, with its release."""
    for release in payload.releases:
        yield from ((release, item) for item in release.manifests if item.get("kind") in PLURAL)


def part_of(manifest: Json) -> str:
    """Return the part that a workload is."""
    return f"pods {manifest['metadata']['name']}"


def rests(payload: Payload, node: Node, models: str) -> Mapping[str, frozenset[str]]:
    """Return what each workload rests on by its own manifest; and what the device plugin's pods carry. Pure."""
    found: dict[str, frozenset[str]] = {}
    plugins: set[str] = set()
    for release, manifest in workloads(payload):
        text, more = json.dumps(manifest), {f"release {release.name}"}
        if node.gpu is not None and not node.gpu.offered.keys().isdisjoint(_asks(manifest)):
            more.add("gpu")
        if f'"{models}' in text:
            more.add("models")
        if any(f'"{folder.path}"' in text for folder in node.host.folders):
            more.add("folders")
        found[part_of(manifest)] = frozenset(more)
        if _PLUGINS in text:
            plugins.add(part_of(manifest))
    return {**found, "gpu-plugin": frozenset(plugins)}


def _asks(manifest: Json) -> Iterator[str]:
    """Yield the resources that a workload's containers ask for; to tolerate a GPU's taint is not to use one."""
    pod = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    for container in [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]:
        asked = container.get("resources") or {}
        yield from {**(asked.get("requests") or {}), **(asked.get("limits") or {})}


def symptoms(look: Look, payload: Payload, node: Node, *, spare: frozenset[str]) -> Iterator[Symptom]:
    """Ask for every workload. `spare`: parts that the store sells without."""
    place = Place(node.name, tuple(one.name for one in payload.nodes if one.name != node.name))
    for release, manifest in workloads(payload):
        part = part_of(manifest)
        try:
            seen = Workload(replace(release, manifests=(manifest,)), place, needs=()).probe(look)
            more = () if seen.status is Status.CURRENT else _more(look, release, manifest)
        except LookFailed as failure:
            yield Symptom(part, UNSEEN, says=failure.reason, stops=False)
        except Denied as answer:
            yield Symptom(part, UNSEEN, says=f"the API refuses to tell: {answer.message}", stops=False)
        else:
            yield judged(part, seen, more, stops=part not in spare)


def judged(part: str, seen: Observation, more: tuple[str, ...], *, stops: bool) -> Symptom:
    """Judge what was seen of one workload; `more` are further words about its pods. Pure."""
    if seen.status is Status.CURRENT:
        return Symptom(part, FINE, says=seen.reason)
    evidence = tuple(dict.fromkeys((*seen.evidence[:_MOST], *more)))
    text = "\n".join((seen.reason, *evidence))
    said = seen.reason
    if "declared replicas" in text:  # somebody has scaled it by hand
        return Symptom(part, WRONG, "E-POD-10", said, evidence or (said,), stops=stops)
    if "does not exist" in said:
        return Symptom(part, WRONG, "E-POD-10", said, (f"{said} (asked of the API)",), stops=stops)
    code, own = next(((of, own) for words, of, own in _SAYS if re.search(words, text)), ("E-POD-09", False))
    own = own or (code == _NO_IMAGE and answered(text, far=True))  # a registry that refuses was reached
    if not evidence:
        evidence = (said,)
    return Symptom(part, WRONG, code, said, evidence, stops=stops, own=own, yet=seen.status is Status.IN_PROGRESS)


def _more(look: Look, release: Release, manifest: Json) -> tuple[str, ...]:
    """Return what else Kubernetes says of a workload that is not well: its size, its pods' last ends, its warnings."""
    kind, name = str(manifest["kind"]), str(manifest["metadata"]["name"])
    namespace = manifest["metadata"].get("namespace") or release.namespace
    live = look.api.get(f"/apis/apps/v1/namespaces/{namespace}/{PLURAL[kind]}/{name}")
    if live is None:
        return ()
    said = []
    want, have = manifest.get("spec", {}).get("replicas"), live.get("spec", {}).get("replicas")
    if want is None and have == 0:
        want = 1  # Kubernetes' own default; whoever wants none says 0
    if want is not None and have is not None and want != have:
        said.append(f"{kind}/{name}: spec.replicas is {have}, declared replicas {want}")
    labels = selector(live.get("spec", {}).get("selector", {}).get("matchLabels", {}))
    pods = (look.api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={labels}") or {}).get("items", [])
    for pod in pods:
        said += list(_ends(pod))
    names = {str(pod["metadata"]["name"]) for pod in pods}
    query = urlencode({"fieldSelector": "type=Warning", "limit": "200"})
    events = (look.api.get(f"/api/v1/namespaces/{namespace}/events?{query}") or {}).get("items", [])
    warned = [
        f"{item.get('reason')}: {str(item.get('message', ''))[:200]}"
        for item in events
        if (item.get("involvedObject") or {}).get("name") in names
    ]
    return tuple(dict.fromkeys((*said, *warned[-_MOST:])))


def _ends(pod: Json) -> Iterator[str]:
    status = pod.get("status", {})
    for item in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        ended = (item.get("lastState") or {}).get("terminated") or {}
        if ended.get("reason") and ended["reason"] not in {"Completed", "Unknown"} and not item.get("ready"):
            message = str(ended.get("message") or "").strip()[-160:]
            yield f"{item.get('name')} ended: {ended['reason']} (exit {ended.get('exitCode')}) {message}".strip()
