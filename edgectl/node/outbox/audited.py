"""This node's audit, handed to an operator over the link: what comes behind the line that it has last.

Owns: the answer to the question `audit`. Nothing is taken away, and nothing is judged here: whether an audit can be
believed is for those to say who do not live on this machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.node.io.places import Places
from edgectl.wire.audit import Head, digest, parts, read
from edgectl.wire.frame import Frames


def hand_audit(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Send the lines behind `head`, file by file; all of them where no line bears that name any more."""
    known = Head.of(str(frame.get("head", "")))
    files = parts(places.audit)
    begins = _behind(files, known) if known else None
    for number, path in enumerate(files):
        skip = 0
        if begins is not None:
            if number < begins[0]:
                continue
            skip = begins[1] if number == begins[0] else 0
        with path.open("rb") as file:
            file.seek(skip)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]  # a line that is being written is told the next time
        if data:
            frames.send("audit-part", bytes=len(data))
            frames.send_bytes(data)
    frames.send("audited", goes_on=begins is not None or known is None)


def _behind(files: list[Path], known: Head) -> tuple[int, int] | None:
    """Return in which file, and where in it, the line behind a known one begins; None where that line is not there."""
    for number in reversed(range(len(files))):
        offset = 0
        for line in files[number].read_bytes().split(b"\n")[:-1]:
            offset += len(line) + 1
            record = read(line)
            if record is not None and record["n"] == known.n and digest(line) == known.line:
                return number, offset
    return None
