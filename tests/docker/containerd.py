"""A containerd of the tests' own, which imports archives as k3s's does; ended by its pid."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from edgectl.control.bundle.layout import Bundle

_START_SECONDS = 30


def names_after_import(bundle: Bundle, home: Path) -> list[str]:
    """Import every image of a bundle, unpacked, and return the names that containerd then has."""
    address, config = home / "containerd.sock", home / "config.toml"
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    command = ["containerd", "--config", str(config), "--root", str(home / "root")]
    command += ["--state", str(home / "state"), "--address", str(address)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while _ctr(address, "version").returncode != 0:
            assert time.monotonic() < deadline, "containerd did not start"
            time.sleep(0.1)
        for artifact in bundle.all("image"):
            done = _ctr(address, "image", "import", str(bundle.path(artifact.digest)))
            assert done.returncode == 0, done.stderr
        return _ctr(address, "image", "ls", "-q").stdout.split()
    finally:
        process.terminate()
        process.wait(30)


def _ctr(address: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", "--address", str(address), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
