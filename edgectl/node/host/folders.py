"""Step: folders of this node in which pods that are not root keep what must survive them.

A link is followed nowhere on the way, and all folders above are root's: else whoever owns one of them could have
another given away. What lies in a folder is never looked at, and a folder that is declared no more stays. One that
is the system's and not empty is not given to a pod, whatever a chart asks for (/var/lib/dpkg).
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.folder import refused_folder
from edgectl.wire.payload import ManagedFolder

_PEOPLE = 1000  # users below it are the system's (login.defs(5), UID_MIN)


@dataclass(frozen=True)
class Folders:
    """They belong to the apps: a release that keeps something there waits for them."""

    folders: tuple[ManagedFolder, ...]
    id: str = "host-folders"
    title: str = "host folders"
    wait: Wait = Wait(limit_seconds=0)
    needs: tuple[str, ...] = ("host",)

    def probe(self, read: Look) -> Observation:
        """Compare kind, owner and mode with the declaration."""
        differences: list[tuple[str, str, str]] = []
        for folder in self.folders:
            if why := refused_folder(folder.path, folder.owner) or _in_the_way(read, folder):
                return Observation(Status.FAILED, why)
            want = f"user {folder.owner}, {folder.mode}"
            have = _shown(read, folder.path)
            if have != want:
                differences.append((folder.path, have, want))
        if differences:
            names = ", ".join(path for path, _, _ in differences)
            return Observation(Status.DRIFTED, f"{names} differ from what is declared", differences=tuple(differences))
        return Observation(Status.CURRENT, f"{len(self.folders)} of pods")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Make and give away what differs."""
        changed = {path for path, _, _ in seen.differences}
        for folder in self.folders:
            if folder.path in changed:
                path = write.places.root / folder.path.lstrip("/")
                try:
                    write.own_folder(path, below=write.places.root, owner=folder.owner, mode=int(folder.mode, 8))
                except OSError as error:
                    raise ApplyFailed(f"{folder.path} could not be made: {error.strerror}") from error


def _shown(read: Look, path: str) -> str:
    found = read.entry(read.places.root / path.lstrip("/"))
    if found is None:
        return "missing"
    group = "" if found.st_gid == found.st_uid else f" with group {found.st_gid}"
    return f"user {found.st_uid}{group}, {stat.S_IMODE(found.st_mode):04o}"


def _in_the_way(read: Look, folder: ManagedFolder) -> str:
    """Return what keeps a folder from being given away safely: a link, a file, another's way to it, or its content."""
    here, names = read.places.root, Path(folder.path).parts[1:]
    root, found = here.stat().st_uid, None
    for index, name in enumerate(names):
        here /= name
        found = read.entry(here)
        if found is None:
            return ""
        shown = "/" + "/".join(names[: index + 1])
        if not stat.S_ISDIR(found.st_mode):
            kind = "a link, which is not followed" if stat.S_ISLNK(found.st_mode) else "no folder"
            return f"{shown} is {kind}; take it away, or name another folder in the release's values"
        writable = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        if index < len(names) - 1 and (found.st_uid != root or writable):
            return f"{shown} can be written to by others than root: chown root:root {shown} && chmod go-w {shown}"
    if found is not None and found.st_uid != folder.owner and found.st_uid < _PEOPLE and read.names(here):
        return f"{folder.path} holds what is user {found.st_uid}'s: name another folder in the release's values"
    return ""
