"""Where packages come from: the archives of the supported systems, a mirror of one, or a repository of one's own.

Owns what is known of Debian's and Ubuntu's archives, and the form that apt reads (sources.list(5), deb822).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.errors import UsageError

_DEBIAN, _UBUNTU = "Debian", "Ubuntu"
_SYSTEMS = {"bookworm": _DEBIAN, "trixie": _DEBIAN, "jammy": _UBUNTU, "noble": _UBUNTU}
_COMPONENTS = {
    _DEBIAN: ("main", "contrib", "non-free", "non-free-firmware"),
    _UBUNTU: ("main", "restricted", "universe", "multiverse"),
}
_KEYRINGS = {
    _DEBIAN: Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    _UBUNTU: Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}


@dataclass(frozen=True, slots=True)
class Archive:
    """One address with some suites of one set of components."""

    address: str
    suites: tuple[str, ...]
    components: tuple[str, ...]

    def stanza(self, keyring: Path | None) -> str:
        """Return it as apt reads it; `keyring` alone is then trusted."""
        lines = ["Types: deb", f"URIs: {self.address}", f"Suites: {' '.join(self.suites)}"]
        lines += [f"Components: {' '.join(self.components)}"] if self.components else []
        lines += [f"Signed-By: {keyring}"] if keyring else []
        return "\n".join(lines) + "\n\n"


@dataclass(frozen=True, slots=True)
class Origin:
    """Archives, and the file of the keys that sign them; without one the machine's own keys are asked."""

    archives: tuple[Archive, ...]
    keyring: Path | None

    @property
    def local(self) -> tuple[Path, ...]:
        """The folders of this machine among them."""
        found = (archive.address.partition(":") for archive in self.archives)
        return tuple(Path("/" + path.lstrip("/")) for scheme, _, path in found if scheme in ("file", "copy"))


def origin(
    suites: tuple[str, ...], mirror: str, components: tuple[str, ...], keyring: Path | None, arch: str
) -> Origin:
    """Return where to look; UsageError where that is not said.

    A supported system is known with its updates, its security archive and its keys; other suites of it come alone.
    """
    if not suites:
        raise UsageError(
            "--mirror needs a --suite", hint='bookworm, noble, ...; "./" for a folder with a Packages file'
        )
    for word in (*suites, *components, mirror):
        if any(letter.isspace() for letter in word):
            raise UsageError(f"{word!r} cannot be a suite, a component or an address: it has a blank in it")
    system = _SYSTEMS.get(suites[0].partition("-")[0], "")
    if keyring is None and system and not _KEYRINGS[system].is_file() and not mirror:
        package = f"{system.lower()}-{'archive-' if system == _DEBIAN else ''}keyring"
        raise UsageError(
            f"there are no keys of {system}'s archive on this machine ({_KEYRINGS[system]})",
            hint=f"install {package}, or name a file of keys with --keyring",
        )
    keys = keyring or (_KEYRINGS[system] if system and _KEYRINGS[system].is_file() else None)
    flat = suites[0].endswith("/")
    some = () if flat else components or _COMPONENTS.get(system, ("main",))
    if mirror:
        return Origin((Archive(mirror, suites, some),), keys)
    if not system:
        raise UsageError(
            f"which archive has {suites[0]} is not known", hint=f"known: {', '.join(_SYSTEMS)}; or --mirror"
        )
    return Origin(_official(suites, system, some, arch), keys)


def _official(suites: tuple[str, ...], system: str, components: tuple[str, ...], arch: str) -> tuple[Archive, ...]:
    ends = {True: ("", "-updates", "-security"), False: ("",)}  # bookworm-backports has neither
    every = tuple(dict.fromkeys(f"{suite}{end}" for suite in suites for end in ends[suite in _SYSTEMS]))
    if system == _UBUNTU:
        ports = "http://ports.ubuntu.com/ubuntu-ports"
        return (Archive("http://archive.ubuntu.com/ubuntu" if arch == "amd64" else ports, every, components),)
    secure = tuple(suite for suite in every if suite.endswith("-security"))
    others = tuple(suite for suite in every if suite not in secure)
    places = {"http://deb.debian.org/debian": others, "http://deb.debian.org/debian-security": secure}
    return tuple(Archive(address, some, components) for address, some in places.items() if some)
