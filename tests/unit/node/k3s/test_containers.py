"""What a stopped k3s has left is ended: shims, what they carry, and their mounts; nothing else."""

from __future__ import annotations

from pathlib import Path

from edgectl.node.k3s.containers import end_containers
from tests.unit.node.fake import FakeNode

SHIM = b"/x/containerd-shim-runc-v2\0-namespace\0k8s.io\0-address\0/run/k3s/containerd/containerd.sock"


RUNNING = {
    1: (0, b"/sbin/init"),
    10: (1, SHIM),
    11: (10, b"/pause"),
    12: (10, b"python"),
    13: (12, b"worker"),
    20: (1, SHIM.replace(b"/run/k3s", b"/run/docker")),
    21: (20, b"somebody else's"),
}


class Node(FakeNode):
    """A node with processes."""

    def __init__(self, root: Path, running: dict[int, tuple[int, bytes]]) -> None:
        super().__init__(root)
        self.running = running

    def processes(self) -> dict[int, tuple[int, bytes]]:
        """Return them."""
        return self.running


def test_shims_and_what_they_carry_end(node: FakeNode) -> None:
    """Another runtime's containers go on."""
    found = Node(node.places.root, RUNNING)
    end_containers(found)
    assert found.changes == [("kill", "10"), ("kill", "11"), ("kill", "12"), ("kill", "13")]


def test_their_mounts_are_undone_inner_first(node: FakeNode) -> None:
    """Pods' volumes, root file systems and network names; nothing else is unmounted."""
    found = Node(node.places.root, {})
    mounts = node.places.root / "proc/self/mounts"
    mounts.parent.mkdir(parents=True)
    mounts.write_text(
        "overlay / overlay rw 0 0\ntmpfs /var/lib/kubelet/pods/a/v tmpfs rw 0 0\n"
        "overlay /run/k3s/containerd/x/rootfs overlay rw 0 0\nnsfs /run/netns/cni-1 nsfs rw 0 0\n"
    )
    end_containers(found)
    assert found.changes == [
        ("umount", "-l", "/run/netns/cni-1", "/run/k3s/containerd/x/rootfs", "/var/lib/kubelet/pods/a/v")
    ]
