"""What an operator asks about backups over the link: a list, a new one, or the bytes of one.

Owns: the answer to the question `backup`. Only root may ask: a backup holds the keys of the cluster.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgectl.node.backup.kept import kept, named
from edgectl.node.backup.take import take
from edgectl.node.io.files import sha256_of
from edgectl.node.io.places import Places
from edgectl.node.working import working
from edgectl.wire.backup import Damaged, read_manifest
from edgectl.wire.document import to_json
from edgectl.wire.errors import NotReady, UsageError
from edgectl.wire.frame import CHUNK_BYTES, Frames

_TOLD = ("store", "node", "sequence", "k3s", "taken", "datastore", "cluster")


def answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Answer one question. Raises EdgectlError, OSError."""
    deed = str(frame.get("deed", ""))
    if deed == "list":
        frames.send("backups", backups=[_row(path) for path in kept(places)])
    elif deed == "take":
        path = working(frames, lambda: take(places, datetime.now(timezone.utc)))
        frames.send("backup", **_row(path))
    elif deed == "fetch":
        _hand(frames, named(places, str(frame["name"])), int(frame["have_bytes"]))
    else:
        raise UsageError(f"this node's engine cannot {deed!s:.20} a backup", hint="use the same edgectl everywhere")


def _row(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"name": path.name, "bytes": path.stat().st_size}
    try:
        manifest = to_json(read_manifest(path))
    except Damaged as error:
        return {**row, "damaged": str(error)}
    return {**row, **{key: manifest[key] for key in _TOLD}}


def _hand(frames: Frames, path: Path, have: int) -> None:
    digest = sha256_of(path)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if digest is None or not 0 <= have <= size:
            raise NotReady(f"{path.name} is {size} bytes long, and {have} are there", hint="take the part there away")
        file.seek(have)
        frames.send("rest", digest=digest, size=size, bytes=size - have)
        left = size - have
        while left:
            data = file.read(min(left, CHUNK_BYTES))
            if not data:
                raise NotReady(f"{path.name} became shorter", hint="run the same command again")
            frames.send_bytes(data)
            left -= len(data)
