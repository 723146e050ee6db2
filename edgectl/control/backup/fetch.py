"""Backups asked of a store's lead: a list, a new one, its bytes; and one sent to the machine that stands in its place.

Owns: these conversations. Bytes that have come are kept when the link dies, and asked for no more.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgectl.control.backup.folder import Good
from edgectl.control.deploy.answered import need
from edgectl.control.deploy.look import Open, ask, speaking
from edgectl.control.deploy.operator import asker
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.session import Session
from edgectl.control.staging import move_synced
from edgectl.wire.backup import Damaged, read_name, verify
from edgectl.wire.errors import InvalidInput, NotReady
from edgectl.wire.frame import CHUNK_BYTES

_TRIES = 5
_PAUSE_SECONDS = 2.0
_CHUNK = 1 << 20


def listed(connect: Open) -> list[dict[str, Any]]:
    """Return what lies on the node, newest first."""
    return [dict(row) for row in _asked(ask(connect, "backup", deed="list"), "backups")["backups"]]


def taken(connect: Open) -> dict[str, Any]:
    """Let the node take one now; returns what it says of it."""
    return _asked(ask(connect, "backup", deed="take", who=asker()), "backup")


def fetch(connect: Open, name: str, folder: Path, *, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Bring one here; returns its file, which is whole. A link that dies is taken up again where it was."""
    if read_name(name) is None:
        raise NotReady(f"the node calls a backup {name!s:.60}", hint="use a matching edgectl")
    try:
        if not folder.is_dir():  # one that is there has the mode that its owner has given it
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for tries in range(1, _TRIES + 1):
            try:
                return _fetch(connect, name, folder)
            except LinkLost:
                if tries == _TRIES:
                    raise
                sleep(_PAUSE_SECONDS)
    except OSError as error:
        raise InvalidInput(
            f"{folder} cannot be written: {error.strerror or error}", hint="free space, or --to DIR"
        ) from error
    raise AssertionError("unreachable")


def _fetch(connect: Open, name: str, folder: Path) -> Path:
    path, part = folder / name, folder / f".{name}.part"
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        have = part.stat().st_size if part.is_file() else 0
        about = {"name": name, "have_bytes": have, "who": asker(), "key": session.key}
        session.frames.send("backup", deed="fetch", **about)
        announced = session.frames.receive()
        if announced["op"] == "error" and have:  # another file under that name, by a node that was installed anew
            part.unlink()
        need(announced, "rest")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            session.frames.receive_bytes(int(announced["bytes"]), file.write)
    if _digest(part) != announced["digest"]:
        part.unlink()
        raise NotReady(f"{name} arrived with other bytes than the node has; it was thrown away", hint="run it again")
    try:
        verify(part)
    except Damaged as error:
        part.unlink()
        raise NotReady(
            f"{name} is damaged on the node: {error}", hint="take a new one, and look at its disk"
        ) from error
    move_synced(part, path, mode=0o600)
    return path


def send(connect: Open, good: Good, *, node: str, k3s: str, said: Callable[[int], None]) -> bool:
    """Let a fresh machine put a backup back; False when it had done so before. `said`: how many bytes go."""
    size = good.path.stat().st_size
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        about = {"store": good.manifest.store, "node": node, "k3s": k3s, "who": asker(), "key": session.key}
        session.frames.send("restore", digest=_digest(good.path), size=size, **about)
        answer = _beyond_beats(session)
        if answer["op"] == "want":
            have = int(answer["have_bytes"])
            said(size - have)
            session.frames.send("rest", bytes=size - have)
            with good.path.open("rb") as file:
                file.seek(have)
                while data := file.read(CHUNK_BYTES):
                    session.frames.send_bytes(data)
            answer = _beyond_beats(session)
        need(answer, "restored")
        return not answer["again"]


def forget(connect: Open, name: str, *, anyway: bool) -> list[str]:
    """Let the lead forget a machine that died; returns what it has taken out of the cluster."""
    answer = ask(connect, "forget-node", name=name, anyway=anyway, who=asker())
    return list(map(str, _asked(answer, "forgotten")["gone"]))


def hello(connect: Open) -> dict[str, Any]:
    """Return what a node says of itself first."""
    with speaking(connect) as session:
        found = session.frames.receive()
        need(found, "hello")
        return found


def _beyond_beats(session: Session) -> dict[str, Any]:
    while (frame := session.frames.receive())["op"] == "beat":
        pass
    return frame


def _asked(frame: dict[str, Any], op: str) -> dict[str, Any]:
    need(frame, op)
    return frame


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            total.update(data)
    return f"sha256:{total.hexdigest()}"
