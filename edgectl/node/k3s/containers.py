"""End all containers of a stopped k3s: its unit leaves them running (KillMode=process), and their mounts in place.

The same three things as k3s's own k3s-killall.sh: shims and what they carry, mounts of pods and containers.
"""

from __future__ import annotations

from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.io.look import Hands

_SHIM = b"containerd-shim"
_STATE = b"/run/k3s/containerd"
_MOUNTS = ("/run/k3s/", "/var/lib/kubelet/pods/", "/run/netns/cni-")


def end_containers(write: Hands) -> None:
    """Kill shims with their descendants, and unmount what they leave."""
    parents = write.processes()
    shims = {pid for pid, (_, command) in parents.items() if _SHIM in command and _STATE in command}
    doomed = set(shims)
    while more := {pid for pid, (parent, _) in parents.items() if parent in doomed} - doomed:
        doomed |= more
    for pid in sorted(doomed, key=lambda pid: pid not in shims):  # shims first: they restart nothing then
        write.kill(pid)
    mounts = (write.text(write.places.root / "proc/self/mounts") or "").splitlines()
    paths = [line.split(" ")[1] for line in mounts if line.split(" ")[1].startswith(_MOUNTS)]
    if paths:
        ran = write.change("umount", "-l", *reversed(paths), limit_seconds=60)
        if not ran.ok:
            raise ApplyFailed(f"containers' mounts could not be undone: {ran.last_words}", evidence=ran.evidence())
