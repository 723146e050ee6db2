"""Put a backup back on a fresh machine, before its first deploy: k3s then starts with the cluster that was.

Owns: the answer to the question `restore`, and /var/lib/edgectl/restored.json, which says what was put back. Nothing
starts k3s meanwhile: a machine on which edgectl or k3s has been is refused, and a deploy finds it locked. Killed
anywhere in here, the same question begins again with what has come.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgectl.node.audit import sender_of
from edgectl.node.converge.slots import Slots
from edgectl.node.io.files import sha256_of, sync_dir, write_atomic
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.receive import SILENCE_SECONDS
from edgectl.node.sending import hold, meet
from edgectl.node.working import working
from edgectl.wire.backup import Damaged, Manifest, refused, verify
from edgectl.wire.document import canonical, is_digest
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import NotReady, Refused, UsageError
from edgectl.wire.frame import Frames

_MOST_BYTES = 64 << 30
_NODE_PASSWORD = "etc/node/password"  # noqa: S105 - a name
_MARK = "edgectl-restored"  # in the folder of the server: which backup it was made of


def answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Take a backup from the link and put it back. Raises Locked, Refused, NotReady, OSError."""
    digest, size = str(frame["digest"]), int(frame["size"])
    if not is_digest(digest) or not 0 < size <= _MOST_BYTES:
        raise UsageError("this is no backup that could come here", hint="use the same edgectl everywhere")
    offer = Envelope(str(frame["store"]), str(frame["node"]), digest, "", "", 0, "", sender_of(frame))
    with hold(places, offer):  # to the end, also when the operator has gone: no deploy begins meanwhile
        meet(places, offer)
        if _is_here(places, digest):
            frames.send("restored", again=True)
            return
        _fresh(places, digest)
        part = places.staging / f"{digest.removeprefix('sha256:')}.backup"
        with frames.patience(SILENCE_SECONDS):
            _receive(frames, part, size)
        working(frames, lambda: put_back(places, part, offer, str(frame["k3s"])))
        part.unlink(missing_ok=True)
    frames.send("restored", again=False)


def _is_here(places: Places, digest: str) -> bool:
    return (Look(places).text(places.k3s_data / "server" / _MARK) or "").strip() == digest and places.restored.is_file()


def _fresh(places: Places, digest: str) -> None:
    """Refuse a machine that has a cluster, unless it is one of this backup that was not put back to its end."""
    server = places.k3s_data / "server"
    if Slots(places).current is not None:
        raise Refused("this node runs what was deployed to it; backups are for fresh machines", hint=_HINT)
    ours = (Look(places).text(server / _MARK) or "").strip() == digest
    if server.exists() and not ours:
        raise Refused(f"there is a cluster on this node ({server}); a backup is not put over it", hint=_HINT)


_HINT = "install the machine anew, or take edgectl off it: edgectl remove STORE"


def _receive(frames: Frames, part: Path, size: int) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.is_file() else 0
    if have > size:
        part.unlink()
        have = 0
    frames.send("want", have_bytes=have)
    announced = frames.receive()
    if announced["op"] != "rest" or int(announced["bytes"]) != size - have:
        frames.end()
        raise UsageError("what comes is not what was announced", hint="use the same edgectl everywhere")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "ab") as file:
            frames.receive_bytes(size - have, file.write)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        frames.end()  # what is still on its way is no frame
        raise


def put_back(places: Places, archive: Path, offer: Envelope, k3s: str) -> Manifest:
    """Unpack beside, compare every file, rename once. Raises Refused, NotReady, OSError."""
    digest = offer.payload
    if sha256_of(archive) != digest:
        archive.unlink()
        raise NotReady("the backup arrived with other bytes than were sent; it was thrown away", hint="run it again")
    new = places.k3s_data / ".server.edgectl-new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    try:
        manifest = _unpacked(archive, new)
        why, hint = refused(manifest, store=offer.store, node=offer.node, k3s=k3s)
        if why:
            raise Refused(why, hint=hint)
        _identity(places, new)
        write_atomic(new / "server" / _MARK, f"{digest}\n".encode(), mode=0o600)
        _sync(new)
        _fresh(places, digest)  # again: unpacking takes minutes, and somebody may have started k3s
        server = places.k3s_data / "server"
        shutil.rmtree(server, ignore_errors=True)  # one of this backup, judged before
        (new / "server").rename(server)
        sync_dir(places.k3s_data)
    except Damaged as error:
        raise Refused(str(error), hint="take an older backup: --backup FILE") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    note = {"store": manifest.store, "sequence": manifest.sequence, "taken": manifest.taken, "digest": digest}
    write_atomic(places.restored, canonical(note), mode=0o600)
    return manifest


def _unpacked(archive: Path, new: Path) -> Manifest:
    writer = _Writer(new)
    try:
        return verify(archive, writer.take)
    finally:
        writer.close()


class _Writer:
    """Writes the files of an archive as they come. Their names were judged with the manifest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = -1

    def take(self, name: str, data: bytes) -> None:
        if not data:
            self.close()
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def close(self) -> None:
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1


def _identity(places: Places, new: Path) -> None:
    """Give the machine the password by which the cluster knows its node."""
    path = new / _NODE_PASSWORD
    if path.is_file():
        write_atomic(places.root / "etc/rancher/node/password", path.read_bytes(), mode=0o600)


def _sync(folder: Path) -> None:
    for path in (folder, *(one for one in folder.rglob("*") if one.is_dir())):
        with suppress(OSError):
            sync_dir(path)
