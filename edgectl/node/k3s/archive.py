"""Image archives, read: which files their layers hold. docker-archive and OCI layout in a tar; layers plain or gzip.

Source: moby's image spec v1.2 (manifest.json), OCI image-layout spec 1.1 (index.json).
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgectl.node.converge.protocol import LookFailed

if TYPE_CHECKING:
    import tarfile

_CHUNK_BYTES = 1024 * 1024


def files_in(archive: Path) -> Iterator[tuple[str, int, int]]:
    """Yield (path, bytes, second of its last change) of every regular file of every layer.

    Raises LookFailed when the archive cannot be read.
    """
    with _readable(archive):
        for name, entry, _ in _entries(archive):
            yield name, entry.size, int(entry.mtime)


def heads_in(archive: Path, wanted: Mapping[str, Collection[int]]) -> Iterator[tuple[str, int, str]]:
    """Yield (path, N, digest of its first N bytes) of files with these paths, for each N that is less than it has.

    Raises LookFailed when the archive cannot be read.
    """
    with _readable(archive):
        for name, entry, layer in _entries(archive):
            lengths = sorted(length for length in wanted.get(name, ()) if length < entry.size)
            data = layer.extractfile(entry) if lengths else None
            if data is not None:
                summed, had = hashlib.sha256(), 0
                for length in lengths:
                    while had < length:
                        had += len(piece := data.read(min(_CHUNK_BYTES, length - had)))
                        summed.update(piece)
                        if not piece:
                            raise EOFError("it ends early")
                    yield name, length, f"sha256:{summed.hexdigest()}"


def _entries(archive: Path) -> Iterator[tuple[str, tarfile.TarInfo, tarfile.TarFile]]:
    import tarfile  # here: once a boot is soon enough, and every other run starts without it

    with tarfile.open(archive, "r:") as outer:
        for layer in _layers(outer):
            with tarfile.open(fileobj=_member(outer, layer), mode="r:*") as inner:
                for entry in inner:
                    if entry.isreg():
                        yield entry.name.removeprefix("./").lstrip("/"), entry, inner


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    import tarfile  # here, too

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error, tarfile.TarError) as error:
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
