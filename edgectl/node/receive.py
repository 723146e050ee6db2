"""Blobs arriving: staged, resumed at the last good byte, verified, then named.

Owns: /var/lib/edgectl/staging, and that what cannot be made of an older blob is sent whole. A blob has its name only
when its bytes are on the disk and have its digest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgectl.node.bases import Base, bases
from edgectl.node.io.files import sync_dir
from edgectl.node.io.places import Places
from edgectl.node.unpack import BaseFile, BaseGone, Piece, Unpacker
from edgectl.wire.delta import DELTA, DeltaError
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, NotReady, Refused
from edgectl.wire.frame import FrameError, Frames

_HEADROOM = 1.2
_SILENCE_SECONDS = 18.0  # a sender that is alive says something much more often; a dead one must not keep others out
_CHUNK = 1024 * 1024


def want(places: Places, blobs: dict[str, int]) -> list[dict[str, Any]]:
    """Return what is missing here, with what is already staged: [{"digest", "size", "have_bytes"}].

    A plan asks this too: nothing is made or removed. Raises NotReady when the disk cannot hold the missing bytes
    (with a fifth to spare).
    """
    missing: list[dict[str, Any]] = []
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


def take(
    places: Places, frames: Frames, frame: dict[str, Any], facts: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Say what is missing of the blobs that a frame offers, and of what older ones of it are here; then receive it.

    What did not come out right from an older one is asked for again, whole. `facts` go with the first answer. Raises as
    `want` and `receive` do.
    """
    blobs = {str(digest): int(size) for digest, size in frame["blobs"].items()}
    names = dict(zip(sorted(blobs), map(str, frame.get("names", ())), strict=False))
    wanted = want(places, blobs)
    found = bases(places, {str(item["digest"]): int(str(item["size"])) for item in wanted}, names)
    while True:
        packed = {digest: base.signature.pack() for digest, base in found.items()}
        said = {
            digest: {"size": base.signature.size, "block": base.signature.block, "bytes": len(packed[digest])}
            for digest, base in found.items()
        }
        asked = [{**item, "base": said[item["digest"]]} if item["digest"] in said else item for item in wanted]
        frames.send("want", blobs=asked, **facts)
        for digest in [str(item["digest"]) for item in asked if "base" in item]:
            frames.send_bytes(packed[digest])
        with frames.patience(_SILENCE_SECONDS):
            again = receive(places, frames, wanted, found) if wanted else set()
        if not again:
            return
        parts = ", ".join(sorted(names.get(digest, "") or short(digest) for digest in again))
        frames.send("note", reason=f"could not be made of what is here, sent whole: {parts}")
        wanted, found, facts = want(places, {digest: blobs[digest] for digest in again}), {}, {}


def receive(
    places: Places, frames: Frames, wanted: list[dict[str, Any]], found: Mapping[str, Base] = MappingProxyType({})
) -> set[str]:
    """Take the announced blobs from the link until `sent`; returns those that must be sent once more, whole.

    Raises Refused when a blob's bytes do not have its digest or are no such form as announced, FrameError when the
    link ends early (what came stays).
    """
    arriving = _Arriving(places, frames, {str(item["digest"]): int(item["size"]) for item in wanted}, found)
    try:
        while (frame := frames.receive())["op"] != "sent":
            if frame["op"] != "beat":
                arriving.take(frame)
    except (EdgectlError, OSError):
        frames.end()  # what is still on its way is no frame
        raise
    if came_not := arriving.left.keys() - arriving.again:
        raise FrameError(f"{len(came_not)} blobs did not come")
    return arriving.again


class _Arriving:
    """The blobs of one `want`, on their way; `left` are those without their name, `again` to be sent once more."""

    def __init__(self, places: Places, frames: Frames, left: dict[str, int], found: Mapping[str, Base]) -> None:
        self._places = places
        self._frames = frames
        self._found = found
        self.left = left
        self.again: set[str] = set()
        places.staging.mkdir(parents=True, exist_ok=True)
        places.blobs.mkdir(parents=True, exist_ok=True)
        for digest, size in left.items():
            if _size(_part(places, digest)) > size:
                _part(places, digest).unlink()
        # not all of these comes now and as it is: with a wrong digest they get a second try
        self._doubtful = {digest for digest in left if _size(_part(places, digest))}

    def take(self, frame: dict[str, Any]) -> None:
        """Take one piece of a blob."""
        digest = str(frame.get("digest"))
        if frame["op"] != "blob" or digest not in self.left:
            raise FrameError(f"unexpected frame {frame['op']!r} while blobs are received")
        piece = Piece.read(frame)
        if digest in self.again:
            self._frames.receive_bytes(piece.count, lambda _: None)
            return
        part = _part(self._places, digest)
        if piece.offset != _size(part) or piece.offset + piece.size > self.left[digest]:
            raise FrameError(f"blob {short(digest)} goes on at {piece.offset}, {_size(part)} bytes are here")
        if piece.form == DELTA:
            self._doubtful.add(digest)
        is_last = piece.offset + piece.size == self.left[digest]
        base = self._found.get(digest)
        if not _stored(self._frames, piece, part, self._places.blob(base.digest) if base else None, is_last=is_last):
            self.again.add(digest)
        elif is_last and _settle(self._places, digest, part, strict=digest not in self._doubtful):
            del self.left[digest]
        elif is_last:
            self.again.add(digest)


def _stored(frames: Frames, piece: Piece, part: Path, base: Path | None, *, is_last: bool) -> bool:
    """Write one piece behind what is here; False when its base cannot be read (the rest of it is passed over)."""
    came = 0

    def take(data: bytes) -> None:
        nonlocal came
        came += len(data)
        for made in unpacker.feed(data):
            file.write(made)

    try:
        with ExitStack() as stack:
            old = stack.enter_context(BaseFile(base))
            unpacker = Unpacker(piece, old)
            file = stack.enter_context(part.open("ab"))
            frames.receive_bytes(piece.count, take)
            unpacker.end()
            file.flush()
            if is_last:
                os.fsync(file.fileno())
    except BaseGone:
        frames.receive_bytes(piece.count - came, lambda _: None)
        return False
    except DeltaError as error:
        raise Refused(
            f"blob {short(piece.digest)} cannot be made of what was sent: {error}",
            hint="run the same command again; if it happens twice, deploy with the edgectl that made the bundle",
        ) from error
    except OSError as error:
        raise NotReady(
            f"blob {short(piece.digest)} could not be stored: {error.strerror}",
            hint="free space on the node's disk, then run the same command again; what has come is kept",
        ) from error
    return True


def _settle(places: Places, digest: str, part: Path, *, strict: bool) -> bool:
    total = hashlib.sha256()
    with part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    if f"sha256:{total.hexdigest()}" != digest:
        part.unlink()
        if not strict:
            return False
        raise Refused(
            f"blob {short(digest)} arrived with other bytes than its digest says; it was thrown away",
            hint="run the same command again; if it happens twice, build the bundle anew",
        )
    part.replace(places.blob(digest))
    sync_dir(places.blobs)
    return True


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
