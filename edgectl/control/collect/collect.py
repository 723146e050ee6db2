"""One node asked for what it has to tell and is not here yet.

Owns: the conversation. Each entry is kept as it comes: where the link breaks, the next collect goes on behind the last.
Must not know which stores there are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgectl.control.audit.copy import Copy
from edgectl.control.collect.record import Record, Told
from edgectl.control.deploy.answered import need
from edgectl.control.deploy.look import Open, speaking
from edgectl.control.link.session import Session
from edgectl.wire.errors import NotReady

_MOST_BYTES = 8 << 20  # of one entry on its way


@dataclass(slots=True)
class Collected:
    """What came from one node: how many entries of each kind, what it cost, and how the node stands by its word."""

    new: dict[str, int] = field(default_factory=dict)
    audit: int = 0  # lines of its audit that are new here
    link_bytes: int = 0
    newest: dict[str, Any] = field(default_factory=dict)


def folder() -> Path:
    """Return where a user's record lies when nothing else is said (XDG base directories)."""
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local/state") / "edgectl" / "collected"


def collect(connect: Open, record: Record) -> Collected:
    """Take what is newer than the record; raises Unreachable, Locked, NotReady. What came before that is kept.

    Whatever is wrong with one node's words, or with its folder here, is that node's answer: others are asked all the
    same.
    """
    try:
        return _collect(connect, record)
    except OSError as error:
        raise NotReady(
            f"{record.folder} cannot be written: {error.strerror or error}",
            hint="free space there, or keep the record elsewhere: --to DIR",
        ) from error
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise NotReady(
            f"what the node tells cannot be read: {type(error).__name__}", hint="use a matching edgectl"
        ) from error


def _collect(connect: Open, record: Record) -> Collected:
    found = Collected()
    with record.held(), speaking(connect) as session:
        need(session.frames.receive(), "hello")
        box, after = record.have()
        session.frames.send("outbox", box=box, after=after)
        while (frame := session.frames.receive())["op"] != "handed":
            need(frame, "entry")
            size = int(frame["bytes"])
            if not 0 <= size <= _MOST_BYTES:
                raise NotReady(f"the node announces {size} bytes of one entry", hint="use a matching edgectl")
            data = bytearray()
            session.frames.receive_bytes(size, data.extend)
            told = Told(int(frame["n"]), str(frame["box"]), str(frame["kind"]), str(frame["run"]), bytes(data))
            if record.keep(told, got=datetime.now(UTC).isoformat(timespec="seconds")):
                found.new[told.kind] = found.new.get(told.kind, 0) + 1
        found.audit = _audit(session, Copy(record.folder))
        found.link_bytes = session.link_bytes
        found.newest = record.newest()
    return found


def _audit(session: Session, copy: Copy) -> int:
    """Take what its audit has behind the last line here; where it tells another story, both are kept."""
    session.frames.send("audit", head=copy.head())
    data = bytearray()
    while (frame := session.frames.receive())["op"] == "audit-part":
        size = int(frame["bytes"])
        if not 0 <= size <= _MOST_BYTES - len(data):
            raise NotReady(f"the node announces {size} bytes of its audit", hint="use a matching edgectl")
        session.frames.receive_bytes(size, data.extend)
    if frame["op"] == "error":
        return 0  # an engine that keeps none
    need(frame, "audited")
    if not frame["goes_on"]:
        copy.set_aside()
    if data:
        copy.add(bytes(data))
    copy.asked()
    return data.count(b"\n")
