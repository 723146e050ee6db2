"""Blobs arriving: staged, resumed at the last good byte, verified, then named.

Owns: /var/lib/edgectl/staging. A blob has its name only when its bytes are on the disk and have its digest.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from edgectl.node.io.files import sync_dir
from edgectl.node.io.places import Places
from edgectl.wire.envelope import short
from edgectl.wire.errors import NotReady, Refused
from edgectl.wire.frame import FrameError, Frames

_HEADROOM = 1.2
_CHUNK = 1024 * 1024


def want(places: Places, blobs: dict[str, int]) -> list[dict[str, object]]:
    """Return what is missing here, with what is already staged: [{"digest", "size", "have_bytes"}].

    A plan asks this too: nothing is made or removed. Raises NotReady when the disk cannot hold the missing bytes
    (with a fifth to spare).
    """
    missing: list[dict[str, object]] = []
    need = 0
    for digest, size in sorted(blobs.items(), key=lambda item: (item[1], item[0])):
        if _size(places.blob(digest)) == size:
            continue
        staged = _size(_part(places, digest))
        if staged > size:
            staged = 0  # not of this blob; thrown away when its bytes come
        missing.append({"digest": digest, "size": size, "have_bytes": staged})
        need += size - staged
    if missing:
        found = os.statvfs(_there(places.staging))
        free = found.f_bavail * found.f_frsize
        if free < need * _HEADROOM:
            raise NotReady(
                f"the disk has {free / 1e6:.0f} MB free, {need * _HEADROOM / 1e6:.0f} MB are needed for this deploy",
                hint=f"free space on the file system of {places.state}, then run the same command again",
            )
    return missing


def absent(places: Places, blobs: dict[str, int]) -> list[str]:
    """Return the digests that this node does not hold whole."""
    return [digest for digest, size in blobs.items() if _size(places.blob(digest)) != size]


def receive(places: Places, frames: Frames, wanted: list[dict[str, object]]) -> int:
    """Take the announced blobs from the link until `sent`; returns the bytes taken.

    Raises Refused when a blob's bytes do not have its digest, FrameError when the link ends early (what came stays).
    """
    left = {str(item["digest"]): int(str(item["size"])) for item in wanted}
    places.staging.mkdir(parents=True, exist_ok=True)
    places.blobs.mkdir(parents=True, exist_ok=True)
    for digest, size in left.items():
        if _size(_part(places, digest)) > size:
            _part(places, digest).unlink()
    taken = 0
    while True:
        frame = frames.receive()
        if frame["op"] == "sent":
            break
        if frame["op"] != "blob" or frame.get("digest") not in left:
            raise FrameError(f"unexpected frame {frame['op']!r} while blobs are received")
        digest, offset, count = str(frame["digest"]), int(frame["offset"]), int(frame["bytes"])
        part = _part(places, digest)
        if offset != _size(part) or offset + count > left[digest]:
            raise FrameError(f"blob {short(digest)} goes on at {offset}, {_size(part)} bytes are here")
        try:
            with part.open("ab") as file:
                frames.receive_bytes(count, file.write)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotReady(
                f"blob {short(digest)} could not be stored: {error.strerror}",
                hint="free space on the node's disk, then run the same command again; what has come is kept",
            ) from error
        taken += count
        if _size(part) == left[digest]:
            _settle(places, digest, part)
            del left[digest]
    if left:
        raise FrameError(f"{len(left)} blobs did not come")
    return taken


def _settle(places: Places, digest: str, part: Path) -> None:
    total = hashlib.sha256()
    with part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    if f"sha256:{total.hexdigest()}" != digest:
        part.unlink()
        raise Refused(
            f"blob {short(digest)} arrived with other bytes than its digest says; it was thrown away",
            hint="run the same command again; if it happens twice, build the bundle anew",
        )
    part.replace(places.blob(digest))
    sync_dir(places.blobs)


def _there(path: Path) -> Path:
    while not path.is_dir():
        path = path.parent
    return path


def _part(places: Places, digest: str) -> Path:
    return places.staging / f"{digest.removeprefix('sha256:')}.part"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1 if path.suffix != ".part" else 0
