"""Take a backup now: copy, put a manifest before it, pack, rename. A file under a backup's name is a whole one.

Owns: what goes into it beside k3s's own files: the envelopes of what runs and ran before, and their payloads (no blobs:
those have names of their own, and every deploy brings them). Of root alone: it holds the keys of the cluster.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from edgectl.node.backup.kept import STAMP, prune
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import deployed
from edgectl.node.io.files import sha256_of, sync_dir
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.k3s.copied import save
from edgectl.wire.backup import (
    CA,
    DATASTORE,
    ETCD,
    MANIFEST,
    SQLITE,
    Damaged,
    Kept,
    Manifest,
    cluster_of,
    name_of,
    verify,
)
from edgectl.wire.errors import Locked, NotReady, Refused
from edgectl.wire.payload import Payload

KEEP = 7  # where the inventory says nothing of backups
_SAYS = re.compile(r"k3s version (v\S+)")
_WORK = "work"
_LEVEL = 6


def take(places: Places, now: datetime) -> Path:
    """Take one; returns its file. Raises Locked, NotReady, Refused, OSError."""
    places.saved.mkdir(parents=True, exist_ok=True)
    places.saved.chmod(0o700)
    with _alone(places):
        payload = lead_of(places)
        folder = save(places, _WORK)
        try:
            path = _packed(places, payload, folder, now)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        prune(places, payload.backup.keep if payload.backup else KEEP, path)
        return path


def lead_of(places: Places) -> Payload:
    """Return what the store should be, where this node leads it. Raises NotReady, Refused."""
    payload, node = deployed(places)
    if node.name != payload.lead.name:
        raise Refused(
            f"{node.name} follows {payload.lead.name}, and the cluster lies there",
            hint=f"ask {payload.lead.name}, the store's server",
        )
    return payload


def _packed(places: Places, payload: Payload, folder: Path, now: datetime) -> Path:
    for name, data in _desired(places):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = {name: Kept(sha256_of(folder / name) or "", (folder / name).stat().st_size) for name in names}
    slots = Slots(places)
    linked = {"current": slots.current, "previous": slots.previous}
    manifest = Manifest(
        store=payload.store,
        node=payload.lead.name,
        sequence=slots.sequence,
        k3s=_version(places),
        taken=now.isoformat(timespec="seconds"),
        datastore=SQLITE if DATASTORE[SQLITE] in files else ETCD,
        slots={name: found.folder.name for name, found in linked.items() if found},
        cluster=cluster_of(files[CA].digest if CA in files else None),
        files=files,
    )
    path = places.saved / name_of(now.strftime(STAMP), manifest.sequence, manifest.cluster)
    new = path.with_name(f".{path.name}.edgectl-new")
    try:
        _write(new, manifest, folder)
        verify(new)
        new.replace(path)
    except Damaged as error:
        raise NotReady(f"the backup could not be read back: {error}", hint="look at the node's disk") from error
    finally:
        new.unlink(missing_ok=True)
    sync_dir(path.parent)
    return path


def _write(new: Path, manifest: Manifest, folder: Path) -> None:
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as archive:
            data = manifest.encode()
            head = tarfile.TarInfo(MANIFEST)
            head.size, head.mode = len(data), 0o600
            archive.addfile(head, io.BytesIO(data))
            for name, kept in manifest.files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = kept.size, 0o600
                with (folder / name).open("rb") as content:
                    archive.addfile(member, content)
        file.flush()
        os.fsync(file.fileno())


def _desired(places: Places) -> Iterator[tuple[str, bytes]]:
    """Yield the documents of what runs and what ran before."""
    slots = Slots(places)
    found = [slot for slot in (slots.current or slots.candidate, slots.previous) if slot]
    for slot in {one.folder: one for kept in found for one in (kept, slots.apps_of(kept))}.values():
        yield f"state/slots/{slot.folder.name}/envelope.json", (slot.folder / "envelope.json").read_bytes()
        payload = places.blob(slot.envelope.payload)
        if payload.is_file():
            yield f"state/blobs/{payload.name}", payload.read_bytes()


def _version(places: Places) -> str:
    """Return the version of the k3s whose datastore this is: the one that lies here."""
    ran = Look(places).run(str(places.root / "usr/local/bin/k3s"), "--version")
    found = _SAYS.search(ran.out)
    if found is None:
        raise NotReady(f"k3s does not say its version: {ran.last_words}", details=ran.evidence())
    return found[1]


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Keep others out: the timer's and a person's would write the same names."""
    descriptor = os.open(places.saved / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Locked(
                "another backup is being taken", hint="it takes a minute; run the same command again"
            ) from error
        yield
    finally:
        os.close(descriptor)
