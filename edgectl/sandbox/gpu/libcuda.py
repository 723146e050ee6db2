"""The sandbox's libcuda.so.1, compiled once on this machine and kept in the cache.

Owns: how it is compiled. Nodes are of the host's own suite or a newer one, so what is compiled here loads there.
Must not know nodes.
"""

from __future__ import annotations

from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part, to_stderr
from edgectl.sandbox.build.command import command

SOURCE = Path(__file__).parent / "cuda" / "libcuda.c"
NAME = "libcuda.so.1"
DRIVER = "580.95.05"  # of nodes that are made with a driver

_FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-Wl,-soname,{NAME}")
_LIMIT_SECONDS = 120.0
_HINT = "The stand-in for the CUDA driver is compiled here: apt-get install gcc libc6-dev"
_KEEP = 4  # a version each


def cuda_library(version: str = DRIVER, *, say: Say = to_stderr) -> Path:
    """Return the stand-in for a CUDA driver's library, under the name that programs load."""
    flags = (*_FLAGS, f'-DDRIVER="{version}"')

    def build(folder: Path) -> None:
        command(["cc", *flags, "-o", folder / NAME, SOURCE], limit_seconds=_LIMIT_SECONDS, hint=_HINT)

    return part("libcuda", digest_inputs(SOURCE, *flags), build, say=say, keep=_KEEP) / NAME
