"""Backups that lie on the operator's machine, by store: which of them are whole, and which may be put back.

Owns: where they lie when nothing else is said. They hold the keys of clusters: this user's alone, and not encrypted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.backup import Damaged, Manifest, newest_first, read_name, refused, verify
from edgectl.wire.errors import InvalidInput, Refused


@dataclass(frozen=True, slots=True)
class Good:
    """One that is whole, and was compared with its manifest byte by byte."""

    path: Path
    manifest: Manifest


def home() -> Path:
    """Return where a user's backups lie (XDG base directories)."""
    found = os.environ.get("XDG_STATE_HOME", "")
    return (Path(found) if found.startswith("/") else Path.home() / ".local/state") / "edgectl" / "backups"


def here(folder: Path) -> list[Path]:
    """Return the backups of a folder, newest first, former clusters' behind; what was interrupted has no such name."""
    names = newest_first(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [folder / name for name in names]


def former(folder: Path, path: Path) -> list[Path]:
    """Return the backups beside one that are of other clusters of its store, newest first."""
    return [other for other in here(folder) if _cluster(other) != _cluster(path)]


def reached(good: Good, folder: Path) -> int:
    """Return the newest sequence that is known of a backup's cluster: what is deployed to it next is newer than all.

    An older backup may be put back; those that its cluster makes from then on count as newer than what was before.
    """
    read = (read_name(path.name) for path in here(folder))
    return max((name.sequence for name in read if name and name.cluster == good.manifest.cluster), default=0)


def _cluster(path: Path) -> str:
    found = read_name(path.name)
    return found.cluster if found else ""


def judged(path: Path, *, store: str, node: str, k3s: str) -> Good:
    """Return a backup that may be put back there.

    Raises Refused by name, and proposes the next older one beside it that may.
    """
    try:
        manifest = verify(path)
    except Damaged as error:
        raise Refused(str(error), hint=_instead(path, store=store, node=node, k3s=k3s), docs="backup") from error
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror or error}", hint="name a backup: --backup FILE"
        ) from error
    why, hint = refused(manifest, store=store, node=node, k3s=k3s)
    if why:
        raise Refused(f"{path.name}: {why}", hint=hint, docs="backup")
    return Good(path, manifest)


def _instead(path: Path, *, store: str, node: str, k3s: str) -> str:
    beside = here(path.parent)
    older = beside[beside.index(path) + 1 :] if path in beside else [one for one in beside if one != path]
    older = [one for one in older if path not in beside or _cluster(one) == _cluster(path)]
    for other in older:
        try:
            good = judged_alone(other, store=store, node=node, k3s=k3s)
        except (Damaged, OSError):
            continue
        if good is not None:
            taken = good.manifest.taken
            return f"the next older good one is of {taken}, sequence {good.manifest.sequence}: --backup {other}"
    return "no older one beside it is good; fetch one from where you keep them: --backup FILE"


def judged_alone(path: Path, *, store: str, node: str, k3s: str) -> Good | None:
    """Return one that may be put back there, None where it is whole and may not. Raises Damaged, OSError."""
    manifest = verify(path)
    return None if refused(manifest, store=store, node=node, k3s=k3s)[0] else Good(path, manifest)
