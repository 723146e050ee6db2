"""What dpkg knows of this system's packages: one program for all of them.

Owns: how its answer is read. Must not know what is declared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places

_FIELDS = ("db:Status-Want", "db:Status-Eflag", "db:Status-Status", "Package", "Architecture", "Version", "Provides")
_FORM = "\\t".join(f"${{{field}}}" for field in _FIELDS) + "\\n"
_GONE = frozenset({"not-installed", "config-files"})
HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Package:
    """One package as dpkg has it. `want` is what people and apt want of it, `hold` among others."""

    name: str
    version: str
    arch: str
    want: str = "install"
    flag: str = "ok"
    state: str = "installed"
    provides: frozenset[str] = frozenset()

    @property
    def is_there(self) -> bool:
        """Some of it is unpacked."""
        return self.state not in _GONE

    @property
    def is_whole(self) -> bool:
        """It is unpacked, configured, and dpkg has no doubt about it."""
        return self.state == "installed" and self.flag == "ok"


@dataclass(frozen=True, slots=True)
class System:
    """All that dpkg has. `is_interrupted`: it was stopped in the midst of its work, and says so."""

    packages: dict[str, Package] = field(default_factory=dict)
    is_interrupted: bool = False

    def version(self, name: str) -> str:
        """Return the version that is there; "" when none is."""
        found = self.packages.get(name)
        return found.version if found and found.is_there else ""

    def is_whole(self, name: str, version: str) -> bool:
        """Tell whether exactly this is there, and configured."""
        found = self.packages.get(name)
        return found is not None and found.is_whole and found.version == version

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of what is neither gone nor whole."""
        return tuple(name for name, one in self.packages.items() if one.is_there and not one.is_whole)


def database(places: Places) -> Path:
    """Return dpkg's own folder."""
    return places.root / "var/lib/dpkg"


def look(read: Look) -> System:
    """Ask dpkg; LookFailed when it cannot tell."""
    folder = database(read.places)
    ran = read.run("dpkg-query", f"--admindir={folder}", "-W", "-f", _FORM)
    if not ran.ok:
        raise LookFailed(
            f"dpkg cannot read its own database: {ran.last_words} (the day before lies in /var/backups/dpkg.status.0)",
            evidence=ran.evidence(),
        )
    return System(parsed(ran.out), any(name.isdigit() for name in read.names(folder / "updates")))


def native(read: Look, system: System) -> str:
    """Return the architecture of this system, as Debian calls it."""
    if (own := system.packages.get("dpkg")) is not None:
        return own.arch
    ran = read.run("dpkg", "--print-architecture")
    if not ran.ok:
        raise LookFailed(f"dpkg does not tell this system's architecture: {ran.last_words}", evidence=ran.evidence())
    return ran.out.strip()


def parsed(text: str) -> dict[str, Package]:
    """Read dpkg-query's rows; of a package in several architectures, dpkg's own counts."""
    rows = [_row(line) for line in text.splitlines() if line]
    own = next((row.arch for row in rows if row.name == "dpkg"), "")
    found: dict[str, Package] = {}
    for row in rows:
        if row.name not in found or row.arch == own:
            found[row.name] = row
    return found


def _row(line: str) -> Package:
    try:
        want, flag, state, name, arch, version, provides = line.split("\t")
    except ValueError as error:
        raise LookFailed(f"dpkg says what is not understood: {line[:200]}") from error
    return Package(name, version, arch, want, flag, state, names(provides))


def names(relation: str) -> frozenset[str]:
    """Return the names in a relation between packages (Provides, Conflicts, Depends), versions left out."""
    words = (word.strip() for part in relation.split(",") for word in part.split("|"))
    return frozenset(word.partition(" ")[0].partition("(")[0].partition(":")[0] for word in words if word)
