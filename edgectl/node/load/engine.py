"""The engine that an offer names: brought like a blob, unpacked as the link's bootstrap does, then become.

Owns: what an engine's archive may hold. It is signed for, and judged all the same: nothing in it may lead out, be no
file, or be larger than the archive says.
"""

from __future__ import annotations

import os
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from edgectl.node import bootstrap
from edgectl.node.io.places import Places
from edgectl.wire.envelope import short
from edgectl.wire.errors import NotReady, Refused

MOST_BYTES = 32 << 20
_MOST_FILES = 5000
_LONGEST = 200  # bytes of a name: every file system takes so many
MAIN = "__main__.py"
HINT = "export anew with a released edgectl"


def is_here(places: Places, digest: str) -> bool:
    """Tell whether an engine is unpacked here; its folder is whole or not there."""
    return (places.runtime(digest) / MAIN).is_file()


def runs_here(places: Places, digest: str) -> bool:
    """Tell whether the code that asks is this very engine's."""
    return Path(__file__).resolve().parents[3] == places.runtime(digest).resolve()


def unpack(places: Places, digest: str, tar: bytes) -> None:
    """Unpack an engine whose bytes have their digest. Raises Refused, NotReady."""
    try:
        _judge(tar)
        bootstrap.install(tar, places.runtime(digest))
    except (ValueError, tarfile.TarError, EOFError, OverflowError, RecursionError) as error:
        raise Refused(f"the engine {short(digest)} is no archive that may be unpacked: {error}", hint=HINT) from error
    except OSError as error:
        raise NotReady(
            f"the engine {short(digest)} could not be unpacked: {error.strerror or error}",
            hint=f"look at the disk that holds {places.state} (df -h, df -i), then run the same command again",
        ) from error


def become(places: Places, digest: str, arguments: list[str]) -> int:
    """Go on as this engine: what it made of itself is what reads the payload, as it is over the link."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-I", str(places.runtime(digest)), *arguments])  # noqa: S606 - no shell


def _judge(tar: bytes) -> None:
    """Raise ValueError or TarError for anything but plain files with names of their own, no larger than the archive."""
    names: set[str] = set()
    total = 0
    with tarfile.open(fileobj=BytesIO(tar), mode="r:") as archive:
        for entry in archive:
            parts = entry.name.split("/")
            if not entry.isreg() or entry.issparse() or entry.pax_headers:
                raise ValueError(f"it holds something else than plain files: {entry.name!r:.100}")
            if not entry.name.isprintable() or {"", ".", ".."} & set(parts):
                raise ValueError(f"a name leads elsewhere: {entry.name!r:.100}")
            if len(entry.name.encode()) > _LONGEST:
                raise ValueError(f"a name is too long: {entry.name:.100}")
            total += entry.size
            if entry.size < 0 or entry.name in names or len(names) >= _MOST_FILES or total > len(tar):
                raise ValueError(
                    f"a file is there twice, or too many are, or it has no size that fits: {entry.name:.100}"
                )
            names.add(entry.name)
    folders = {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}
    if both := sorted(folders & names):
        raise ValueError(f"a file and a folder have one name: {both[0]:.100}")
    if MAIN not in names:
        raise ValueError(f"it has no {MAIN}")
