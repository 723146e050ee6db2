"""A bundle that is carried: what stores need and nothing else, copied, synced, and read back.

Owns the copying. Must not know how it is loaded where it arrives.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.bundle.layout import ANY_ARCH, Artifact, Bundle
from edgectl.control.bundle.offers import FOLDER as OFFERS
from edgectl.control.bundle.offers import drop_others, offer_findings, write_offer
from edgectl.control.bundle.verify import Finding, Verified, verify
from edgectl.wire.document import digest_of
from edgectl.wire.errors import InvalidInput

_MARK = "carried"
_FOREIGN = "does not belong"  # a person may have more on a stick
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


@dataclass(frozen=True, slots=True)
class Cargo:
    """All that stores need: artifacts, blobs that no artifact names (`extra`: charts, by digest), payloads by store.

    `engine` is the tar that travels; `offers` are signed, by store: (offer, signature).
    """

    artifacts: tuple[Artifact, ...]
    extra: Mapping[str, Path]
    payloads: Mapping[str, bytes]
    engine: bytes
    offers: Mapping[str, tuple[bytes, bytes]]


def carry(source: Bundle, cargo: Cargo, to: Path) -> Carried:
    """Copy what stores need, read it back, then let offers name it.

    What is there already is not copied again, what nobody needs any more is taken away, last: whenever this is cut off,
    each offer that is there has all of its blobs. InvalidInput when the folder holds another bundle, cannot be written,
    or does not give back what was written.
    """
    if to.resolve() == source.root.resolve():
        raise InvalidInput(f"{to} is the bundle itself", hint="name the folder of a USB stick, or a new one")
    if (to / "index.json").exists() and f"edgectl.{_MARK}" not in Bundle(to).notes and not _is_begun(to):
        raise InvalidInput(
            f"{to} holds a bundle that no export has made, and it stays as it is", hint="name another folder"
        )
    try:
        there = Bundle.create(to)
        there.note(**{_MARK: "yes"})
        kept = [_copy(there, artifact, source.blob(artifact)) for artifact in cargo.artifacts]
        for digest, path in cargo.extra.items():
            chart = Artifact("chart", path.name, digest[7:19], ANY_ARCH, (), digest, path.stat().st_size)
            kept.append(_copy(there, chart, path))
        for store, payload in cargo.payloads.items():
            kept.append(there.add(payload, kind="payload", name=store, version="offered", arch=ANY_ARCH))
        engine = digest_of(cargo.engine).removeprefix("sha256:")
        kept.append(there.add(cargo.engine, kind="runtime", name="edgectl", version=engine[:12], arch=ANY_ARCH))
        there.name_only(kept)  # each file and its folder are synced by now
        _forget(there)
        found = _read_back(to, before=True)
        for store, (offer, signature) in cargo.offers.items():
            write_offer(to, store, offer, signature)
        drop_others(to, cargo.offers)
        there.drop_unnamed()
        _read_back(to, before=False)
    except OSError as error:
        hint = _FULL.get(error.errno or 0, "look at the folder, and run the same command again")
        raise InvalidInput(f"{to} cannot be written: {error.strerror}", hint=hint) from error
    return Carried(there, found.blobs, found.size)


def _is_begun(to: Path) -> bool:
    """Tell whether a folder is as an export leaves it that is cut off before it could say so: with no blob."""
    blobs = to / "blobs" / "sha256"
    return blobs.is_dir() and not any(blobs.iterdir()) and not Bundle(to).all()


def _read_back(to: Path, *, before: bool) -> Verified:
    """Look at all that was written, `before` an offer names it, then at the offers; InvalidInput when it is not so."""
    found = verify(to) if before else Verified(0, 0, tuple(Finding(*one) for one in offer_findings(to)))
    past = (f"{OFFERS}/", "blobs/sha256/") if before else ()  # older offers, and blobs that only they name
    if wrong := [one for one in found.findings if not one.where.startswith(past) and _FOREIGN not in one.sentence]:
        raise InvalidInput(
            f"{to} does not give back what was written to it",
            hint="Try another stick; run edgectl bundle verify on the bundle that it was copied from.",
            details=tuple(map(str, wrong)),
        )
    return found


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
