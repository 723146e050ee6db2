"""This node's audit, handed to an operator over the link: what comes behind the line that it has last.

Owns: the answer to the question `audit`. Nothing is taken away, and nothing is judged here: whether an audit can be
believed is for those to say who do not live on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO

from edgectl.node.io.places import Places
from edgectl.wire.audit import Head, digest, parts, read
from edgectl.wire.frame import Frames


def hand_audit(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Send the lines behind `head`, file by file; all of them where no line bears that name any more."""
    known = Head.of(str(frame.get("head", "")))
    paths = parts(places.audit)
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("rb")) for path in paths]  # first: a name may soon be another file's
        if parts(places.audit) != paths:  # it is just that
            hand_audit(places, frames, frame)
            return
        begins = _behind(files, known) if known else None
        first, skip = begins or (0, 0)
        for number, file in enumerate(files[first:]):
            file.seek(0 if number else skip)
            data = file.read()
            data = data[: data.rfind(b"\n") + 1]  # a line that is being written is told the next time
            if data:
                frames.send("audit-part", bytes=len(data))
                frames.send_bytes(data)
    frames.send("audited", goes_on=begins is not None or known is None)


def _behind(files: Sequence[BinaryIO], known: Head) -> tuple[int, int] | None:
    """Return in which file, and where in it, the line behind a known one begins; None where that line is not there."""
    for number in reversed(range(len(files))):
        offset = 0
        for line in files[number].read().split(b"\n")[:-1]:
            offset += len(line) + 1
            record = read(line)
            if record is not None and record["n"] == known.n and digest(line) == known.line:
                return number, offset
    return None
