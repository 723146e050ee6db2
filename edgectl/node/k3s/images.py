"""Steps: image archives lie where k3s imports them from, and containerd has the images, by what they are.

Archives are named by digest and linked into place by rename: k3s imports whole files only, and re-imports by
size and time (k3s >= 1.32 watches the folder, with 2 s of debounce).
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.io.files import sync_dir
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.listed import brought, held, listed
from edgectl.wire.envelope import short
from edgectl.wire.payload import Image

_OURS = re.compile(r"[0-9a-f]{64}\.tar")
_K3S_IMPORTS_WITHIN_SECONDS = 30.0


def _folder(read: Look) -> Path:
    return read.places.k3s_data / "agent/images"


def _name(image: Image) -> str:
    return image.archive.removeprefix("sha256:") + ".tar"


@dataclass(frozen=True)
class Archives:
    """Exactly the declared archives of ours; others' files there are left alone."""

    images: tuple[Image, ...]
    id: str = "image-archives"
    title: str = "image archives"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare names and sizes."""
        folder = _folder(read)
        want = {_name(image): read.places.blob(image.archive) for image in self.images}
        have = {path.name for path in folder.glob("*.tar") if _OURS.fullmatch(path.name)} if folder.is_dir() else set()
        differences = [(name[:12], "missing", "present") for name in sorted(want.keys() - have)]
        differences += [(name[:12], "present", "retired") for name in sorted(have - want.keys())]
        differences += [
            (name[:12], "another size", "whole")
            for name in sorted(want.keys() & have)
            if want[name].exists() and (folder / name).stat().st_size != want[name].stat().st_size
        ]
        if differences:
            return Observation(Status.DRIFTED, f"{len(differences)} archives differ", differences=tuple(differences))
        return Observation(Status.CURRENT, f"{len(want)} archives")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Link blobs into place by rename; take retired ones away."""
        del seen
        folder = _folder(write)
        folder.mkdir(parents=True, exist_ok=True)
        want = {_name(image): write.places.blob(image.archive) for image in self.images}
        for name, blob in want.items():
            place = folder / name
            if place.exists() and (not blob.exists() or place.stat().st_size == blob.stat().st_size):
                continue
            if not blob.exists():
                raise ApplyFailed(f"the image archive {name[:12]} is not on this node; a deploy sends it")
            staged = folder / f".{name}.edgectl-new"
            staged.unlink(missing_ok=True)
            try:
                os.link(blob, staged)
            except OSError:  # another file system
                write.copy(blob, staged, mode=0o644)
            staged.replace(place)
        for path in folder.glob("*.tar"):
            if _OURS.fullmatch(path.name) and path.name not in want:
                path.unlink()
        sync_dir(folder)


@dataclass(frozen=True)
class Loaded:
    """containerd has every declared image, and under its name no other one."""

    images: tuple[Image, ...]
    id: str = "images"
    title: str = "images"
    needs: tuple[str, ...] = ("k3s-serves", "image-archives")
    wait: Wait = Wait(limit_seconds=300, every_seconds=2)

    def probe(self, read: Look) -> Observation:
        """Compare the archives with what containerd lists, and what is behind that."""
        wrong = self._wrong(read)
        if not wrong:
            return Observation(Status.CURRENT, f"{len(self.images)} images")
        names = ", ".join(next(iter(refs), short(image.archive)) for image, refs in wrong)
        try:
            newest = max((_folder(read) / _name(image)).stat().st_ctime for image, _ in wrong)
        except OSError as error:
            raise LookFailed(f"the archives of {names} cannot be looked at: {error.strerror}") from error
        if 0 <= time.time() - newest < _K3S_IMPORTS_WITHIN_SECONDS:
            return Observation(Status.IN_PROGRESS, f"k3s imports {names}")
        differences = tuple((ref, has, short(image.archive)) for image, refs in wrong for ref, has in refs.items())
        lacks = any("missing" in refs.values() for _, refs in wrong)
        reason = f"containerd does not have {names}" if lacks else f"containerd has other images as {names}"
        return Observation(Status.DRIFTED, reason, differences=differences)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Import what is not as declared; that moves a name to its image again."""
        del seen
        for image, _ in self._wrong(write):
            path = str(_folder(write) / _name(image))
            ran = write.change("/usr/local/bin/k3s", "ctr", "images", "import", path, limit_seconds=600)
            if not ran.ok:
                raise ApplyFailed(f"{path} could not be imported: {ran.last_words}", evidence=ran.evidence())

    def _wrong(self, read: Look) -> list[tuple[Image, dict[str, str]]]:
        """Return each image that is not as declared, and what containerd has instead under which of its names."""
        have = listed(read)
        wrong = []
        for image in self.images:
            refs = {ref: "missing" for ref in image.refs if ref not in have}
            if here := [ref for ref in image.refs if ref in have]:
                wanted = brought(_folder(read) / _name(image))
                refs |= {
                    ref: f"another image, {short(have[ref])}" for ref in here if not wanted & held(read, have[ref])
                }
            if refs:
                wrong.append((image, refs))
        return wrong
