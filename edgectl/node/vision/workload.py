"""Gate: what a release declares to run, runs, as declared, in this boot.

Stricter than Helm's and kubectl's own waits, which are satisfied by zero: desired is what the manifest says, at
least one, and generation observed, updated = ready = available = desired. A Ready that a pod has kept from before a
reboot is not believed: its containers must have a task in containerd, whose state lies on tmpfs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edgectl.node.converge.protocol import LookFailed, Observation, Status, Wait
from edgectl.node.io.api import selector
from edgectl.node.io.look import Look
from edgectl.node.k3s.joined import is_ready
from edgectl.wire.payload import Release

PLURAL = {"Deployment": "deployments", "DaemonSet": "daemonsets", "StatefulSet": "statefulsets"}
_NEVER = frozenset({"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"})
_CRASHES_ARE_A_LOOP = 4


@dataclass(frozen=True)
class Place:
    """From where is looked: this node, and its neighbours in the store."""

    node: str
    neighbours: tuple[str, ...] = ()


class Workload:
    """All Deployments, DaemonSets and StatefulSets of one release."""

    def __init__(self, release: Release, place: Place, *, needs: tuple[str, ...]) -> None:
        self._place = place
        self._namespace = release.namespace
        self._manifests = [item for item in release.manifests if item.get("kind") in PLURAL]
        self.id = f"workload-{release.name}"
        self.title = f"{release.name} pods"
        self.needs = needs
        self.wait = Wait(limit_seconds=release.timeout_seconds)

    def probe(self, read: Look) -> Observation:
        """Judge each workload; the first that is not there yet speaks."""
        waiting: Observation | None = None
        missed = ""
        for manifest in self._manifests:
            seen = self._one(read, manifest)
            if seen.status is Status.FAILED:
                return seen
            if seen.status is not Status.CURRENT and waiting is None:
                waiting = seen
            missed = missed or seen.absent
        all_of_them = f"{len(self._manifests)} of {len(self._manifests)} running"
        return waiting or Observation(Status.CURRENT, all_of_them, absent=missed)

    @staticmethod
    def _missed(read: Look, pods: list[dict[str, Any]]) -> tuple[str, ...]:
        """Return the nodes, declared or not, that are not there and on which pods of this workload still stand."""
        names = {str(pod.get("spec", {}).get("nodeName", "")) for pod in pods} - {""}
        nodes = ((name, read.api.get(f"/api/v1/nodes/{name}")) for name in sorted(names))
        return tuple(name for name, found in nodes if found is None or not is_ready(found))

    def _one(self, read: Look, manifest: dict[str, Any]) -> Observation:
        kind, name = str(manifest["kind"]), str(manifest["metadata"]["name"])
        namespace = manifest["metadata"].get("namespace") or self._namespace
        live = read.api.get(f"/apis/apps/v1/namespaces/{namespace}/{PLURAL[kind]}/{name}")
        if live is None:
            return Observation(Status.IN_PROGRESS, f"{kind}/{name} does not exist yet")
        labels = selector(live.get("spec", {}).get("selector", {}).get("matchLabels", {}))
        found = read.api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={labels}") or {}
        every = found.get("items", [])
        pods = [pod for pod in every if not pod["metadata"].get("deletionTimestamp")]
        pods = newest(pods, self._revision(read, live, namespace, labels))
        seen = judge(manifest, live, pods, booted_at=read.booted_at())
        if kind == "DaemonSet" and seen.status is Status.IN_PROGRESS and (missed := self._missed(read, every)):
            seen = judge(manifest, live, pods, booted_at=read.booted_at(), missed=missed)
        if seen.status is Status.CURRENT and not pods:  # counts from before a reboot, or of an older template
            return Observation(Status.IN_PROGRESS, f"{name}: none of its pods is listed")
        if seen.status is Status.CURRENT and (stale := _stale(read, [pod for pod in pods if self._is_here(pod)])):
            return Observation(Status.IN_PROGRESS, f"{name}: {stale} still shows its state from before this boot")
        return seen

    def _is_here(self, pod: dict[str, Any]) -> bool:
        return not self._place.neighbours or pod.get("spec", {}).get("nodeName") == self._place.node

    @staticmethod
    def _revision(read: Look, live: dict[str, Any], namespace: str, labels: str) -> str:
        """Return the value of the pods' label that marks the newest template; "" when it cannot be told."""
        if live.get("kind") == "DaemonSet" or "desiredNumberScheduled" in live.get("status", {}):
            return str((live["metadata"].get("annotations") or {}).get("deprecated.daemonset.template.generation", ""))
        if revision := live.get("status", {}).get("updateRevision"):
            return str(revision)
        mark = "deployment.kubernetes.io/revision"
        want = (live["metadata"].get("annotations") or {}).get(mark)
        sets = read.api.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets?labelSelector={labels}") or {}
        for item in sets.get("items", []):
            if want and (item["metadata"].get("annotations") or {}).get(mark) == want:
                return str((item["metadata"].get("labels") or {}).get("pod-template-hash", ""))
        return ""


_REVISION_LABELS = ("pod-template-hash", "pod-template-generation", "controller-revision-hash")


def newest(pods: list[dict[str, Any]], revision: str) -> list[dict[str, Any]]:
    """Return the pods of the newest template: an old pod's crashes say nothing about what replaces it."""
    if not revision:
        return pods
    return [
        pod
        for pod in pods
        if any((pod["metadata"].get("labels") or {}).get(label) == revision for label in _REVISION_LABELS)
    ]


