"""The same k3s under another version: one that a store can be upgraded to without a second compile.

Its programs are the same byte for byte; only what it says of its version differs, and so its digest. Owns that a label
takes the place of one that is as long. Works on the stand-in, whose version is stamped in at its build; must not be
used for anything that a real difference between two versions would show.
"""

from __future__ import annotations

from pathlib import Path


def relabel(program: Path, into: Path, old: str, new: str) -> Path:
    """Write a copy that says `new` wherever the program says `old`; ValueError where that cannot be."""
    if len(old) != len(new):
        raise ValueError(f"{new} is not as long as {old}: it has no place in the program")
    data = program.read_bytes()
    if old.encode() not in data:
        raise ValueError(f"{program} does not say {old} anywhere")
    into.write_bytes(data.replace(old.encode(), new.encode()))
    into.chmod(0o755)
    return into
