"""A bundle that is carried: what stores need and nothing else, copied, synced, and read back.

Owns the copying. Must not know how it is loaded where it arrives.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.bundle.layout import ANY_ARCH, Artifact, Bundle
from edgectl.control.bundle.verify import verify
from edgectl.wire.errors import InvalidInput

_MARK = "carried"
_FULL = {
    errno.ENOSPC: "make room there, or name another folder",
    errno.EFBIG: "its file system takes no files that large: format it as ext4 or exFAT",
    errno.EROFS: "it is mounted read-only",
}


@dataclass(frozen=True, slots=True)
class Carried:
    """A bundle where it was carried to."""

    bundle: Bundle
    blobs: int
    size: int


def carry(
    source: Bundle, artifacts: Iterable[Artifact], extra: Mapping[str, Path], payloads: Mapping[str, bytes], to: Path
) -> Carried:
    """Copy artifacts, blobs that no artifact names (`extra`: charts, by digest) and payloads (by store).

    What is there already is not copied again, what
    nobody needs any more is taken away. InvalidInput when the folder holds another bundle, cannot be written, or does
    not give back what was written.
    """
    if to.resolve() == source.root.resolve():
        raise InvalidInput(f"{to} is the bundle itself", hint="name the folder of a USB stick, or a new one")
    if (to / "index.json").exists() and f"edgectl.{_MARK}" not in Bundle.open(to).notes:
        raise InvalidInput(
            f"{to} holds a bundle that no export has made, and it stays as it is", hint="name another folder"
        )
    try:
        there = Bundle.create(to)
        there.note(**{_MARK: "yes"})
        kept = [_copy(there, artifact, source.blob(artifact)) for artifact in artifacts]
        for digest, path in extra.items():
            chart = Artifact("chart", path.name, digest[7:19], ANY_ARCH, (), digest, path.stat().st_size)
            kept.append(_copy(there, chart, path))
        for store, payload in payloads.items():
            kept.append(there.add(payload, kind="payload", name=store, version="offered", arch=ANY_ARCH))
        there.keep_only(kept)  # each file and its folder are synced by now
        _forget(there)
    except OSError as error:
        hint = _FULL.get(error.errno or 0, "look at the folder, and run the same command again")
        raise InvalidInput(f"{to} cannot be written: {error.strerror}", hint=hint) from error
    found = verify(to)
    if wrong := [one for one in found.findings if "does not belong" not in one.sentence]:
        raise InvalidInput(
            f"{to} does not give back what was written to it",
            hint="Try another stick; run edgectl bundle verify on the bundle that it was copied from.",
            details=tuple(map(str, wrong)),
        )
    return Carried(there, found.blobs, found.size)


def _copy(there: Bundle, artifact: Artifact, path: Path) -> Artifact:
    copied = there.add(
        path,
        kind=artifact.kind,
        name=artifact.name,
        version=artifact.version,
        arch=artifact.arch,
        refs=artifact.refs,
        made_from=artifact.source,
    )
    if copied.digest != artifact.digest:
        raise InvalidInput(
            f"{artifact.kind} {artifact.name} {artifact.version} is damaged: {path} has other bytes than its name says",
            hint="edgectl bundle verify says all that is wrong; edgectl bundle build fetches it again.",
        )
    return copied


def _forget(bundle: Bundle) -> None:
    """Let the kernel forget what it has written, so that reading it back asks the stick."""
    for artifact in bundle.all():
        with bundle.path(artifact.digest).open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
