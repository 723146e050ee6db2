"""What a host lacks is found at once, all of it, each gap with its remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.sandbox.requirements import Facts, judge

GOOD = Facts(
    system="Linux",
    machine="x86_64",
    suite="bookworm",
    root=True,
    missing_packages=(),
    loop=True,
    ext4=True,
    cgroups=True,
    trials={"overlayfs": ""},
    free_bytes=100 << 30,
    memory_bytes=16 << 30,
)


def test_a_good_host_has_no_gaps() -> None:
    assert judge(GOOD) == ()


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"system": "Darwin"}, "Darwin", "VM"),
        ({"root": False}, "root", "sudo"),
        ({"machine": "aarch64"}, "aarch64", "x86_64"),
        (
            {"missing_packages": ("debootstrap", "iproute2")},
            "debootstrap iproute2",
            "apt-get install debootstrap iproute2",
        ),
        ({"suite": "jammy"}, "jammy", "noble"),
        ({"suite": ""}, "neither Debian nor Ubuntu", "bookworm"),
        ({"loop": False}, "loop", "modprobe loop"),
        ({"ext4": False}, "ext4", "modprobe ext4"),
        ({"cgroups": False}, "memory, cpu and pids", "/sys/fs/cgroup"),
        ({"trials": {"overlayfs": "not permitted"}}, "overlayfs: not permitted", "privileged"),
        ({"free_bytes": 3 << 30}, "3.0 GiB of disk", "XDG_STATE_HOME"),
        ({"memory_bytes": 1 << 30}, "1.0 GiB of memory", "End"),
    ],
)
def test_each_gap_has_a_sentence_and_a_remedy(change: dict[str, object], what: str, remedy: str) -> None:
    (gap,) = judge(replace(GOOD, **change))  # type: ignore[arg-type]
    assert what in gap.what
    assert remedy in gap.remedy


def test_all_gaps_are_named_together() -> None:
    assert len(judge(replace(GOOD, root=False, loop=False, free_bytes=0))) == 3
