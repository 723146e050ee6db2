"""The packages of a node's system: which the inventory wants, and all that its own package source must hold for them.

Owns what is said where the bundle lacks one. Must not know what is on the node already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgectl.control.bundle.layout import ANY_ARCH, Artifact
from edgectl.control.debian.closure import closure, newest
from edgectl.control.debian.control import Control, order
from edgectl.control.inventory.place import Place
from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.wire.errors import InvalidInput
from edgectl.wire.host import Deb, Package, Packages

KIND = "package"
HOST, GPU = PARTS = ("host", "gpu")  # where an inventory says packages
Asked = tuple[tuple[str, str], ...]  # name and version; "": the newest


@dataclass(frozen=True, slots=True)
class Wish:
    """What the nodes of one kind want."""

    arch: str
    host: Asked
    gpu: Asked

    def each(self) -> Iterable[tuple[str, str, str]]:
        """Yield where it is said, name and version."""
        for part, asked in zip(PARTS, (self.host, self.gpu), strict=True):
            yield from ((part, name, version) for name, version in asked)


@dataclass(frozen=True, slots=True)
class Packed:
    """What a wish comes to: the packages, their artifacts, and what is missing: (part, name, sentence).

    What is wrong with the bundle itself has no part and no name.
    """

    packages: Packages
    artifacts: tuple[Artifact, ...] = ()
    missing: tuple[tuple[str, str, str], ...] = ()


def wish_of(node: NodeTarget) -> Wish | None:
    """Return what a node wants; None where it wants nothing."""
    wish = Wish(node.arch, node.host.packages, node.gpu.packages if node.gpu else ())
    return wish if wish.host or wish.gpu else None


def place_of(store: Store, node: NodeTarget, part: str, name: str) -> Place:
    """Return where the inventory says a package: of the node itself, or for all of its nodes."""
    if not part:
        return store.bundle_at
    own = ("nodes", node.name, part, "packages", name)
    return store.place(*own) if store.tree.get(*own) is not None else store.place(*own[2:])


def fits(arch: str, artifact: Artifact) -> bool:
    """Tell whether an artifact is a package for a node's architecture."""
    return artifact.kind == KIND and artifact.arch in (arch, ANY_ARCH)


def packed(wish: Wish, artifacts: Sequence[Artifact], root: str, read: Callable[[Artifact], Control]) -> Packed:
    """Return what a wish comes to with the packages of a bundle; `read` gives one's fields, or InvalidInput."""
    hand: dict[Control, Artifact] = {}
    missing: list[tuple[str, str, str]] = []
    for artifact in artifacts:
        if not fits(wish.arch, artifact):
            continue
        try:
            hand[read(artifact)] = artifact
        except InvalidInput as error:
            missing.append(("", "", f"package {artifact.name} {artifact.version}: {error.message}"))
    wanted: dict[str, list[Package]] = {part: [] for part in PARTS}
    taken: list[Control] = []
    for part, name, version in wish.each():
        found = chosen(name, version, hand)
        if found is None:
            missing.append((part, name, f"{lacking(name, version, hand, f'the bundle {root}')}: edgectl bundle build"))
            continue
        taken.append(found)
        wanted[part].append(Package(name, found.version, hold=part == GPU))
    if missing:
        return Packed(Packages(), (), tuple(missing))
    pool = closure(taken, hand)
    debs = tuple(Deb(one.name, one.version, one.arch, hand[one].digest) for one in pool)
    return Packed(Packages(tuple(wanted[HOST]), tuple(wanted[GPU]), debs), tuple(hand[one] for one in pool))


def chosen(name: str, version: str, hand: Iterable[Control]) -> Control | None:
    """Return the package that is meant: the very version, or the newest."""
    return newest(one for one in hand if one.name == name and version in ("", one.version))


def lacking(name: str, version: str, hand: Iterable[Control], where: str) -> str:
    """Say that a package is not there, and which versions of it are."""
    versions = sorted({one.version for one in hand if one.name == name}, key=order)
    return f"package {name} {version}".rstrip() + f" is not in {where} (it has {', '.join(versions) or 'none'})"
