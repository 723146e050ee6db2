"""The k3s of one node as files: config, kubelet drop-in, registries, unit, and the record of what it is started with.

Owns their places and texts. Must not know images, charts or blobs.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from edgectl.control.assets import templates
from edgectl.control.blockyaml import dump
from edgectl.control.inventory.store import NodeTarget
from edgectl.control.payload.unitfile import unit_text
from edgectl.wire.payload import ManagedFile

BINARY = "/usr/local/bin/k3s"
CONFIG = "/etc/rancher/k3s/config.yaml"
REGISTRIES = "/etc/rancher/k3s/registries.yaml"
# read by the kubelet after k3s's own 00-k3s-defaults.conf (k3s >= 1.32, docs.k3s.io/cli/agent)
KUBELET = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/50-edgectl.conf"
UNITS = {"server": "k3s.service", "agent": "k3s-agent.service"}
JOIN_TOKEN = "/var/lib/edgectl/secrets/k3s-token"  # noqa: S105 - where it lies; it comes over the link
# docs.k3s.io/cli/agent
_AGENT_KNOWS = (
    "airgap-extra-registry bind-address container-runtime-endpoint data-dir debug default-runtime "
    "disable-apiserver-lb disable-default-registry-endpoint docker enable-pprof flannel-cni-conf flannel-conf "
    "flannel-iface image-credential-provider-bin-dir image-credential-provider-config image-service-endpoint "
    "kube-proxy-arg kubelet-arg lb-server-port log alsologtostderr node-external-dns node-external-ip "
    "node-internal-dns node-label node-taint nonroot-devices pause-image prefer-bundled-bin private-registry "
    "protect-kernel-defaults resolv-conf rootless selinux snapshotter system-default-registry v vmodule "
    "vpn-auth vpn-auth-file with-node-id "
)
_AGENT_KEYS = frozenset(_AGENT_KNOWS.split())
GPU_LABEL = "nvidia.com/gpu.present"  # what the device plugin's DaemonSet selects


def unit(role: str) -> str:
    """Return the name of the unit that runs this role."""
    return UNITS[role]


def k3s_files(node: NodeTarget, lead: NodeTarget | None = None) -> tuple[ManagedFile, ...]:
    """Return every file of k3s on this node, sorted by path; `lead` is the server that an agent joins."""
    read_at_start = [
        ManagedFile(CONFIG, _HEADER + dump(config(node, lead)), "0600"),
        ManagedFile(KUBELET, _HEADER + dump(_kubelet(node.k3s.kubelet)), "0644"),
    ]
    if node.k3s.registries is not None:
        read_at_start.append(ManagedFile(REGISTRIES, _HEADER + dump(node.k3s.registries), "0600"))
    service = f"/etc/systemd/system/{unit(node.role)}"
    started_with = tuple(sorted([BINARY, *(file.path for file in read_at_start)]))
    units = [
        ManagedFile(service, _template("k3s.service.j2", binary=BINARY, role=node.role)),
        ManagedFile(f"{service}.d/10-edgectl.conf", _template("10-edgectl.conf.j2", started_with=started_with)),
    ]
    return tuple(sorted([*read_at_start, *units], key=lambda file: file.path))


def config(node: NodeTarget, lead: NodeTarget | None = None) -> dict[str, Any]:
    """Return k3s's settings: the inventory's, and what edgectl knows better.

    An agent gets those that an agent knows: one it does not know ends it at its start, and what a store says of its
    k3s is said for its server, too.
    """
    said = dict(node.k3s.config)
    if node.role == "agent":
        said = {key: value for key, value in said.items() if key.rstrip("+") in _AGENT_KEYS}
    labels = said.get("node-label", [])
    labels = list(labels) if isinstance(labels, list) else [labels]
    if node.gpu is not None and not any(str(label).startswith(f"{GPU_LABEL}=") for label in labels):
        labels.append(f"{GPU_LABEL}=true")
    if labels:
        said["node-label"] = labels
    if node.role == "server":
        said.setdefault("write-kubeconfig-mode", "0600")
    elif lead is not None:
        said |= {"server": f"https://{_in_url(lead.address)}:6443", "token-file": JOIN_TOKEN}
    return {**said, "node-name": node.name, "node-ip": node.address}


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


_HEADER = "# Written by edgectl. Settings belong into the inventory: what is changed here is put back.\n"


def _kubelet(fields: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", **fields}


def _template(name: str, **values: Hashable) -> str:
    return unit_text(templates() / "k3s", name, **values)
