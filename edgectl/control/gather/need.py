"""One thing that stores need, and what a source answers when it is asked for it.

Owns these words. Must not know any source.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgectl.control.debian.control import Control

IMAGE_LIST = "k3s-images"  # the text that k3s publishes: all images that a version of it may start


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One thing for one kind of machine. `name` of an image is its full name; its version is empty."""

    kind: str  # k3s | k3s-images | helm | chart | image
    name: str
    version: str
    arch: str

    def __str__(self) -> str:
        said = {IMAGE_LIST: "the image list of k3s"}.get(self.kind, self.kind)
        name = "" if self.kind in ("k3s", IMAGE_LIST, "helm") else self.name
        arch = "" if self.arch == "noarch" else f"({self.arch})"
        return " ".join(part for part in (said, name, self.version, arch) if part)


@dataclass(frozen=True, slots=True)
class Got:
    """A file with what was asked for, and what the bundle says of it. The file may be moved away."""

    path: Path
    made_from: str = ""
    name: str = ""
    version: str = ""
    refs: tuple[str, ...] = ()
    owned: bool = True  # false: another's file, to be copied


@dataclass(frozen=True, slots=True)
class Brought:
    """One package of Debian's as it lies in a source; `digest` is what its bytes must have, "" where nobody says."""

    control: Control
    path: Path
    digest: str = ""


class Absent(Exception):
    """The source was asked and does not have it; the sentence says why."""


class OutOfReach(Exception):
    """The source could not be asked; `hint` says what to do about it."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


class Source(Protocol):
    """Where things come from."""

    def fetch(self, need: Need, work: Path) -> Got:
        """Return it, using a folder to work in; Absent or OutOfReach."""
        ...

    def names(self, repository: str, arch: str) -> tuple[str, ...]:
        """Return the full names under which this source has images of a repository, where it can tell."""
        ...

    def packages(self) -> tuple[Brought, ...]:
        """Return the packages of Debian's that this source has; InvalidInput when one cannot be read."""
        ...
