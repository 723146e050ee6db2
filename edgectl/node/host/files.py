"""Step: files that edgectl owns have the declared text and mode."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.host.owned import Owned
from edgectl.node.host.readers import Readers
from edgectl.node.io.look import Hands, Look
from edgectl.wire.host import setting
from edgectl.wire.payload import ManagedFile

_RETIRED = "retired"


@dataclass(frozen=True)
class Files:
    """Owned by root. Who needs a restart after a change sees that itself, by what it was started with or by a mark."""

    id: str
    title: str
    files: tuple[ManagedFile, ...]
    needs: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()  # paths that are ours to write and, undeclared, must not be there
    readers: dict[str, tuple[str, ...]] | None = None  # path -> units of the system that read it; None: not asked
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare text and mode with the declaration."""
        declared = {file.path for file in self.files}
        differences: list[tuple[str, str, str]] = [
            (path, "present", "absent")
            for path in self.absent
            if path not in declared and read.text(read.places.root / path.lstrip("/")) is not None
        ]
        differences += [(path, "present", _RETIRED) for path in sorted(Owned(read, self.id).paths() - declared)]
        for file in self.files:
            path = read.places.root / file.path.lstrip("/")
            entry = read.entry(path)
            if entry is not None and stat.S_ISLNK(entry.st_mode):  # what it leads to is not ours, whatever it says
                differences.append((file.path, "a symbolic link", "a file"))
                continue
            have = read.text(path)
            if have is None:
                differences.append((file.path, "missing", f"{len(file.text.encode())} bytes"))
            elif have != file.text:
                secret = not int(file.mode, 8) & 0o004  # what not everybody may read is not quoted anywhere
                shown = ("another text", "the declared one") if secret else first_difference(have, file.text)
                differences.append((file.path, *shown))
            elif read.mode(path) != int(file.mode, 8):
                differences.append((f"{file.path} mode", f"{read.mode(path) or 0:04o}", file.mode))
        if differences:
            names = ", ".join(path for path, _, _ in differences)
            return Observation(Status.DRIFTED, f"{names} differ from what is declared", differences=tuple(differences))
        return Observation(Status.CURRENT, f"{len(self.files)} files as declared")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Write what differs, take away what is declared no more."""
        changed = {path.removesuffix(" mode") for path, _, _ in seen.differences}
        owned = Owned(write, self.id)
        with _as_failed("the list of managed files"):
            owned.claim(write, [file.path for file in self.files if file.path in changed])
            if self.readers is not None:
                Readers(write).mark(write, changed, self.readers)
        for file in self.files:
            if file.path in changed:
                with _as_failed(file.path):
                    write.write(write.places.root / file.path.lstrip("/"), file.text, mode=int(file.mode, 8))
        for name, _, want in seen.differences:
            if want == "absent" and name in self.absent:
                write.remove(write.places.root / name.lstrip("/"))
        retired = [path for path, _, want in seen.differences if want == _RETIRED]
        if retired:
            with _as_failed(", ".join(retired)):
                owned.retire(write, retired)
                if self.readers is not None:
                    Readers(write).forget(write, retired)


@contextmanager
def _as_failed(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ApplyFailed(f"{what} could not be written: {error.strerror}") from error


def first_difference(have: str, want: str) -> tuple[str, str]:
    """Return the first line that differs, as it is and as it should be; long lines are cut."""
    old, new = have.splitlines(), want.splitlines()
    for index in range(max(len(old), len(new))):
        left = old[index] if index < len(old) else ""
        right = new[index] if index < len(new) else ""
        if left != right:
            return left.strip()[:120], right.strip()[:120]
    return "line end", "line end"


@dataclass(frozen=True)
class Sysctls:
    """Kernel settings as they are now; the file in /etc/sysctl.d that keeps them over a boot is a managed file."""

    settings: dict[str, str]
    id: str = "sysctls"
    title: str = "kernel settings"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare /proc/sys with the declaration."""
        differences = []
        for key, want in sorted(self.settings.items()):
            have = read.text(read.places.root / "proc/sys" / setting(key))
            if have is None or have.split() != want.split():
                differences.append((key, "missing" if have is None else " ".join(have.split()), want))
        if differences:
            reason = ", ".join(key for key, _, _ in differences) + " differ"
            return Observation(Status.DRIFTED, reason, differences=tuple(differences))
        return Observation(Status.CURRENT, f"{len(self.settings)} settings")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Set what differs."""
        for key, _, want in seen.differences:
            ran = write.change("sysctl", "-w", f"{key}={want}", limit_seconds=10)
            if not ran.ok:
                raise ApplyFailed(f"{key} could not be set: {ran.last_words}", evidence=ran.evidence())
