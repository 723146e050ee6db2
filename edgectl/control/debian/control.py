"""What a package says of itself: its name, version and architecture, what it needs, and what it stands for.

Owns these fields and Debian's order of versions, the same on every machine. Must not know files nor bundles.
Sources: Debian Policy 5 and 7; the order is deb-version(7)'s, as python-debian has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from edgectl.control.bundle.layout import ANY_ARCH

if TYPE_CHECKING:
    from debian.debian_support import NativeVersion

ALL = "all"  # how Debian says ANY_ARCH
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+", re.ASCII)
_VERSION = re.compile(r"([0-9]+:)?[0-9][A-Za-z0-9.+~-]*", re.ASCII)
_ARCH = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Relation:
    """One package that is named by another; `op` is "" where any version will do, else <<, <=, =, >= or >>."""

    name: str
    op: str = ""
    version: str = ""

    def holds(self, version: str) -> bool:
        """Tell whether a version fits."""
        if not self.op:
            return True
        ours, theirs = order(version), order(self.version)
        return {
            "<<": ours < theirs,
            "<=": ours <= theirs,
            "=": ours == theirs,
            ">=": ours >= theirs,
            ">>": ours > theirs,
        }.get(self.op, False)


@dataclass(frozen=True, slots=True)
class Control:
    """The fields of one package. Of each group in `needs` one must be there; it stands for what it `provides`."""

    name: str
    version: str
    arch: str  # as Debian says it: amd64, arm64, all
    needs: tuple[tuple[Relation, ...], ...] = ()
    provides: tuple[Relation, ...] = ()

    @property
    def bundle_arch(self) -> str:
        """The architecture as a bundle says it."""
        return ANY_ARCH if self.arch == ALL else self.arch


def parse(text: str) -> Control:
    """Read a control file; ValueError says what is no package's."""
    from debian.deb822 import Deb822, PkgRelation

    fields = Deb822(text)
    for key, form in (("Package", _NAME), ("Version", _VERSION), ("Architecture", _ARCH)):
        if not form.fullmatch(fields.get(key, "")):
            raise ValueError(f"its field {key} is {ascii(fields.get(key, ''))[:60]}")

    def groups(field: str) -> Iterable[tuple[Relation, ...]]:
        for group in PkgRelation.parse_relations(fields[field]) if fields.get(field) else ():
            named = tuple(
                Relation(one["name"], *(one["version"] or ("", ""))) for one in group if _NAME.fullmatch(one["name"])
            )
            if named:
                yield named

    return Control(
        fields["Package"],
        fields["Version"],
        fields["Architecture"],
        tuple(group for field in ("Pre-Depends", "Depends") for group in groups(field)),
        tuple(one for group in groups("Provides") for one in group),
    )


@lru_cache(maxsize=10_000)
def order(version: str) -> NativeVersion:
    """Return a key that sorts as Debian does: 1.0~rc1 before 1.0, 1.9 before 1.10, an epoch before all else."""
    from debian.debian_support import NativeVersion

    return NativeVersion(version)
