"""A copy of an SQLite database that somebody else has open, whole and proven.

Must not know what is in it. Raises OSError only.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from edgectl.node.io.files import sync_dir

_BUSY_SECONDS = 30.0


def copy_database(source: Path, path: Path) -> None:
    """Copy by SQLite's own backup, which sees one state of a database that is written meanwhile; then check it."""
    import sqlite3  # a run in a thousand needs it

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.edgectl-new")
    temporary.unlink(missing_ok=True)
    try:
        # rw, not rwc: where there is none, none is made.
        have = sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
        with closing(have), closing(sqlite3.connect(temporary)) as new:
            have.backup(new)
            found = str(new.execute("PRAGMA integrity_check").fetchone()[0])
        _settle(temporary, path, "" if found == "ok" else f"the database is damaged: {found}")
    except sqlite3.Error as error:
        raise OSError(0, str(error), str(source)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _settle(temporary: Path, path: Path, damage: str) -> None:
    if damage:
        raise OSError(0, damage, str(path))
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    sync_dir(path.parent)
