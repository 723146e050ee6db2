"""Step: the image files that containerd has unpacked still have their bytes after the power came back.

A power cut leaves what was not yet written as empty files, and large ones cut short after a whole number of blocks,
while containerd's database lists the image as whole: the node is Ready, its pods crash (SIGBUS), and importing the
archive again repairs nothing, since the snapshot "exists" (measured: 714 of 723 files, 45 s after a first boot). Looked
at once a boot, against the archives whose digests are proven.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.archive import files_in, heads_in
from edgectl.node.k3s.containers import end_containers
from edgectl.wire.payload import Image

_STOP_SECONDS = 120.0
_REMOVE_SECONDS = 300.0
_SHOWN = 5
_BLOCK_BYTES = 4096  # file systems write whole blocks


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
            f"{len(broken)} of {looked} image files are not whole: the power went before they reached the disk",
            differences=tuple((path, f"{has} bytes", f"{size} bytes") for path, has, size in broken[:_SHOWN]),
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

    def _compare(self, read: Look) -> tuple[int, list[tuple[str, int, int]]]:
        """Return how many files were compared, and (path, its bytes, bytes it should have) of those cut short."""
        archived: dict[str, set[tuple[int, int]]] = {}
        snapshots = _store(read) / "io.containerd.snapshotter.v1.overlayfs/snapshots"
        if not snapshots.is_dir():
            return 0, []
        for image in self._images:
            for name, size, changed in files_in(read.places.blob(image.archive)):
                archived.setdefault(name, set()).add((size, changed))
        looked, short = 0, []
        for path, name, size, changed in _files(snapshots):
            if name in archived:
                looked += 1
                known = {size for size, its in archived[name] if its == changed}
                if known and size < max(known) and size not in known and size % _BLOCK_BYTES == 0:
                    short.append((path, name, size))
        cut = self._cut(read, short)
        return looked, [(f"/{name}", size, max(size for size, _ in archived[name])) for name, size in cut]

    def _cut(self, read: Look, short: list[tuple[str, str, int]]) -> Iterator[tuple[str, int]]:
        """Yield (path, its bytes) of those that the power has cut: they hold the beginning of a file of an archive.

        Others are of another version, of a registry, or a container's own: nothing was lost. Neither was where the time
        of the last change is another: containerd sets the archive's as soon as it has written a file.
        """
        lengths: dict[str, set[int]] = {}
        for _, name, size in short:
            if size:
                lengths.setdefault(name, set()).add(size)
        heads = {
            head for image in self._images if lengths for head in heads_in(read.places.blob(image.archive), lengths)
        }
        for path, name, size in short:
            if not size or (name, size, read.digest(Path(path))) in heads:
                yield name, size


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


def _files(snapshots: Path) -> Iterator[tuple[str, str, int, int]]:
    """Yield (path here, path inside the image, bytes, second of its last change) of each file of each snapshot."""
    for snapshot in snapshots.iterdir():
        root = snapshot / "fs"
        folders = [str(root)]
        while folders:
            with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:  # a container that ends meanwhile
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        yield entry.path, os.path.relpath(entry.path, root), stat.st_size, int(stat.st_mtime)
