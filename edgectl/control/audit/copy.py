"""A node's audit as it was collected: a file that only grows, beside what else that node has told.

Owns: the file, and what becomes of it where the node tells another story than before: both are kept.
Must not know links, nor judge (check.py).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from edgectl.control.staging import LINE_BYTES, append_lines, sync_folder
from edgectl.wire.audit import Head, digest, read

NAME, GOT = "audit.jsonl", "audit.got"  # the lines; when they were asked for last, by the clock here


class Copy:
    """One node's audit in the folder of its record."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def head(self) -> str:
        """Return the last line that is here, by its name; "" where there is none."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - LINE_BYTES, 0))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return ""
        for line in reversed(lines):
            if (record := read(line)) is not None:
                return str(Head(record["chain"], record["n"], digest(line)))
        return ""

    def add(self, data: bytes) -> None:
        """Add lines durably, behind the last whole one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        append_lines(self._path, data)

    def asked(self) -> None:
        """Note that the node has told all that it had, now."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        (self._path.parent / GOT).write_text(now + "\n", encoding="ascii")

    def set_aside(self) -> None:
        """Keep what is here under another name: the node tells something else now, and both are evidence."""
        if not self._path.exists():
            return
        number = len(self.earlier(self._path.parent)) + 1
        self._path.rename(self._path.with_name(f"audit.was-{number}.jsonl"))
        sync_folder(self._path.parent)

    @staticmethod
    def earlier(folder: Path) -> list[Path]:
        """Return what was set aside, oldest first."""
        found = [path for path in folder.glob("audit.was-*.jsonl") if path.stem[10:].isdecimal()]
        return sorted(found, key=lambda path: int(path.stem[10:]))
