"""Step: the image files that containerd has unpacked still have their bytes after the power came back.

A power cut leaves what was not yet written as empty files, while containerd's database lists the image as whole: the
node is Ready, its pods crash, and importing the archive again repairs nothing, since the snapshot "exists" (measured:
714 of 723 files, 45 s after a first boot). Looked at once a boot, against the archives whose digests are proven.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.archive import files_in
from edgectl.node.k3s.containers import end_containers
from edgectl.wire.payload import Image

_STOP_SECONDS = 120.0
_REMOVE_SECONDS = 300.0
_SHOWN = 5


class Unpacked:
    """Holds the note /run/edgectl/images.whole (tmpfs: gone at reboot; its text is the boot id)."""

    id = "image-files"
    title = "image files"
    needs: tuple[str, ...] = ("image-archives",)
    wait = Wait(limit_seconds=0)

    def __init__(self, images: tuple[Image, ...], unit: str) -> None:
        self._images = images
        self._unit = unit

    def probe(self, read: Look) -> Observation:
        """Compare what is unpacked with the archives, unless that was done in this boot."""
        boot = read.boot_id()
        if (read.text(_note(read)) or "").strip() == boot:
            return Observation(Status.CURRENT, "whole in this boot")
        looked, broken = self._compare(read)
        if not broken:
            return Observation(Status.DRIFTED, f"{looked} unpacked files are whole; to be noted for this boot")
        return Observation(
            Status.DRIFTED,
            f"{len(broken)} of {looked} unpacked image files are empty: the power went before they reached the disk",
            differences=tuple((path, "empty", f"{size} bytes") for path, size in broken[:_SHOWN]),
        )

    def apply(self, write: Hands, seen: Observation) -> None:
        """Take containerd's store away if it has lost bytes; k3s unpacks the archives anew when it starts again."""
        if seen.differences:
            stopped = write.change("systemctl", "stop", self._unit, limit_seconds=_STOP_SECONDS)
            if not stopped.ok:
                raise ApplyFailed(f"k3s could not be stopped: {stopped.last_words}", evidence=stopped.evidence())
            end_containers(write)
            _gone(write)
            if _store(write).is_dir():
                write.rename(_store(write), _broken(write))
        _gone(write)  # also what a repair has left that was cut off
        write.write(_note(write), write.boot_id() + "\n")

    def _compare(self, read: Look) -> tuple[int, list[tuple[str, int]]]:
        """Return how many files were compared, and (path, bytes that it should have) of those that are empty."""
        sizes: dict[str, set[int]] = {}
        snapshots = _store(read) / "io.containerd.snapshotter.v1.overlayfs/snapshots"
        if not snapshots.is_dir():
            return 0, []
        for image in self._images:
            for name, size in files_in(read.places.blob(image.archive)):
                sizes.setdefault(name, set()).add(size)
        looked, broken = 0, []
        for name, size in _files(snapshots):
            if name in sizes:
                looked += 1
                if size == 0 and 0 not in sizes[name]:
                    broken.append((f"/{name}", max(sizes[name])))
        return looked, broken


def _store(read: Look) -> Path:
    return read.places.k3s_data / "agent/containerd"


def _note(read: Look) -> Path:
    return read.places.run / "images.whole"


def _broken(read: Look) -> Path:
    return _store(read).with_name("containerd.broken")


def _gone(write: Hands) -> None:
    path = _broken(write)
    if path.exists():
        ran = write.change("rm", "-rf", str(path), limit_seconds=_REMOVE_SECONDS)
        if not ran.ok:
            raise ApplyFailed(f"{path} could not be removed: {ran.last_words}", evidence=ran.evidence())


def _files(snapshots: Path) -> Iterator[tuple[str, int]]:
    """Yield (path inside the image, bytes) of every regular file of every snapshot."""
    for snapshot in snapshots.iterdir():
        root = snapshot / "fs"
        folders = [str(root)]
        while folders:
            with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:  # a container that ends meanwhile
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield os.path.relpath(entry.path, root), entry.stat(follow_symlinks=False).st_size
