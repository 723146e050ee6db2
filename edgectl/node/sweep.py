"""Take away what nothing needs any more: blobs, engines, values of secrets, half-received blobs that never came whole.

Owns: what is kept: all that current, previous and candidate name, what is staged for a deploy that follows, and
versions of models (models/collect.py). Runs after a promotion only, or when models have come ahead of one. Senders wait
for its end: what they find here must still be here when it is named.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from edgectl.node.coming import coming
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.load.kept import kept as waiting
from edgectl.node.models.collect import brought_in, collect, decide
from edgectl.node.secrets.values import forget_values
from edgectl.wire import event
from edgectl.wire.payload import Payload, decode

_STAGING_DAYS = 14
_ENGINES = 2  # besides those of the slots: a session may run one that no slot names


def sweep(places: Places, *, promoted: bool = True) -> int:
    """Remove what is not kept; returns the bytes freed. Removes no blob when a slot's payload cannot be read.

    When nothing was `promoted`, blobs that came for a deploy or a load which has broken off stay for its next try.
    Whoever sends waits until it is done; while somebody sends, nothing goes: what is arriving is named by no slot yet.
    """
    with Lock(places.run / "sending", {"kind": "sweep", "pid": os.getpid(), "since": event.now()}) as sending:
        return _sweep(places, promoted=promoted, alone=sending.acquire())


def _sweep(places: Places, *, promoted: bool, alone: bool) -> int:
    slots = Slots(places)
    named = [slot.envelope for slot in slots.kept]
    if (waits := waiting(places)) is not None:
        named.append(waits)
    kept = {envelope.payload for envelope in named}
    payloads: dict[str, Payload] = {}
    for digest in kept:
        with suppress(OSError, ValueError):
            payloads[digest] = decode(places.blob(digest).read_bytes())
    current = slots.current
    runs = payloads.get(slots.apps_of(current).envelope.payload) if current else None
    if current is not None and runs is not None:
        decide(places, runs, current.envelope.sequence)
    if runs is None or kept != payloads.keys() or not alone:
        return 0
    forget_values(places, payloads.values())
    blobs = {*kept, *coming(places), *(digest for payload in payloads.values() for digest in payload.blobs)}
    models = brought_in(places)
    blobs |= collect(places, tuple(payloads.values()), runs)
    names, gone = ({digest.removeprefix("sha256:") for digest in found} for found in (blobs, models - blobs))
    freed = 0
    for path in places.blobs.iterdir():
        if path.name not in names and (promoted or path.name in gone or _is_old(path)):
            freed += _remove(path)
    engines = {envelope.runtime.removeprefix("sha256:") for envelope in named}
    spare = sorted((path for path in places.runtimes.iterdir() if path.name not in engines), key=_age, reverse=True)
    for path in spare[_ENGINES:]:
        shutil.rmtree(path, ignore_errors=True)
    if places.staging.is_dir():
        for path in places.staging.iterdir():
            if path.stem not in names and _is_old(path):
                freed += _remove(path)
    return freed


def _remove(path: Path) -> int:
    found = path.stat()
    path.unlink()
    return found.st_size if found.st_nlink == 1 else 0


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _STAGING_DAYS * 86400


def _age(path: Path) -> float:
    return path.stat().st_mtime
