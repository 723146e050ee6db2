"""Container images as docker-archives, a layer for each tree, the same byte for byte from the same files.

Owns: the archive's format and what makes it reproducible (order, owners, times, modes). No Docker, no registry.
Must not know what is in an image.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.document import canonical

_EPOCH = "1970-01-01T00:00:00Z"
_TAG_CHARS = 12
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """How a container of the image starts. `user` is numeric, as `runAsNonRoot` can only judge numbers."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    folder: str = "/"


def write_archive(out: Path, *trees: Path, repository: str, tag: str = "", start: Start) -> str:
    """Write the files below `trees` as one image, the later above the earlier, and return its name.

    Without a tag the image is named after its own content: a changed image has a changed name.
    """
    layers = [out.with_name(f".{out.name}.layer{index}") for index in range(len(trees))]
    try:
        diffs = [_write_layer(layer, tree) for layer, tree in zip(layers, trees, strict=True)]
        config = canonical(_config(diffs, start))
        image = hashlib.sha256(config).hexdigest()
        name = f"{repository}:{tag or image[:_TAG_CHARS]}"
        files = [f"{diff}.tar" for diff in diffs]
        manifest = canonical([{"Config": f"{image}.json", "RepoTags": [name], "Layers": files}])
        with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as archive:
            _add_bytes(archive, f"{image}.json", config)
            for file, layer in zip(files, layers, strict=True):
                entry = _entry(file)
                entry.size = layer.stat().st_size
                with layer.open("rb") as data:
                    archive.addfile(entry, data)
            _add_bytes(archive, "manifest.json", manifest)
    finally:
        for layer in layers:
            layer.unlink(missing_ok=True)
    return name


def names_in(archive: Path) -> tuple[str, ...]:
    """Return the names of the images in a docker-archive."""
    with tarfile.open(archive) as opened:
        manifest = opened.extractfile("manifest.json")
        if manifest is None:
            raise ValueError(f"{archive}: manifest.json is no file")
        return tuple(name for image in json.load(manifest) for name in image["RepoTags"])


def _config(diffs: list[str], start: Start) -> dict[str, object]:
    run: dict[str, object] = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *start.env],
        "Entrypoint": list(start.entrypoint),
        "WorkingDir": start.folder,
    }
    if start.command:
        run["Cmd"] = list(start.command)
    if start.user:
        run["User"] = start.user
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": _EPOCH,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}" for diff in diffs]},
        "history": [{"created": _EPOCH, "created_by": "edgectl sandbox"} for _ in diffs],
    }


def _write_layer(layer: Path, tree: Path) -> str:
    # PAX only where a name is too long for the plain format; hard links become files, whoever was first in the tree.
    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in _walk(tree):
            _add_path(archive, path, path.relative_to(tree).as_posix())
    total = hashlib.sha256()
    with layer.open("rb") as data:
        while chunk := data.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def _walk(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.iterdir(), key=lambda path: os.fsencode(path.name)):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _add_path(archive: tarfile.TarFile, path: Path, name: str) -> None:
    status = path.lstat()
    entry = _entry(name)
    if stat.S_ISLNK(status.st_mode):
        entry.type, entry.mode, entry.linkname = tarfile.SYMTYPE, 0o777, str(path.readlink())
        archive.addfile(entry)
    elif stat.S_ISDIR(status.st_mode):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
    elif stat.S_ISREG(status.st_mode):
        # Only whether it can be run: the rest of the mode is the builder's umask.
        entry.mode = 0o755 if status.st_mode & 0o111 else 0o644
        entry.size = status.st_size
        with path.open("rb") as data:
            archive.addfile(entry, data)
    else:
        raise ValueError(f"{path}: an image holds files, folders and links only")


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = _entry(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _entry(name: str) -> tarfile.TarInfo:
    """Return an entry with root as its owner and the epoch as its time (TarInfo's defaults, said aloud)."""
    entry = tarfile.TarInfo(name)
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.mode = 0o644
    return entry
