"""Blobs copied from a source: gone on with where the last try broke off, hashed on the way, named when they are whole.

Owns: the copying, into the same places that the link receives into. A damaged source costs a refusal, never a blob.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgectl.node.io.files import sync_dir
from edgectl.node.io.places import Places
from edgectl.node.load.source import CHUNK, Source
from edgectl.node.receive import staged_at
from edgectl.wire.envelope import short
from edgectl.wire.errors import NotReady, Refused

_EVERY_SECONDS = 10.0


class Copying:
    """One copying of what is wanted, told every few seconds."""

    def __init__(
        self,
        places: Places,
        source: Source,
        note: Callable[[str], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._source = source
        self._note = note
        self._monotonic = monotonic
        self._told = monotonic()
        self._came = 0
        self._all = 0

    def bring(self, wanted: Sequence[dict[str, Any]]) -> None:
        """Bring what `want` has said is missing. Raises what the source says, Refused, NotReady."""
        self._all = sum(int(item["size"]) for item in wanted)
        for item in wanted:
            digest, size = str(item["digest"]), int(item["size"])
            try:
                while not self._whole(digest, size):
                    pass  # once more, from its first byte: nothing of it is here now
            except OSError as error:
                raise NotReady(
                    f"blob {short(digest)} could not be stored: {error.strerror or error}",
                    hint="free space on the node's disk, then run the same command again; what has come is kept",
                ) from error

    def _whole(self, digest: str, size: int) -> bool:
        """Copy one blob's rest and name it; False when it was begun from other bytes, which are gone then."""
        part = staged_at(self._places, digest)
        for folder in (self._places.staging, self._places.blobs):
            folder.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
        if have > size:
            part.unlink()
            have = 0
        total = _hash_of(part) if have else hashlib.sha256()
        self._came += have
        with part.open("ab") as file:
            for piece in self._source.read(_path(digest), size=size, offset=have):
                total.update(piece)
                file.write(piece)
                self._tell(len(piece))
            file.flush()
            os.fsync(file.fileno())
        if f"sha256:{total.hexdigest()}" != digest:
            part.unlink()
            self._came -= size
            if not have:
                raise Refused(
                    f"blob {short(digest)} has other bytes than its digest says; it was thrown away",
                    hint="the source is damaged or was changed: edgectl bundle verify says where; export anew",
                )
            return False
        part.replace(self._places.blob(digest))
        sync_dir(self._places.blobs)
        return True

    def _tell(self, count: int) -> None:
        self._came += count
        if self._monotonic() - self._told >= _EVERY_SECONDS:
            self._told = self._monotonic()
            self._note(f"{self._came / 1e6:.1f} of {self._all / 1e6:.1f} MB are here")


def _path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _hash_of(path: Path) -> Any:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            total.update(chunk)
    return total
