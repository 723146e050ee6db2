"""k3s off a machine: its processes, its mounts, its network, its rules, its files. As k3s's own uninstall does.

Owns: what is k3s's on a machine. Each part can be done again; nothing is deleted below a mount that would not go.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edgectl.node.host.owned import Owned
from edgectl.node.io.look import Hands, Look
from edgectl.node.remove.note import Note
from edgectl.wire.errors import StepFailed

UNITS = ("k3s.service", "k3s-agent.service")
_NAMES = ("kubectl", "crictl", "ctr")
_SHIM = b"containerd-shim"
_MOUNTED = ("/run/k3s", "/var/lib/rancher/k3s", "/var/lib/kubelet", "/run/netns/cni-")
_FOLDERS = (
    *("/var/lib/rancher/k3s", "/var/lib/kubelet", "/var/lib/cni", "/run/k3s", "/run/flannel"),
    "/run/containerd/runc/k8s.io",  # what runc noted of containers that were killed
    *("/etc/rancher/k3s", "/etc/rancher/node", "/var/log/pods", "/var/log/containers"),
    *("/root/.kube/cache/discovery/127.0.0.1_6443", "/root/.kube/cache/http"),  # Helm's and kubectl's, of this cluster
)
_PLUGINS = ("/kubelet-plugins/volume/exec", "/kubelet-plugins/volume", "/kubelet-plugins", "")
_PARENTS = (
    *("/etc/rancher", "/var/lib/rancher", "/root/.kube/cache/discovery", "/root/.kube/cache", "/root/.kube"),
    *(f"/etc/systemd/system/{unit}.d" for unit in UNITS),
    *(f"/usr/libexec/kubernetes{rest}" for rest in _PLUGINS),
    *("/run/containerd/s", "/run/containerd/runc", "/run/containerd", "/run/nri", "/run/netns"),
)
_LINKS = ("cni0", "flannel.1", "flannel-v6.1", "flannel-wg", "flannel-wg-v6", "kube-ipvs0")
_RULES = ("KUBE-", "CNI-", "flannel")
_SECONDS = 60.0
_STOP_SECONDS = 180.0
_DIE_SECONDS = 30.0


def take_off(hands: Hands, note: Note) -> None:
    """Take it all off. Raises StepFailed."""
    for unit in UNITS:
        if hands.entry(_at(hands, f"/etc/systemd/system/{unit}")) is not None:
            _must(hands, "systemctl", "disable", "--now", unit, seconds=_STOP_SECONDS)
    _kill(hands)
    _unmount(hands)
    _network(hands)
    _sockets(hands)
    _files(hands, note)


def _kill(hands: Hands) -> None:
    """End containers: their shims outlive k3s on purpose."""
    until = time.monotonic() + _DIE_SECONDS
    while left := containers(hands, own=os.getpid()):
        if time.monotonic() > until:
            raise StepFailed(
                f"{len(left)} processes of containers do not end", hint="reboot the machine, then run it again"
            )
        for pid in left:
            hands.kill(pid)
        time.sleep(0.2)


def containers(look: Look, *, own: int) -> list[int]:
    """Return the processes of k3s's containerd: its shims and all below them."""
    found = look.processes() if look.places.root == Path("/") else {}  # a node in a folder has none of its own
    data = b"/var/lib/rancher/k3s/"
    shims = {pid for pid, (_, line) in found.items() if _SHIM in line.split(b"\0")[0] and data in line}
    ours = set(shims)
    while new := {pid for pid, (parent, _) in found.items() if parent in ours} - ours:
        ours |= new
    return sorted(ours - {own}, reverse=True)


def _unmount(hands: Hands) -> None:
    for place in mounted(hands):
        if not hands.change("umount", place, limit_seconds=_SECONDS).ok:
            hands.change("umount", "-l", place, limit_seconds=_SECONDS)
    if left := mounted(hands):
        raise StepFailed(f"{left[0]} is still mounted", hint="reboot the machine, then run the same command again")


