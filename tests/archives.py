"""Image archives as Docker writes them: of old with a folder a layer, of today with blobs; times as they come."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path


def layer(files: dict[str, bytes]) -> bytes:
    """Return a layer with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), 1_700_000_000
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def saved(
    path: Path, images: dict[str, Iterable[bytes]], *, arch: str = "amd64", today: bool = False, packed: bool = False
) -> None:
    """Write what `docker save` would write: images by name, each with its layers."""
    members: dict[str, bytes] = {}
    manifest = []
    for name, layers in images.items():
        diffs = [hashlib.sha256(data).hexdigest() for data in layers]
        rootfs = {"type": "layers", "diff_ids": [f"sha256:{one}" for one in diffs]}
        config = json.dumps({"architecture": arch, "os": "linux", "rootfs": rootfs}).encode()
        image = hashlib.sha256(config).hexdigest()
        places = []
        for diff, data in zip(diffs, layers, strict=True):
            body = gzip.compress(data) if packed else data
            digest = hashlib.sha256(body).hexdigest()
            place = f"blobs/sha256/{digest}" if today else f"{diff[::-1]}/layer.tar"
            members[place] = body
            places.append(place)
        member = f"blobs/sha256/{image}" if today else f"{image}.json"
        members[member] = config
        manifest.append({"Config": member, "RepoTags": [name], "Layers": places})
    members["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as tar:
        for index, (name, data) in enumerate(reversed(members.items()) if today else members.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.uid = len(data), 1_600_000_000 + index, 1000
            tar.addfile(entry, io.BytesIO(data))


def canonical_archive(name: str, *layers: bytes) -> bytes:
    """Return an image archive in the bundle's form, as stores get it."""
    diffs = [hashlib.sha256(data).hexdigest() for data in layers]
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{one}" for one in diffs]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs, "created_by": name}).encode()
    image = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{image}.json", "RepoTags": [name], "Layers": [f"{one}.tar" for one in diffs]}]
    parts = {f"{one}.tar": data for one, data in zip(diffs, layers, strict=True)}
    return plain_tar({**parts, f"{image}.json": config, "manifest.json": json.dumps(manifest).encode()})


def plain_tar(parts: dict[str, bytes]) -> bytes:
    """Return a tar of files, sorted by name, that ends as early as it may."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(parts.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        end = tar.offset + 2 * tarfile.BLOCKSIZE
    return buffer.getvalue()[:end]
