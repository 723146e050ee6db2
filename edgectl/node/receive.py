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

from edgectl.node.bases import Base, Bases, bases
from edgectl.node.io.files import sync_dir
from edgectl.node.io.places import Places
from edgectl.node.spans import BaseGone, Joined
from edgectl.node.unpack import Piece, Unpacker
from edgectl.wire.delta import DELTA, DeltaError
from edgectl.wire.document import is_digest
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, NotReady, Refused
from edgectl.wire.frame import FrameError, Frames
from edgectl.wire.layers import unpack

_HEADROOM = 1.2
SILENCE_SECONDS = 18.0  # a sender that is alive says something much more often; a dead one must not keep others out
_CHUNK = 1024 * 1024


def want(places: Places, blobs: dict[str, int]) -> list[dict[str, Any]]:
    """Return what is missing here, with what is already staged: [{"digest", "size", "have_bytes"}].

    A plan asks this too: nothing is made or removed. Raises NotReady when the disk cannot hold the missing bytes
    (with a fifth to spare), Refused for what is no digest.
    """
    missing: list[dict[str, Any]] = []
    need = 0
    for digest, size in sorted(blobs.items(), key=lambda item: (item[1], item[0])):
        if not is_digest(digest) or size < 0:  # it becomes the name of a file
            raise Refused("what is offered has no digest and size", hint="use the same edgectl version everywhere")
        if _size(places.blob(digest)) == size:
            continue
        staged = _size(staged_at(places, digest))
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
    """Say what is missing of the blobs that a frame offers, and what of them is here otherwise; then receive it.

    What did not come out right of that is asked for again, whole. `facts` go with the first answer. Raises as `want`
    and `receive` do.
    """
    blobs = {str(digest): int(size) for digest, size in frame["blobs"].items()}
    names = dict(zip(sorted(blobs), map(str, frame.get("names", ())), strict=False))
    wanted = want(places, blobs)
    sizes = {str(item["digest"]): int(str(item["size"])) for item in wanted}
    found = bases(places, sizes, names, unpack(str(frame.get("layers", ""))))
    while True:
        _ask(frames, wanted, found, facts)
        with frames.patience(SILENCE_SECONDS):
            again = receive(places, frames, wanted, found.of) if wanted else set()
        if not again:
            return
        parts = ", ".join(sorted(names.get(digest, "") or short(digest) for digest in again))
        frames.send("note", reason=f"could not be made of what is here, sent whole: {parts}")
        wanted, found, facts = want(places, {digest: blobs[digest] for digest in again}), Bases(), {}


def _ask(frames: Frames, wanted: list[dict[str, Any]], found: Bases, facts: Mapping[str, Any]) -> None:
    signed = {digest: base.signature for digest, base in found.of.items() if base.signature is not None}
    packed = {digest: signature.pack() for digest, signature in signed.items()}
    said = {
        digest: {"size": signature.size, "block": signature.block, "bytes": len(packed[digest])}
        for digest, signature in signed.items()
    }
    asked = [{**item, "base": said[item["digest"]]} if item["digest"] in said else item for item in wanted]
    layers = {"layers": found.layers} if found.layers else {}
    frames.send("want", blobs=asked, **layers, **facts)
    for digest in [str(item["digest"]) for item in asked if "base" in item]:
        frames.send_bytes(packed[digest])


def receive(
    places: Places,
    frames: Frames,
    wanted: list[dict[str, Any]],
    found: Mapping[str, Base] = MappingProxyType({}),
    *,
    strict: bool = True,
) -> set[str]:
    """Take the announced blobs from the link until `sent`; returns those that must be sent once more, whole.

    Raises Refused when a blob's bytes do not have its digest (unless not `strict`: then it is to be sent once more) or
    are no such form as announced, FrameError when the link ends early (what came stays).
    """
    arriving = _Arriving(places, frames, {str(item["digest"]): int(item["size"]) for item in wanted}, found)
    if not strict:
        arriving.doubtful |= arriving.left.keys()
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
        self._bases = {digest: Joined(base.spans) for digest, base in found.items()}
        self.left = left
        self.again: set[str] = set()
        places.staging.mkdir(parents=True, exist_ok=True)
        places.blobs.mkdir(parents=True, exist_ok=True)
        for digest, size in left.items():
            if _size(staged_at(places, digest)) > size:
                staged_at(places, digest).unlink()
        # not all of these comes now and as it is: with a wrong digest they get a second try
        self.doubtful = {digest for digest in left if _size(staged_at(places, digest))}

    def take(self, frame: dict[str, Any]) -> None:
        """Take one piece of a blob."""
        digest = str(frame.get("digest"))
        if frame["op"] != "blob" or digest not in self.left:
            raise FrameError(f"unexpected frame {frame['op']!r} while blobs are received")
        piece = Piece.read(frame)
        if digest in self.again:
            self._frames.receive_bytes(piece.count, lambda _: None)
            return
        part = staged_at(self._places, digest)
        if piece.offset != _size(part) or piece.offset + piece.size > self.left[digest]:
            raise FrameError(f"blob {short(digest)} goes on at {piece.offset}, {_size(part)} bytes are here")
        if piece.form == DELTA:
            self.doubtful.add(digest)
        is_last = piece.offset + piece.size == self.left[digest]
        base = self._bases.get(digest) or Joined()
        if not _stored(self._frames, piece, part, base, is_last=is_last):
            self.again.add(digest)
        elif is_last and _settle(self._places, digest, part, strict=digest not in self.doubtful):
            del self.left[digest]
        elif is_last:
            self.again.add(digest)


def _stored(frames: Frames, piece: Piece, part: Path, base: Joined, *, is_last: bool) -> bool:
    """Write one piece behind what is here; False when its base cannot be read (the rest of it is passed over)."""
    came = 0

    def take(data: bytes) -> None:
        nonlocal came
        came += len(data)
        for made in unpacker.feed(data):
            file.write(made)

    try:
        with ExitStack() as stack:
            stack.callback(base.close)
            unpacker = Unpacker(piece, base)
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


def staged_at(places: Places, digest: str) -> Path:
    """Return where the bytes of a blob lie while it comes."""
    return places.staging / f"{digest.removeprefix('sha256:')}.part"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1 if path.suffix != ".part" else 0