def mounted(look: Look) -> list[str]:
    """Return what is mounted below k3s's folders, the innermost first."""
    rows = (look.text(_at(look, "/proc/self/mountinfo")) or "").splitlines()
    places = [row.split()[4].replace("\\040", " ") for row in rows if len(row.split()) > 4]  # noqa: PLR2004 - proc(5)
    return [place for place in reversed(places) if place.startswith(_MOUNTED)]


def _network(hands: Hands) -> None:
    spaces = _at(hands, "/run/netns")
    for name in hands.names(spaces):
        if name.startswith("cni-"):
            hands.remove(spaces / name)
    links = _at(hands, "/sys/class/net")
    for name in hands.names(links):
        master = links / name / "master"
        if name in _LINKS or (master.exists() and master.resolve().name == "cni0"):
            hands.change("ip", "link", "delete", name, limit_seconds=_SECONDS)
    if left := [name for name in _LINKS if (links / name).exists()]:
        raise StepFailed(f"the interface {left[0]} does not go", hint=f"ip link delete {left[0]}")
    for tables in ("iptables", "ip6tables"):
        _rules(hands, tables)


def _rules(hands: Hands, tables: str) -> None:
    """Take the rules of k3s out, and leave everybody else's as they are."""
    for program in _programs(hands, tables):
        saved = hands.run(f"{program}-save", limit_seconds=_SECONDS)
        kept = [line for line in saved.out.splitlines() if not any(word in line for word in _RULES)]
        if not saved.ok or len(kept) == len(saved.out.splitlines()):
            continue
        text = "\n".join(kept) + "\n"
        ran = hands.change(f"{program}-restore", limit_seconds=_SECONDS, stdin=text.encode())
        if not ran.ok:
            raise StepFailed(f"k3s's rules do not go: {ran.last_words}", details=ran.evidence())


def _sockets(hands: Hands) -> None:
    """Take away on what k3s's containerd and its shims listened; that of another containerd is still listened on."""
    listened = (hands.text(_at(hands, "/proc/net/unix")) or "").split()
    for folder in ("/run/containerd/s", "/run/nri"):
        for name in hands.names(_at(hands, folder)):
            found = hands.entry(_at(hands, f"{folder}/{name}"))
            if found is not None and stat.S_ISSOCK(found.st_mode) and f"{folder}/{name}" not in listened:
                hands.remove(_at(hands, f"{folder}/{name}"))


def _programs(hands: Hands, tables: str) -> Iterator[str]:
    """Yield where the system has them, and where k3s brings its own."""
    yield tables
    yield str(hands.places.k3s_data / "data/current/bin/aux" / tables)


def _files(hands: Hands, note: Note) -> None:
    for path in sorted(Owned(hands, "k3s-files").paths()):  # what stood there before k3s needs the k3s that goes
        hands.remove(_at(hands, path))
    folder = _at(hands, "/usr/local/bin")
    for name in _NAMES:
        link = folder / name
        if link.is_symlink() and link.readlink().name == "k3s":
            hands.remove(link)
    for path, digest in note.programs.items():
        if path.endswith("/k3s") or hands.digest(_at(hands, path)) == digest:  # another Helm is somebody else's
            hands.remove(_at(hands, path))
    for path in _FOLDERS:
        shutil.rmtree(_at(hands, path), ignore_errors=True)
        if hands.entry(_at(hands, path)) is not None:
            raise StepFailed(f"{path} does not go", hint=f"ls -la {path} at the node says what holds it")
    for path in _PARENTS:
        with suppress(OSError):  # somebody else has something there
            _at(hands, path).rmdir()


def _at(hands: Look, path: str) -> Path:
    return hands.places.root / path.lstrip("/")


def _must(hands: Hands, *argv: str, seconds: float) -> None:
    ran = hands.change(*argv, limit_seconds=seconds)
    if not ran.ok:
        raise StepFailed(f"{' '.join(argv)}: {ran.last_words}", details=ran.evidence())