def judge(
    manifest: dict[str, Any],
    live: dict[str, Any],
    pods: list[dict[str, Any]],
    *,
    booted_at: float = 0.0,
    missed: tuple[str, ...] = (),
) -> Observation:
    """Judge one live workload and its pods against its manifest.

    `booted_at`: seconds of the wall clock; `missed`: nodes that are not there, whose daemon pods are not waited for.
    """
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    status = live.get("status", {})
    if int(status.get("observedGeneration", 0)) < int(live.get("metadata", {}).get("generation", 1)):
        return Observation(Status.IN_PROGRESS, f"{name}: its change has not been seen yet")
    if (never := _never(pods, booted_at)) is not None:
        return Observation(Status.FAILED, f"{name}: {never}", evidence=story(pods))
    if manifest["kind"] == "DaemonSet":
        desired = int(status.get("desiredNumberScheduled", 0))
        have = [status.get(key, 0) for key in ("updatedNumberScheduled", "numberReady", "numberAvailable")]
        # A node that has fallen silent is tainted; from then on its pods are no longer desired, but misscheduled.
        misplaced = int(status.get("numberMisscheduled") or 0)
        if misplaced > len(missed):
            return Observation(Status.IN_PROGRESS, f"{name}: runs where it should not")
        least = max(desired - (len(missed) - misplaced), 1)
        if missed and desired and all(least <= int(count or 0) <= desired for count in have):
            without = f"{name} does not run on {', '.join(missed)}"
            return Observation(Status.CURRENT, f"{name}: {least} running", absent=without)
    else:
        # Where the release leaves it open, an autoscaler says it.
        desired = int(manifest.get("spec", {}).get("replicas", live.get("spec", {}).get("replicas", 1)))
        have = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    if desired < 1:
        return Observation(Status.IN_PROGRESS, f"{name}: no node is to run it (0 desired)")
    if any(int(count or 0) != desired for count in have):
        why = story(pods) or _refused(status)
        words = f"{min(int(count or 0) for count in have)} of {desired} running{', ' + why[0] if why else ''}"
        return Observation(Status.IN_PROGRESS, f"{name}: {words}", evidence=why)
    return Observation(Status.CURRENT, f"{name}: {desired} of {desired}")


def _never(pods: list[dict[str, Any]], booted_at: float) -> str | None:
    for pod in pods:
        counts_reboots = _created(pod) < booted_at  # each has restarted its containers, too
        for item in _containers(pod):
            waiting = (item.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            if reason in _NEVER:
                return f"{item.get('name')}: {waiting.get('message') or reason}"
            # For most of a back-off the kubelet reports the last end and no CrashLoopBackOff (measured, 1.36).
            ended = (item.get("state") or {}).get("terminated") or {}
            crashed = reason == "CrashLoopBackOff" or int(ended.get("exitCode") or 0) != 0
            ended = ended or (item.get("lastState") or {}).get("terminated") or {}
            if ended.get("reason") == "Unknown":  # containerd's word for one whose end it did not see: no crash
                continue
            if crashed and not counts_reboots and int(item.get("restartCount", 0)) >= _CRASHES_ARE_A_LOOP:
                why = ended.get("message") or f"exit {ended.get('exitCode')} ({ended.get('reason')})"
                return f"{item.get('name')} crash-loops: {str(why).strip()[-300:]}"
    return None


def _created(pod: dict[str, Any]) -> float:
    text = str(pod.get("metadata", {}).get("creationTimestamp", ""))
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        return float("inf")


def story(pods: list[dict[str, Any]]) -> tuple[str, ...]:
    """Say per pod what it waits for, in Kubernetes' own words."""
    lines = []
    for pod in pods:
        name = pod["metadata"]["name"]
        for item in _containers(pod):
            state = item.get("state") or {}
            for kind in ("waiting", "terminated"):
                inner = state.get(kind)
                if inner and inner.get("reason") not in {"Completed", "PodInitializing"}:
                    message = str(inner.get("message") or "").strip()[:200]
                    lines.append(f"{item.get('name')}: {inner.get('reason')} {message}".strip())
            if (
                "running" in state
                and not item.get("ready")
                and item in (pod["status"].get("initContainerStatuses") or [])
            ):
                lines.append(f"{item.get('name')} waits")
        lines += [
            f"{name}: {condition.get('message')}"
            for condition in pod.get("status", {}).get("conditions") or []
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False"
        ]
    return tuple(dict.fromkeys(lines))


def _refused(status: dict[str, Any]) -> tuple[str, ...]:
    """Return why pods are not even made, as the Deployment says it: the GPU guard's sentence, or a quota's."""
    return tuple(
        str(condition.get("message", ""))[:600]
        for condition in status.get("conditions") or []
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
    )


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _stale(read: Look, pods: list[dict[str, Any]]) -> str:
    """Return the name of a pod whose running container has no task in this boot's containerd; "" when all have."""
    tasks = read.places.root / "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io"
    if not tasks.is_dir():
        raise LookFailed(f"containerd's tasks are not where they should be ({tasks})")
    for pod in pods:
        for item in pod.get("status", {}).get("containerStatuses") or []:
            container = str(item.get("containerID", "")).rpartition("//")[2]
            if "running" in (item.get("state") or {}) and not (tasks / container).is_dir():
                return str(pod["metadata"]["name"])
    return ""
