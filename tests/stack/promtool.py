"""Prometheus' own checker of rules: the machine's, else Debian's package, unpacked into the cache and not installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edgectl.sandbox.build.cache import digest_inputs, part, to_stderr
from edgectl.sandbox.build.command import command
from edgectl.sandbox.gpu.packages import debs
from edgectl.sandbox.k3s.debian import host_release
from edgectl.wire.errors import EdgectlError

WHERE = "usr/bin/promtool"


def program() -> Path:
    """Return where promtool is; where it cannot be had a test is skipped, in CI it fails."""
    found = shutil.which("promtool")
    if found is not None:
        return Path(found)
    try:
        return part("promtool", digest_inputs(host_release(), WHERE), _unpack, say=to_stderr) / WHERE
    except (EdgectlError, OSError) as error:
        if os.environ.get("CI"):
            pytest.fail(f"promtool cannot be had: {error}")
        pytest.skip(f"promtool cannot be had: {error}")


def _unpack(folder: Path) -> None:
    """Only the one program, of a package whose service nobody wants to start."""
    (package,) = debs("promtool-package", ["prometheus"], "prometheus", say=to_stderr).glob("*.deb")
    tree = folder / "tree"
    command(["dpkg-deb", "-x", package, tree], limit_seconds=120)
    (folder / WHERE).parent.mkdir(parents=True)
    (tree / WHERE).rename(folder / WHERE)
    shutil.rmtree(tree)
