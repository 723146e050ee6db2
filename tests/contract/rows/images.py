"""Image archives in `agent/images`."""

from __future__ import annotations

from pathlib import Path

from tests.contract.archive import renamed
from tests.contract.bench import DATA, Bench
from tests.contract.row import Row

PAUSE = "docker.io/rancher/mirrored-pause:3.6"


def _pause(bench: Bench) -> Path:
    return next(path for path in bench.images if "pause" in path.parent.name)


def _names(bench: Bench) -> str:
    return bench.server.sh("k3s ctr images ls -q").out


def at_start(bench: Bench) -> None:
    assert PAUSE in _names(bench).split()


def pinned(bench: Bench) -> None:
    line = next(line for line in bench.server.sh("k3s ctr images ls").out.splitlines() if line.startswith(PAUSE + " "))
    assert "io.cri-containerd.pinned=pinned" in line


def while_running(bench: Bench) -> None:
    name = "edge.example/late:1"
    bench.server.put(f"{DATA}/agent/images/late.tar", renamed(_pause(bench), name))
    bench.server.wait("imported", lambda: name in _names(bench), limit_seconds=30)


def broken_archive(bench: Bench) -> None:
    bench.server.put(f"{DATA}/agent/images/broken.tar", "no archive")
    bench.restart()
    assert "broken.tar" in bench.server.sh("journalctl -u k3s --no-pager -o cat -b | grep -i import", check=False).out
    bench.server.sh(f"rm {DATA}/agent/images/broken.tar")


ROWS = (
    Row(
        "images-at-start",
        "archives in `agent/images` are imported at start",
        "docs.k3s.io/installation/airgap; k3s `pkg/agent/containerd/containerd.go` (PreloadImages)",
        at_start,
    ),
    Row(
        "images-pinned",
        "imported images are pinned against garbage collection",
        "k3s#8781; `pkg/agent/containerd/containerd.go`",
        pinned,
    ),
    Row(
        "images-while-running",
        "an archive that appears while k3s runs is imported within seconds",
        "k3s `pkg/agent/containerd/watcher.go` (v1.32.0 and later)",
        while_running,
    ),
    Row(
        "images-broken",
        "an archive that cannot be read is said so, and does not keep k3s from starting",
        "k3s `pkg/agent/containerd/containerd.go` (PreloadImages)",
        broken_archive,
    ),
)
