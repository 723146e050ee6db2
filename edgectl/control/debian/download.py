"""Packages with all that they need, downloaded into a folder.

Owns what is taken for installed: a node's own status file, or what every system has. Must not know bundles.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from edgectl.control.debian.apt import Apt, isolated, meaning
from edgectl.control.debian.control import ALL, Control
from edgectl.control.debian.file import control
from edgectl.control.debian.origin import Origin
from edgectl.control.staging import staged
from edgectl.wire.errors import InvalidInput, UsageError

_ASKED = re.compile(r"([a-z0-9][a-z0-9+.-]+)(?:=((?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*))?", re.ASCII)
_BROUGHT = re.compile(r"'([^']+)' (\S+) [0-9]+ ?.*")
_INST = re.compile(r"Inst (\S+) (?:\[\S+\] )?\((\S+) ")
_GET = re.compile(r"Get:[0-9]+ \S+ \S+ (?:\S+ (\S+) \S+|(\S+)) (\S+) \[.*\]$")  # of a flat source: no architecture
_ALLOW = ("--no-remove", "--allow-downgrades", "--allow-change-held-packages")
_LIMIT_SECONDS, _UPDATE_SECONDS, _DOWNLOAD_SECONDS = 120.0, 900.0, 3600.0
_STATUS_BYTES = 256 << 20

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """One package in the folder."""

    control: Control
    path: Path
    size: int


def download(
    asked: Sequence[str], to: Path, origin: Origin | None, say: Say, *, arch: str, status: Path | None = None
) -> tuple[Downloaded, ...]:
    """Download packages (NAME or NAME=VERSION) and what they need beyond what is installed.

    Installed is what a `status` file says, else what is essential or required in any system of the source. InvalidInput
    and Unreachable say what stands against it; then the folder is as it was.
    """
    names = dict(_name_and_version(word) for word in asked)
    with isolated(arch, origin) as apt:
        say("reads the packages' sources")
        updated = apt.get("update", limit=_UPDATE_SECONDS)
        if updated.code != 0:
            raise meaning(updated, "the packages' sources cannot be read")
        for name, version in names.items():
            _look_for(apt, name, version)
        if status is not None:
            _take_status(apt, status)
        else:
            _assume_base(apt)
        install = ("install", "--reinstall", *_ALLOW, *asked)
        listed = apt.get("--print-uris", *install, limit=_LIMIT_SECONDS)
        brought = [found for line in listed.out.splitlines() if (found := _BROUGHT.fullmatch(line.strip()))]
        if listed.code != 0:
            raise meaning(listed, f"{', '.join(asked)} cannot be installed together")
        got = 0

        def each(line: str) -> None:
            nonlocal got
            if found := _GET.match(line):
                got += 1
                say(f"{got} of {len(brought)}  {found[1] or found[2]} {found[3]}")

        done = apt.get("--download-only", *install, limit=_DOWNLOAD_SECONDS, each=each)
        if done.code != 0:
            raise meaning(done, "not all packages could be downloaded")
        files = [_file(apt, found) for found in brought]
        read = [control(path) for path in files]
        for name, version in names.items():
            if not any(one.name == name and version in ("", one.version) for one in read):
                raise InvalidInput(
                    f"package {name} is installed in a version that no source has any more ({status or 'the base'})",
                    hint="name a version that there is: NAME=VERSION",
                )
        return tuple(_put(path, one, to) for path, one in zip(files, read, strict=True))


def _name_and_version(word: str) -> tuple[str, str]:
    found = _ASKED.fullmatch(word)
    if found is None:
        raise UsageError(f"{word!r} is no package, like jq or jq=1.6-2.1", hint="one name, and its version after =")
    return found[1], found[2] or ""


def _take_status(apt: Apt, status: Path) -> None:
    """Take a node's packages for installed."""
    try:
        if status.stat().st_size > _STATUS_BYTES:
            raise InvalidInput(f"--status {status} is larger than any status file")
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInput(f"--status {status} cannot be read: {error.strerror}") from error
    arches = set(re.findall(r"^Architecture: (\S+)$", text, re.MULTILINE)) - {"all"}
    if not text.startswith("Package: "):
        raise InvalidInput(f"{status} is no /var/lib/dpkg/status of a node: it does not begin with a package")
    if arches and apt.arch not in arches:
        raise InvalidInput(
            f"{status} is of a machine for {', '.join(sorted(arches))}, not {apt.arch}", hint="see --arch"
        )
    apt.status.write_text(text, encoding="utf-8")


def _assume_base(apt: Apt) -> None:
    """Take for installed what is essential or required in every system, and what that needs."""
    names: set[str] = set()
    fields: dict[str, str] = {}

    def each(line: str) -> None:
        key, colon, value = line.partition(": ")
        fields.update({key: value} if colon and not key.startswith(" ") else {})
        if not line:
            always = fields.get("Essential") == "yes" or fields.get("Priority") == "required"
            names.update([fields["Package"]] if always and fields.get("Architecture") in (apt.arch, ALL) else [])
            fields.clear()

    listed = apt.ask("dumpavail", limit=_LIMIT_SECONDS, each=each)
    if listed.code != 0:
        raise meaning(listed, "the packages' sources cannot be read")
    if not names:
        return
    tried = apt.get("-s", "install", *sorted(names), limit=_LIMIT_SECONDS)
    if tried.code != 0:
        raise meaning(tried, "what every system has cannot be told: give a node's own with --status")
    base = [f"{found[1]}={found[2]}" for found in map(_INST.match, tried.out.splitlines()) if found]
    shown = apt.ask("show", *base, limit=_LIMIT_SECONDS)
    if shown.code != 0:
        raise meaning(shown, "what every system has cannot be told")
    text = re.sub(r"^(Package: .*)$", r"\1\nStatus: install ok installed", shown.out, flags=re.MULTILINE)
    apt.status.write_text(f"{text.strip()}\n\n", encoding="utf-8")


def _look_for(apt: Apt, name: str, version: str) -> None:
    """Say when a package, or its version, is in no source."""
    table = apt.ask("madison", name, limit=_LIMIT_SECONDS).out
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    versions = list(dict.fromkeys(row[1] for row in rows if len(row) > 1 and row[0] == name))
    if not versions:
        raise InvalidInput(
            f"there is no package {name} for {apt.arch} in the packages' sources",
            hint="look at its name, at --suite, and at --component (NVIDIA's are in Debian's non-free)",
        )
    if version and version not in versions:
        raise InvalidInput(
            f"package {name} {version} is not in the packages' sources (they have {', '.join(versions)})",
            hint="an archive keeps few versions; a mirror of your own keeps those that you need",
        )


def _file(apt: Apt, found: re.Match[str]) -> Path:
    """Return where apt has put a package, held against its digest; one of a local folder stays there."""
    address, name = found.groups()
    path = apt.archives / name
    if not path.is_file() and address.startswith("file:"):
        path = Path(unquote(address.removeprefix("file:")))
    if not path.is_file():
        raise InvalidInput(f"apt has not brought {name}", hint="run the same command again")
    return path


def _put(path: Path, found: Control, to: Path) -> Downloaded:
    """Put a package into the folder under a name that says all of it; an epoch's colon as apt writes it."""
    name = f"{found.name}_{found.version.replace(':', '%3a')}_{found.arch}.deb"
    try:
        with path.open("rb") as source, staged(to / name) as stream:
            shutil.copyfileobj(source, stream, 1 << 20)
    except OSError as error:
        raise InvalidInput(f"{to} cannot be written: {error.strerror}", hint="name another folder with --to") from error
    return Downloaded(found, to / name, (to / name).stat().st_size)
