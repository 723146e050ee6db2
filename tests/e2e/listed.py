"""What lies and runs on a machine, and what a cluster declares: to be the same before and after.

Owns: what is left out, since it changes by itself. Must not know why it is compared.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.e2e.node import Node

_BY_ITSELF = (
    *("events", "events.events.k8s.io", "leases.coordination.k8s.io", "endpoints", "endpointslices.discovery.k8s.io"),
    *("pods", "nodes", "csinodes.storage.k8s.io", "componentstatuses", "ipaddresses.networking.k8s.io"),
    *("pods.metrics.k8s.io", "nodes.metrics.k8s.io"),
)
_OF_THE_SERVER = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation", "ownerReferences")
_SERVING = ("kube-system", "k3s-serving")  # of the address and the moment
# logs, caches, and what systemd, udev and sshd note for themselves
_PRUNED = (
    *("/proc", "/sys", "/dev", "/run", "/var/tmp", "/var/log", "/var/cache", "/var/lib/systemd"),  # noqa: S108 - names
    *("/root/.ssh", "/var/lib/edgectl/saved", "/var/lib/edgectl/audit"),
)
_OF_KINDS = "--all --no-legend --plain --type=service,timer,slice,mount"
_PASSING = ("session-", "user-", "user@", "run-u", "init.scope", "systemd-journald", "systemd-tmpfiles", "ssh@")


def objects(node: Node) -> dict[str, str]:
    """Return each declared object of the cluster with the digest of what it declares."""
    kinds = node.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    asked = ",".join(kind for kind in kinds if kind not in _BY_ITSELF)
    found = json.loads(node.kubectl("get", asked, "-A", "-o", "json", seconds=120))["items"]
    rows: dict[str, str] = {}
    for item in found:
        about = item["metadata"]
        where = (about.get("namespace", ""), about["name"])
        if where == _SERVING:
            continue
        rows[f"{item['kind']} {'/'.join(where)}"] = _digest(item)
    return rows


def _digest(item: dict[str, Any]) -> str:
    about = {key: value for key, value in item["metadata"].items() if key not in _OF_THE_SERVER}
    declared = {key: value for key, value in item.items() if key not in {"metadata", "status"}}
    text = json.dumps({**declared, "metadata": about}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def machine(node: Node) -> dict[str, set[str]]:
    """Return files (with kind, mode and owner), units, mounts, interfaces, accounts and processes."""
    prune = " -o ".join(f"-path {path}" for path in _PRUNED)
    scripts = {
        "files": f"find / -xdev \\( {prune} \\) -prune -o -printf '%p %y %m %U %l\\n'",
        "run": "ls -d /run/* /run/containerd/* 2>/dev/null | grep -v motd.dynamic",  # of whoever logs in
        "unit files": "systemctl list-unit-files --no-legend --plain | awk '{print $1, $2}'",
        "units": f"systemctl list-units {_OF_KINDS} | awk '{{print $1, $3}}'",
        "mounts": "awk '{print $5}' /proc/self/mountinfo",
        "interfaces": "ls /sys/class/net",
        "namespaces": "ls /run/netns 2>/dev/null || true",
        "accounts": "cut -d: -f1,3,6 /etc/passwd",
        "packages": "dpkg-query -W",
        # "k3s pods" is a word of the sandbox's own network; k3s's own says "flanneld masq"
        "rules": "for t in iptables ip6tables; do $t-save 2>/dev/null | grep '^-' | grep -v 'k3s pods' || true; done",
        "processes": "ps -eo comm= | grep -vE '^(ps|grep|sh|sort|awk|sshd|agetty|login|.sd-pam.|systemd.*|kworker.*)'",
    }
    found = {what: set(node.sh(script, seconds=120, check=False).splitlines()) for what, script in scripts.items()}
    found["units"] = {unit for unit in found["units"] if not unit.startswith(_PASSING)}
    return found
