"""What drift keeps over a restart: one small JSON file, old or new, never torn.

Owns: its form, and that one which cannot be read is learnt anew, never an error. Must not know what is in a memory.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.stack.drift.camera import Memory
from edgectl.wire.document import canonical, from_json

FORMAT = 1
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """The whole file. `parts`: of the day; with another number of them the references mean something else."""

    format: int
    parts: int
    cameras: dict[str, Memory] = field(default_factory=dict)


def load(file: Path, parts: int) -> tuple[dict[str, Memory], str]:
    """Return what is known of each camera, and why it is nothing ("" when it is something)."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            return {}, f"{file} is larger than {MAX_BYTES} bytes"
        kept = from_json(Kept, json.loads(text))
    except FileNotFoundError:
        return {}, f"{file} is not there yet"
    except OSError as error:
        return {}, f"{file} cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        return {}, f"{file} is not what drift writes: {error}"
    if (kept.format, kept.parts) != (FORMAT, parts):
        return {}, f"{file} is of format {kept.format} with {kept.parts} parts of the day, not {FORMAT} with {parts}"
    return kept.cameras, ""


def save(file: Path, parts: int, cameras: dict[str, Memory]) -> str:
    """Write it; return what is wrong in one sentence, "" when it is on the disk."""
    new = file.with_name(f".{file.name}.new")
    try:
        with new.open("wb") as opened:
            opened.write(canonical(Kept(FORMAT, parts, cameras)))
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        return f"what was learnt cannot be kept in {file}: {error.strerror}"
    return ""
