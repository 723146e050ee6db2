"""What of the declared packages is not as declared: pure, from what dpkg has said.

Owns: the differences and their words. Must not know how any of it is brought about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgectl.node.host.packages.claims import Claim
from edgectl.node.host.packages.installed import HOLD, System
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.host import Deb, Package

ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one step is asked for. `others` are the names that another step is asked for: this one leaves them."""

    steps: tuple[str, ...]  # this one, and those that are no more: what they have brought is this one's to take away
    wanted: tuple[Package, ...]
    pool: tuple[Deb, ...]
    others: frozenset[str] = frozenset()
    take_over: bool = False  # packages that somebody else has installed may go where they are in the way

    @property
    def names(self) -> frozenset[str]:
        """Return the names that are declared here."""
        return frozenset(package.name for package in self.wanted)

    @property
    def digest(self) -> str:
        """Name the wish: the same again is the same work."""
        return digest_of(canonical([*self.steps, *(f"{one.name}={one.version}" for one in self.wanted)]))


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be done, by kind; names are sorted as they are declared."""

    missing: tuple[Package, ...] = ()
    replaced: tuple[Package, ...] = ()  # another version is there, and would go
    broken: tuple[str, ...] = ()  # ours, and neither gone nor whole
    held: tuple[str, ...] = ()  # to be put on hold
    freed: tuple[str, ...] = ()  # to be let go of
    retired: tuple[str, ...] = ()  # by us, and declared no more
    is_interrupted: bool = False

    @property
    def is_fine(self) -> bool:
        """There is nothing to do."""
        return self == Judged()


def judge(asked: Asked, system: System, claims: Mapping[str, Claim]) -> Judged:
    """Compare the declaration with what is there. Whether dpkg `is_interrupted` or at work is not known here."""
    named = asked.names | asked.others
    other = [package for package in asked.wanted if system.version(package.name) != package.version]
    by_us = {name: claim for name, claim in claims.items() if claim.by in asked.steps and name not in asked.others}
    wants = {package.name: package.hold for package in asked.wanted}
    return Judged(
        missing=tuple(package for package in other if not system.version(package.name)),
        replaced=tuple(package for package in other if system.version(package.name)),
        broken=tuple(name for name in system.broken if name in asked.names or name in by_us),
        held=tuple(name for name, hold in wants.items() if hold and _want(system, name) != HOLD),
        freed=tuple(
            name
            for name, claim in claims.items()
            if claim.is_held and _want(system, name) == HOLD and not wants.get(name, name in asked.others)
        ),
        retired=tuple(
            name
            for name, claim in sorted(by_us.items())
            if claim.is_asked and not claim.was and name not in named and system.version(name)
        ),
        is_interrupted=system.is_interrupted,
    )


def differences(found: Judged, system: System) -> tuple[tuple[str, str, str], ...]:
    """Return (what, as it is, as it should be)."""
    rows = [("dpkg", "interrupted", "whole")] if found.is_interrupted else []
    rows += [(package.name, "missing", package.version) for package in found.missing]
    rows += [(package.name, system.version(package.name), package.version) for package in found.replaced]
    rows += [(name, _doubt(system, name), "installed") for name in found.broken]
    rows += [(f"{name} hold", "not held", "held") for name in found.held]
    rows += [(f"{name} hold", "held", "not held") for name in found.freed]
    rows += [(name, system.version(name), "removed") for name in found.retired]
    return tuple(rows)


def lacking(packages: Iterable[Package], pool: Iterable[Deb], arch: str) -> str:
    """Return why some of these can never be installed here: no file of that version, or for another machine."""
    found: dict[str, list[Deb]] = {}
    for deb in pool:
        found.setdefault(deb.name, []).append(deb)
    for package in packages:
        debs = found.get(package.name, [])
        exact = [deb for deb in debs if deb.version == package.version]
        if not exact:
            has = ", ".join(sorted({deb.version for deb in debs}))
            instead = f"it has {has}" if has else "it has none of that name"
            return f"the bundle has no {package.name} {package.version} ({instead}): build it anew, and deploy again"
        if not any(deb.arch in {ALL, arch} for deb in exact):
            return (
                f"{package.name} {package.version} of the bundle is for {exact[0].arch}, this node is {arch}: "
                "build the bundle for this node's architecture"
            )
    return ""


def _want(system: System, name: str) -> str:
    found = system.packages.get(name)
    return found.want if found else ""


def _doubt(system: System, name: str) -> str:
    found = system.packages[name]
    return found.state if found.flag == "ok" else f"{found.state}, {found.flag}"
