"""The one order in which a node becomes what it should be. All of it, on one screen.

A gate holds up only what names it in `needs`. Removals come last.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.charts.release import Release
from edgectl.node.charts.retired import Retired
from edgectl.node.converge.protocol import Gate
from edgectl.node.gpu.visible import Visible
from edgectl.node.host.blobs import Blobs
from edgectl.node.host.files import Files, Sysctls
from edgectl.node.host.preflight import Preflight
from edgectl.node.k3s.binary import Binary
from edgectl.node.k3s.images import Archives, Loaded
from edgectl.node.k3s.serves import Serves
from edgectl.node.k3s.service import Service
from edgectl.node.vision.dead import Dead
from edgectl.node.vision.inference import Answers
from edgectl.node.vision.workload import Workload
from edgectl.wire.payload import Node, Payload

REGISTRIES = "/etc/rancher/k3s/registries.yaml"  # read by k3s at start when it is there


def recipe(payload: Payload, node: Node) -> tuple[Gate[Any], ...]:
    """Return every step and gate of one node, in order."""
    k3s, host = node.k3s, node.host
    steps: list[Gate[Any]] = [
        Preflight(host.free_bytes),
        Blobs(payload.blobs),
        Files("host-files", "host files", host.files, needs=("host",)),
        Sysctls(host.sysctls, needs=("host-files",)),
        Binary("k3s-binary", "k3s binary", "k3s", k3s.version, k3s.binary, names=("kubectl", "crictl", "ctr")),
        Files("k3s-files", "k3s files", k3s.files, needs=("host",), absent=(REGISTRIES,)),
        Archives(k3s.images),
        Service(k3s),
        Serves(node.name, k3s.version),
        Loaded(k3s.images),
    ]
    if node.helm is not None:
        steps.append(Binary("helm-binary", "helm", "helm", node.helm.version, node.helm.binary))
    cluster = ("k3s-serves", "images", "helm-binary")
    needs_gpu = [release for release in payload.releases if "gpu" in release.needs]
    others = [release for release in payload.releases if release not in needs_gpu]
    for release in others:
        steps += [Release(release, needs=cluster), Workload(release, needs=(f"release-{release.name}",))]
    if node.gpu is not None:
        steps.append(Visible(node.gpu, node.name))
    steps.append(Dead(tuple(release.namespace for release in payload.releases), needs=("k3s-serves",)))
    for release in needs_gpu:
        steps += [Release(release, needs=(*cluster, "gpu")), Workload(release, needs=(f"release-{release.name}",))]
    if payload.inference is not None:
        workloads = tuple(
            f"workload-{release.name}"
            for release in payload.releases
            if release.namespace == payload.inference.namespace
        )
        steps.append(Answers(payload.inference, needs=workloads))
    steps.append(Retired(payload.releases, needs=("k3s-serves",)))
    return tuple(steps)
