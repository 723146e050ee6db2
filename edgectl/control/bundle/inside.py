"""What is inside an artifact of a bundle: archives that can be read, are what they say, and harm nobody who unpacks."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgectl.control.bundle.image import MANIFEST, UNREADABLE, images_of, read
from edgectl.control.bundle.members import CHART_BYTES, CHART_FILE_BYTES, LAYER_BYTES, dangers
from edgectl.control.debian.file import UNREADABLE as UNPACKED
from edgectl.control.debian.inside import wrong_package
from edgectl.wire.archive import BadArchive, judge

_CHUNK_BYTES = 1 << 20


def wrong_inside(root: Path, entry: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong inside an artifact whose bytes are right."""
    path = root / "blobs" / "sha256" / entry["digest"].removeprefix("sha256:")
    names = entry.get("annotations")
    kind = names.get("edgectl.kind") if isinstance(names, dict) else None
    try:
        if kind == "image":
            found = list(_image(path))
            yield from found
            if not found:
                yield from _judged(path)
        elif kind == "chart":
            with tarfile.open(path, "r:gz") as tar:
                yield from dangers(tar, limit=CHART_BYTES, each=CHART_FILE_BYTES)
        elif kind == "runtime":
            with tarfile.open(path, "r:") as tar:
                yield from dangers(tar, limit=path.stat().st_size)
        elif kind == "package":
            yield from wrong_package(path, names or {})
    except (*UNREADABLE, *UNPACKED) as error:
        yield f"is no {kind} archive that can be read: {why(error)}"


def _image(path: Path) -> Iterator[str]:
    with tarfile.open(path, "r:") as tar:  # nodes read it so, too
        wrong = list(dangers(tar, limit=LAYER_BYTES))
        yield from wrong
        names = set(tar.getnames())
        if MANIFEST not in names and "index.json" in names:
            return  # an OCI layout in a tar: containerd holds each of its blobs against its digest
        images = images_of(tar) if not wrong else ()
        for image, entry in zip(images, json.loads(read(tar, MANIFEST)), strict=False):
            config = str(entry["Config"]).removeprefix("blobs/sha256/").removesuffix(".json")
            if config != image.config.removeprefix("sha256:"):
                yield f"its image {config[:12]} has another config: {image.config}"
            for digest, member in image.parts:
                yield from _layer(tar, digest, member)


def _judged(path: Path) -> Iterator[str]:
    """Yield why nodes would not take an image archive: they judge by this before anything of a deploy is accepted."""
    try:
        with path.open("rb") as file:
            judge(file)
    except BadArchive as error:
        yield f"no node would take it: {error}"


def _layer(tar: tarfile.TarFile, digest: str, member: str) -> Iterator[str]:
    stream = tar.extractfile(member)
    if stream is None:
        yield f"its layer {digest[:19]} is no file"
        return
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    if not packed:
        sha = hashlib.sha256()
        while chunk := stream.read(_CHUNK_BYTES):
            sha.update(chunk)
        if f"sha256:{sha.hexdigest()}" != digest:
            yield f"its layer {digest[:19]} has other bytes"
            return
        stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:*") as inner:
        yield from (f"layer {digest[7:19]}: {sentence}" for sentence in dangers(inner, layer=True, limit=LAYER_BYTES))


def why(error: BaseException) -> str:
    """Return an error in one short line, printable whatever is in it."""
    if isinstance(error, FileNotFoundError):
        return "it is missing"
    if isinstance(error, RecursionError):
        return "it is nested without end"
    return ascii(" ".join(str(error).split()) or type(error).__name__)[1:-1][:200]
