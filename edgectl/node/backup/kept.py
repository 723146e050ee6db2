"""The backups that lie on this node, newest first, and how many of them stay.

Owns: /var/lib/edgectl/saved. What is half written has no such name, and is none. Must not know how one is taken.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from edgectl.node.io.files import sha256_of, sync_dir
from edgectl.node.io.places import Places
from edgectl.wire.backup import CA, cluster_of, newest_first, of_cluster, read_name
from edgectl.wire.errors import UsageError

STAMP = "%Y%m%dT%H%M%SZ"


def kept(places: Places) -> list[Path]:
    """Return them, newest first; those of the store's former clusters, too, behind."""
    folder = places.saved
    return [folder / name for name in newest_first(path.name for path in _here(folder))]


def named(places: Places, name: str) -> Path:
    """Return one by its name; UsageError names those that are there."""
    found = [path for path in kept(places) if path.name == name]
    if not found:
        there = ", ".join(path.name for path in kept(places)) or "none"
        raise UsageError(f"this node has no backup {name!s:.80}", hint=f"it has: {there}")
    return found[0]


def moments(places: Places) -> list[datetime]:
    """Return when each of this cluster was taken, by the clock of then; another cluster's say nothing of it."""
    found, cluster = [], cluster_of(sha256_of(places.k3s_data / CA))
    for path in kept(places):
        name = read_name(path.name)
        with suppress(ValueError):
            if name is not None and name.cluster == cluster:
                found.append(datetime.strptime(name.taken, STAMP).replace(tzinfo=timezone.utc))
    return found


def prune(places: Places, keep: int, made: Path) -> None:
    """Take the oldest of a new one's cluster away, and what kills have left half; the new one stays, whatever it says.

    Those of former clusters stay: they are all that is left of them, and a person's to throw away.
    """
    name = read_name(made.name)
    mine = of_cluster((path.name for path in kept(places)), name.cluster if name else "")
    for old in [one for one in mine if one != made.name][max(keep, 1) - 1 :]:
        (places.saved / old).unlink(missing_ok=True)
    for path in _here(places.saved):
        if path.name.endswith(".edgectl-new"):
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
    if places.saved.is_dir():
        sync_dir(places.saved)


def _here(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else ()
