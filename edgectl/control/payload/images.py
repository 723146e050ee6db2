"""Which images a store needs: those its manifests name, those every node needs, those the inventory adds.

Owns image names in their full form. Must not know how an archive is made or imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from edgectl.control.bundle.layout import Artifact

PAUSE = "rancher/mirrored-pause"
COREDNS = "rancher/mirrored-coredns-coredns"
DEFAULT_HOST = "docker.io"
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def full_name(ref: str) -> str:
    """Return an image name as containerd lists it: with host, `library/` and tag.

    >>> full_name("busybox")
    'docker.io/library/busybox:latest'
    """
    name, digest = ref.split("@", 1) if "@" in ref else (ref, "")
    head, _, rest = name.partition("/")
    if not rest or not ("." in head or ":" in head or head == "localhost"):
        head, rest = DEFAULT_HOST, name
    if head in ("index.docker.io", "registry-1.docker.io"):
        head = DEFAULT_HOST
    if head == DEFAULT_HOST and "/" not in rest:
        rest = f"library/{rest}"
    if not digest and ":" not in rest:
        rest = f"{rest}:latest"
    return f"{head}/{rest}@{digest}" if digest else f"{head}/{rest}"


def host_of(ref: str) -> str:
    """Return the registry that an image name points to."""
    return full_name(ref).partition("/")[0]


def repository(ref: str) -> str:
    """Return an image name without host, tag and digest: rancher/mirrored-pause."""
    path = full_name(ref).partition("/")[2].partition("@")[0]
    return path.rpartition(":")[0] if ":" in path else path


def named_in(manifest: Any) -> Iterator[str]:
    """Yield every image that a manifest names, in pod templates of any kind, image volumes included."""
    if isinstance(manifest, list):
        for item in manifest:
            yield from named_in(item)
    elif isinstance(manifest, dict):
        for key, value in manifest.items():
            if key in _CONTAINERS and isinstance(value, list):
                yield from (str(item["image"]) for item in value if isinstance(item, dict) and item.get("image"))
            elif key == "volumes" and isinstance(value, list):
                yield from _image_volumes(value)
            yield from named_in(value)


def _image_volumes(volumes: list[Any]) -> Iterator[str]:
    for volume in volumes:
        image = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(image, dict) and image.get("reference"):
            yield str(image["reference"])


def of_repository(name: str, images: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Return the archives that bring any tag of a repository, or that bear the name in the bundle."""
    return tuple(image for image in images if name == image.name or name in map(repository, image.refs))
