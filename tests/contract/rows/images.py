"""Image archives in `agent/images`."""

from __future__ import annotations

from pathlib import Path

from tests.contract.archive import renamed
from tests.contract.bench import DATA, Bench
from tests.contract.row import Check

PAUSE = "docker.io/rancher/mirrored-pause:3.6"


def _pause(bench: Bench) -> Path:
    return next(path for path in bench.images if "pause" in path.parent.name)


def _names(bench: Bench) -> str:
    return bench.server.sh("k3s ctr images ls -q").out


def while_running(bench: Bench) -> None:
    name = "edge.example/late:1"
    bench.server.put(f"{DATA}/agent/images/late.tar", renamed(_pause(bench), name))
    bench.server.wait("imported", lambda: name in _names(bench), limit_seconds=30)


def broken_archive(bench: Bench) -> None:
    bench.server.put(f"{DATA}/agent/images/broken.tar", "no archive")
    bench.restart()
    assert "broken.tar" in bench.server.sh("journalctl -u k3s --no-pager -o cat -b | grep -i import", check=False).out
    bench.server.sh(f"rm {DATA}/agent/images/broken.tar")


CHECKS: dict[str, Check] = {
    "images-while-running": while_running,
    "images-broken": broken_archive,
}
