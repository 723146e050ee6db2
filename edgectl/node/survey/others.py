"""What somebody else has installed where a store should be: k3s, or another Kubernetes. By files alone.

Owns: by which files each is known, and which of them can be taken over. A node with slots of ours has none of it: what
lies there is what its deploys have made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.io.look import Look
from edgectl.wire.finding import OK, STOP, WARN, Finding

_WANTS = "/etc/systemd/system/multi-user.target.wants"


@dataclass(frozen=True)
class Other:
    """One of them: by what it is known, and how its own people take it away."""

    name: str
    files: tuple[str, ...]
    remove: str


K3S = Other(
    "k3s",
    (
        "/usr/local/bin/k3s",
        "/usr/bin/k3s",
        "/etc/systemd/system/k3s.service",
        "/etc/systemd/system/k3s-agent.service",
        "/var/lib/rancher/k3s/server/db",
        "/var/lib/rancher/k3s/agent/client-kubelet.crt",
    ),
    "k3s-uninstall.sh (k3s-agent-uninstall.sh on an agent)",
)
KUBERNETES = (
    Other(
        "kubelet",
        ("/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/kubeadm-flags.env", f"{_WANTS}/kubelet.service"),
        "kubeadm reset && systemctl disable --now kubelet",
    ),
    Other("microk8s", ("/var/snap/microk8s/current", "/snap/bin/microk8s"), "snap remove --purge microk8s"),
    Other(
        "rke2",
        ("/usr/local/bin/rke2", "/opt/rke2/bin/rke2", "/etc/rancher/rke2", "/var/lib/rancher/rke2/server"),
        "rke2-uninstall.sh",
    ),
    Other("k0s", ("/usr/local/bin/k0s", "/etc/k0s", "/var/lib/k0s"), "k0s stop && k0s reset"),
)
_AGENT = ("/etc/systemd/system/k3s-agent.service",)
_SERVER = ("/etc/systemd/system/k3s.service", "/var/lib/rancher/k3s/server/db")
_SETTINGS = (
    "/etc/rancher/k3s/config.yaml.d",
    "/etc/systemd/system/k3s.service.env",
    "/etc/systemd/system/k3s-agent.service.env",
)


@dataclass(frozen=True)
class There:
    """What of it lies here: paths by name; `settings` are files of k3s that edgectl does not write and k3s reads."""

    found: dict[str, tuple[str, ...]]
    settings: tuple[str, ...] = ()


def there(look: Look) -> There:
    """Look for the files of each."""
    found = {other.name: _here(look, other.files) for other in (K3S, *KUBERNETES)}
    return There({name: paths for name, paths in found.items() if paths}, _here(look, _SETTINGS))


def judge(seen: There, *, ours: bool, agent: bool, take_over: bool) -> Iterator[Finding]:
    """Yield what is said of each. Pure. `ours`: this node has slots of edgectl; `agent`: it is to follow a server."""
    if not ours:
        yield _k3s(seen, agent=agent, take_over=take_over)
    for other in KUBERNETES:
        if paths := seen.found.get(other.name, ()):
            reason = f"{other.name}, another Kubernetes, is installed on this node and would have its ports"
            hint = f"take it away by its own means: {other.remove}; edgectl takes over k3s alone"
            yield Finding(
                f"others-{other.name}", WARN if ours else STOP, reason, hint, tuple(f"found {path}" for path in paths)
            )


def _k3s(seen: There, *, agent: bool, take_over: bool) -> Finding:
    about, paths = "others-k3s", seen.found.get(K3S.name, ())
    if not paths:
        return Finding(about, OK, "no k3s of somebody else")
    evidence = tuple(f"found {path}" for path in paths)
    role = "agent" if agent else "server"
    if wrong := set(paths) & set(_SERVER if agent else _AGENT):
        reason = f"a k3s of somebody else is installed on this node, and {min(wrong)} makes it no {role}"
        return Finding(about, STOP, reason, f"take it away: {K3S.remove}; then deploy again", evidence)
    if take_over:
        kept = f"; {', '.join(seen.settings)} stays, and k3s reads it" if seen.settings else ""
        reason = f"a k3s of somebody else is taken over: binary, unit and settings; its cluster's data stay{kept}"
        return Finding(about, WARN, reason, "go on if that is meant", evidence)
    reason = "a k3s that edgectl has not installed is on this node"
    hint = f"--take-over makes it this store's, with what runs in it; to begin anew instead: {K3S.remove}"
    return Finding(about, STOP, reason, hint, evidence)


def _here(look: Look, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in paths if look.entry(look.places.root / Path(path).relative_to("/")) is not None)
