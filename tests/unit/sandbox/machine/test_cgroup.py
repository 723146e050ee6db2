"""Control groups are found on every kind of host."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.sandbox.machine.cgroup import hierarchies

V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "memberships", "found"),
    [
        (
            V1,
            "4:cpu,cpuacct:/\n3:memory:/job/7\n2:name=systemd:/\n0::/\n",
            [
                ("cpu,cpuacct", "cpu,cpuacct", ""),
                ("memory", "memory", "job/7"),
                ("name=systemd", "systemd", ""),
                ("", "unified", ""),
            ],
        ),
        (V2, "0::/user.slice/session-1.scope\n", [("", "", "user.slice/session-1.scope")]),
        (V1, "9:rdma:/\n", []),
        ("", "0::/\n", []),
    ],
    ids=["v1 and hybrid", "v2", "a controller that is not mounted", "nothing mounted"],
)
def test_hierarchies_are_read_from_what_the_kernel_says(
    mounts: str, memberships: str, found: list[tuple[str, str, str]]
) -> None:
    """Real lines of /proc/self/mounts and /proc/self/cgroup give mount point and own group of each hierarchy."""
    expected = tuple((name, Path("/sys/fs/cgroup", folder), group) for name, folder, group in found)
    assert hierarchies(mounts, memberships) == expected
