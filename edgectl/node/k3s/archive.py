"""Image archives, read: which files their layers hold. docker-archive and OCI layout in a tar; layers plain or gzip.

Source: moby's image spec v1.2 (manifest.json), OCI image-layout spec 1.1 (index.json).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgectl.node.converge.protocol import LookFailed

if TYPE_CHECKING:
    import tarfile


def files_in(archive: Path) -> Iterator[tuple[str, int]]:
    """Yield (path, bytes) of every regular file of every layer; LookFailed when the archive cannot be read."""
    import tarfile  # here: once a boot is soon enough, and every other run starts without it

    try:
        with tarfile.open(archive, "r:") as outer:
            for layer in _layers(outer):
                with tarfile.open(fileobj=_member(outer, layer), mode="r:*") as inner:
                    for entry in inner:
                        if entry.isreg():
                            yield entry.name.removeprefix("./").lstrip("/"), entry.size
    except (OSError, ValueError, KeyError, TypeError, EOFError, tarfile.TarError) as error:
        raise LookFailed(f"the image archive {archive.name[:12]} cannot be read: {error}") from error


def _layers(outer: tarfile.TarFile) -> list[str]:
    names = set(outer.getnames())
    if "manifest.json" in names:
        return [str(layer) for image in _json(outer, "manifest.json") for layer in image["Layers"]]
    layers = []
    pending = [entry["digest"] for entry in _json(outer, "index.json")["manifests"]]
    while pending:
        doc = _json(outer, _blob(pending.pop()))
        pending += [entry["digest"] for entry in doc.get("manifests", ()) if _blob(entry["digest"]) in names]
        layers += [_blob(layer["digest"]) for layer in doc.get("layers", ())]
    return layers


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _json(outer: tarfile.TarFile, name: str) -> Any:
    return json.load(_member(outer, name))


def _member(outer: tarfile.TarFile, name: str) -> IO[bytes]:
    found = outer.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file in it")
    return found
