"""Take away what nothing needs any more: blobs, engines, values of secrets, half-received blobs that never came whole.

Owns: what is kept: all that current, previous and candidate name. Runs after a promotion only.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from edgectl.node.converge.lock import holder
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.load.kept import kept as waiting
from edgectl.node.secrets.values import forget_values
from edgectl.wire.payload import decode

_STAGING_DAYS = 14
_ENGINES = 2  # besides those of the slots: a session may run one that no slot names


def sweep(places: Places) -> int:
    """Remove what is not kept; returns the bytes freed. Removes no blob when a slot's payload cannot be read."""
    if holder(places.run / "sending") is not None:
        return 0  # what is arriving is named by no slot yet
    kept = [slot.envelope for slot in Slots(places).kept]
    if (waits := waiting(places)) is not None:
        kept.append(waits)
    blobs: set[str] = set()
    payloads = []
    for envelope in kept:
        try:
            payload = decode(places.blob(envelope.payload).read_bytes())
        except (OSError, ValueError):
            return 0
        payloads.append(payload)
        blobs |= {envelope.payload, *payload.blobs}
    forget_values(places, payloads)
    names = {digest.removeprefix("sha256:") for digest in blobs}
    freed = 0
    for path in places.blobs.iterdir():
        if path.name not in names:
            freed += _remove(path)
    engines = {envelope.runtime.removeprefix("sha256:") for envelope in kept}
    spare = sorted((path for path in places.runtimes.iterdir() if path.name not in engines), key=_age, reverse=True)
    for path in spare[_ENGINES:]:
        shutil.rmtree(path, ignore_errors=True)
    if places.staging.is_dir():
        for path in places.staging.iterdir():
            if time.time() - path.stat().st_mtime > _STAGING_DAYS * 86400:
                freed += _remove(path)
    return freed


def _remove(path: Path) -> int:
    found = path.stat()
    path.unlink()
    return found.st_size if found.st_nlink == 1 else 0


def _age(path: Path) -> float:
    return path.stat().st_mtime
