"""What one bundle has that another, or a node, has not. Only reads.

Owns what new means: another digest; of an image, the layers that the other side has in no archive.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edgectl.control.bundle.layout import Artifact, Bundle, natural
from edgectl.control.bundle.parts import layers
from edgectl.control.debian.control import order


@dataclass(frozen=True, slots=True)
class New:
    """One artifact that the other side lacks: what it had instead, and how many bytes of it are new there."""

    artifact: Artifact
    before: str
    fresh: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One bundle against another."""

    new: tuple[New, ...]
    gone: tuple[Artifact, ...]
    same: int

    @property
    def size(self) -> int:
        """The bytes of all that is new; two names of the same bytes count once."""
        return sum({one.artifact.digest: one.artifact.size for one in self.new}.values())

    @property
    def fresh(self) -> int:
        """The same, without layers that the other side has in another archive."""
        return sum({one.artifact.digest: one.fresh for one in self.new}.values())


def compare(mine: Bundle, other: Bundle) -> Compared:
    """Compare two bundles by digest."""
    ours, theirs = mine.all(), other.all()
    held = {artifact.digest for artifact in theirs}
    known = {digest for artifact in theirs for digest in layers(other, artifact)}
    new = [artifact for artifact in ours if artifact.digest not in held]
    names = {_line(artifact) for artifact in ours}
    return Compared(
        new=tuple(New(artifact, _before(artifact, theirs), _fresh(mine, artifact, known)) for artifact in new),
        gone=tuple(artifact for artifact in theirs if _line(artifact) not in names),
        same=len(ours) - len(new),
    )


def lacking(mine: Bundle, missing: Collection[str]) -> Compared:
    """Compare a bundle with what a node says that it lacks."""
    ours = mine.all()
    new = tuple(New(artifact, "", artifact.size) for artifact in ours if artifact.digest in missing)
    return Compared(new, (), len(ours) - len(new))


def _fresh(bundle: Bundle, artifact: Artifact, known: Collection[str]) -> int:
    """Return the bytes of an archive without layers that are known; its own few bytes of headers count as new."""
    return artifact.size - sum(size for digest, size in layers(bundle, artifact).items() if digest in known)


def _line(artifact: Artifact) -> tuple[str, str, str]:
    return (artifact.kind, artifact.name, artifact.arch)


def _before(artifact: Artifact, theirs: Collection[Artifact]) -> str:
    older = [found.version for found in theirs if _line(found) == _line(artifact)]
    return max(older, key=order if artifact.kind == "package" else natural, default="")
