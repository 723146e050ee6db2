"""What the watchdog looks at: one cheap look at the GPUs, their plugin and their pods.

Owns: which pods count as what. Must not know what is done about any of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from edgectl.node.converge.protocol import Status
from edgectl.node.gpu.counted import Count
from edgectl.node.gpu.driver import Driver
from edgectl.node.gpu.plugin import answer, plugins_of
from edgectl.node.gpu.proven import Proven, marked
from edgectl.node.io.look import Look
from edgectl.node.vision.dead import why_dead
from edgectl.wire.payload import Gpu

_NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError"})
Json = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """One pod on this node."""

    namespace: str
    name: str
    uid: str
    dead: str = ""  # why a restart left it dead
    uses_gpu: bool = False
    plugin: bool = False
    crashes: int = -1  # how often its containers were restarted, while they are down again; -1: they are not
    lacks_image: bool = False  # one that edgectl brings is not in containerd
    replaced: bool = False  # a controller makes another one

    @property
    def path(self) -> str:
        """Return where the API has it."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Facts:
    """One look. `driver` says what is wrong below the plugin; it is asked only while something lacks."""

    count: Count
    marked: bool = False
    pods: tuple[Pod, ...] = ()
    driver: str = ""
    driver_drifts: str = ""  # what the driver's own step would change
    plugin: str = "answers"  # answers | silent | none

    @property
    def lacks(self) -> bool:
        """Tell whether fewer devices than all are allocatable."""
        have = self.count.allocatable
        return have is None or any(have.get(name, 0) < want for name, want in self.count.gpu.offered.items())

    @property
    def lost(self) -> tuple[str, ...]:
        """Return the GPUs that have computed in this boot and are offered no more, though their plugin speaks."""
        if self.plugin != "answers" or self.count.allocatable is None or not self.count.by_cuda:
            return ()
        return tuple(sorted(self.count.proof.proven() - self.count.offered))

    @property
    def plugins(self) -> tuple[Pod, ...]:
        """Return the device plugin's pods."""
        return tuple(pod for pod in self.pods if pod.plugin)


@dataclass(frozen=True)
class Watched:
    """What is watched: the node by its name, what its GPUs are declared to be, and the engine's own steps for them."""

    node: str
    gpu: Gpu
    driver: Driver
    proven: Proven
    images: frozenset[str] = frozenset()  # whose names edgectl has brought


def look(read: Look, watched: Watched) -> Facts:
    """Look once. LookFailed when the API does not answer: then nothing is done about anything."""
    found = watched.proven.count(read)
    listed = read.api.get(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{watched.node}&resourceVersion=0") or {}
    items = listed.get("items", [])
    plugins = plugins_of(items)
    pods = tuple(pod_of(item, watched.gpu.offered, watched.images, plugins) for item in items)
    plugin = answer(read, watched.gpu)
    facts = Facts(found, marked(read), pods, plugin=plugin)
    if not facts.lacks and found.enough:
        return facts
    seen = watched.driver.probe(read)
    driver = "" if seen.status in {Status.CURRENT, Status.DRIFTED} else seen.reason
    return replace(facts, driver=driver, driver_drifts=seen.reason if seen.status is Status.DRIFTED else "")


def pod_of(
    item: Json,
    resources: Iterable[str],
    images: frozenset[str] = frozenset(),
    plugins: frozenset[str] = frozenset(),
) -> Pod:
    """Return what the watchdog needs to know of a pod."""
    meta, spec = item.get("metadata", {}), item.get("spec", {})
    wanted = set(resources)
    return Pod(
        str(meta.get("namespace", "")),
        str(meta.get("name", "")),
        str(meta.get("uid", "")),
        why_dead(item),
        any(wanted & set((one.get("resources") or {}).get("limits") or {}) for one in spec.get("containers") or []),
        meta.get("uid") in plugins and not meta.get("deletionTimestamp"),
        crashes_of(item),
        lacks_image(item, images) and not meta.get("deletionTimestamp"),
        any(owner.get("controller") for owner in meta.get("ownerReferences") or []),
    )


def lacks_image(item: Json, images: frozenset[str]) -> bool:
    """Tell whether a container waits for an image that edgectl has brought to this node: no registry will give it."""
    status = item.get("status", {})
    for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        reason = ((one.get("state") or {}).get("waiting") or {}).get("reason", "")
        name = str(one.get("image", ""))
        if reason in _NO_IMAGE and any(ref == name or ref.endswith(f"/{name}") for ref in images):
            return True
    return False


def crashes_of(item: Json) -> int:
    """Return how often a pod's containers were restarted when one is down after a crash; -1 when none is."""
    down, restarts = False, 0
    for one in item.get("status", {}).get("containerStatuses") or []:
        state, last = one.get("state") or {}, one.get("lastState") or {}
        ended = state.get("terminated") or (last.get("terminated") if "waiting" in state else None) or {}
        # "Unknown" is containerd's word for an end that it did not see, as after each reboot: no crash
        down = down or (int(ended.get("exitCode") or 0) != 0 and ended.get("reason") not in {"Unknown", ""})
        restarts += int(one.get("restartCount") or 0)
    return restarts if down else -1
