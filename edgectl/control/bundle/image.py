"""Image archives in one form: the same image gives the same bytes, whichever engine saved it, on whichever machine.

Owns that form: a docker-archive (manifest.json, as k3s imports it) with the image's config and its layers, each named
by its own digest and uncompressed, so that two tags share what they share. Must not know engines or registries.
Source: moby's image spec v1.2; an engine of today writes the same manifest.json above an OCI layout.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from edgectl.wire.document import canonical
from edgectl.wire.errors import InvalidInput

MANIFEST = "manifest.json"
_CHUNK_BYTES = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
UNREADABLE = (  # what tarfile and json make of bytes of a stranger; sizes without end are asked of memory, too
    *(OSError, EOFError, ValueError, TypeError, AttributeError, LookupError, tarfile.TarError),
    *(OverflowError, MemoryError, RecursionError),
)
_DAMAGED = "Save the image again."


@dataclass(frozen=True, slots=True)
class Image:
    """One image of an archive: where its parts lie there. `config` is the digest that names the image."""

    refs: tuple[str, ...]
    config: str
    arch: str
    parts: tuple[tuple[str, str], ...]  # digest of the plain layer, name of the member

    @property
    def layers(self) -> tuple[str, ...]:
        """The digests of the uncompressed layers, the lowest first."""
        return tuple(digest for digest, _ in self.parts)


@contextmanager
def opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open an image archive; what cannot be read is InvalidInput."""
    try:
        with tarfile.open(archive, "r:*") as tar:
            yield tar
    except UNREADABLE as error:
        raise InvalidInput(f"{archive} is no image archive that can be read: {error}", hint=_DAMAGED) from error


def images_of(tar: tarfile.TarFile) -> tuple[Image, ...]:
    """Return the images in an open archive; ValueError or KeyError when it has none."""
    return tuple(_image(tar, entry) for entry in json.loads(read(tar, MANIFEST)))


def read(tar: tarfile.TarFile, name: str) -> bytes:
    """Return a small member: JSON."""
    with _member(tar, name) as stream:
        return stream.read()


def repack(source: Path, image: Image, name: str, out: BinaryIO) -> None:
    """Write one image of an archive in the one form, under one name; InvalidInput when a part is not what it should be.

    Entries are sorted by name; no times, no owners, no compression.
    """
    with opened(source) as tar:
        config = read(tar, _config_member(tar, image))
        names = [f"{one[7:]}.tar" for one in image.layers]
        manifest = [{"Config": f"{image.config[7:]}.json", "RepoTags": [name], "Layers": names}]
        parts: dict[str, Callable[[], IO[bytes]]] = {
            f"{image.config[7:]}.json": partial(io.BytesIO, config),
            MANIFEST: partial(io.BytesIO, canonical(manifest)),
            **{f"{digest[7:]}.tar": partial(_plain, tar, member) for digest, member in image.parts},
        }
        # PAX only where a layer is larger than the plain format can say.
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for entry, stream in sorted(parts.items()):
                _add(archive, entry, stream)


def tag_of(name: str) -> str:
    """Return a name as archives carry it: beside a digest containerd knows no tag."""
    name, _, digest = name.partition("@")
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}" if digest else name


def _add(archive: tarfile.TarFile, name: str, opener: Callable[[], IO[bytes]]) -> None:
    entry = tarfile.TarInfo(name)  # mode 0644, root's, of 1970
    with opener() as stream:
        digest, entry.size = _measure(stream)
    if name != MANIFEST and digest != name.partition(".")[0]:
        raise InvalidInput(f"the archive's {name} has another digest: {digest}", hint=_DAMAGED)
    with opener() as stream:
        archive.addfile(entry, stream)


def _image(tar: tarfile.TarFile, entry: Any) -> Image:
    data = read(tar, entry["Config"])
    config = json.loads(data)
    layers, diffs = entry["Layers"] or [], config["rootfs"]["diff_ids"] or []
    if len(layers) != len(diffs):
        raise ValueError(f"{entry['Config']} names {len(diffs)} layers, {MANIFEST} {len(layers)}")
    for digest in diffs:
        if not isinstance(digest, str) or len(digest) != len("sha256:") + 64 or not digest.startswith("sha256:"):
            raise ValueError(f"{entry['Config']}: not a digest: {digest!r}")
    arch, variant = str(config.get("architecture", "")), str(config.get("variant", ""))
    return Image(
        refs=tuple(map(str, entry.get("RepoTags") or ())),
        config="sha256:" + hashlib.sha256(data).hexdigest(),
        arch=f"{arch}/{variant}" if variant and arch != "arm64" else arch,
        parts=tuple(zip(diffs, map(str, layers), strict=True)),
    )


def _config_member(tar: tarfile.TarFile, image: Image) -> str:
    for entry in json.loads(read(tar, MANIFEST)):
        if "sha256:" + hashlib.sha256(read(tar, entry["Config"])).hexdigest() == image.config:
            return str(entry["Config"])
    raise KeyError(image.config)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file in it")
    return found


def _plain(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """Open a layer, uncompressed."""
    stream = _member(tar, name)
    head = stream.read(len(_ZSTD))
    stream.seek(0)
    if head == _ZSTD:
        raise ValueError(f"{name} is compressed with zstd; save the image with an engine that writes plain or gzip")
    return cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if head.startswith(_GZIP) else stream


def _measure(stream: IO[bytes]) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        sha.update(chunk)
        size += len(chunk)
    return sha.hexdigest(), size
