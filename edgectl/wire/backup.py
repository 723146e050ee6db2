"""A backup of a store's cluster as one file: a manifest first, then the files that it names, packed.

Owns: this form, the names of such files, what makes one good, and which may be put back where. Both sides read it the
same way. Must not know how its content is taken or put back.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from edgectl.wire.document import canonical, from_json
from edgectl.wire.k3s import parse

MANIFEST = "manifest.json"
SQLITE, ETCD = "sqlite", "etcd"
DATASTORE = {SQLITE: "server/db/state.db", ETCD: "server/db/snapshots/edgectl"}
TOKEN = "server/token"  # noqa: S105 - a name, no token
CA = "server/tls/server-ca.crt"  # which cluster it is: k3s makes it once, and a backup brings it back
_NAMED = 8  # characters of its digest: they tell a store's few clusters apart
_MOST_MANIFEST_BYTES = 1 << 20
_CHUNK = 1 << 20
_NAME = re.compile(r"(\d{8}T\d{6}Z)-s(\d{1,9})(?:-c([0-9a-f]{8}))?\.backup")
# what may lie in one: nothing that an archive names is written anywhere else
_INSIDE = re.compile(
    r"server/db/(state\.db|snapshots/edgectl)|server/token|server/(tls|cred)/([a-z0-9][a-zA-Z0-9._-]*/)?[a-z0-9]"
    r"[a-zA-Z0-9._-]*|etc/node/password|state/(slots|blobs)/[A-Za-z0-9][A-Za-z0-9._/-]*"
)


class Damaged(ValueError):
    """A file that is no whole backup; the text says in what."""


class Name(NamedTuple):
    """What a backup's file name says, in the order in which those of one cluster are newer."""

    sequence: int
    taken: str  # 20261128T051055Z
    cluster: str = ""  # "" where it is not said


@dataclass(frozen=True, slots=True)
class Kept:
    """One file of it: its digest and size."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of what a backup is, and the digest of every file in it."""

    store: str
    node: str
    sequence: int  # of the deploy that the store had accepted last
    k3s: str  # the version whose datastore it is
    taken: str  # when, ISO 8601, by the node's clock
    datastore: str  # sqlite or etcd
    cluster: str = ""  # which of the clusters that the store has had
    slots: dict[str, str] = field(default_factory=dict)  # current, previous -> the slot's name
    files: dict[str, Kept] = field(default_factory=dict)
    format: int = 1

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical(self) + b"\n"


def cluster_of(ca: str | None) -> str:
    """Return by what a cluster is told from another one of its store: the digest of its CA, cut; "" without one."""
    return (ca or "").removeprefix("sha256:")[:_NAMED]


def name_of(taken: str, sequence: int, cluster: str = "") -> str:
    """Return the file name of a backup."""
    return f"{taken}-s{sequence}{f'-c{cluster}' if cluster else ''}.backup"


def read_name(name: str) -> Name | None:
    """Return what a file name says; None where it is none of a whole backup."""
    found = _NAME.fullmatch(name)
    return Name(int(found[2]), found[1], found[3] or "") if found else None


def newest_first(names: Iterable[str]) -> list[str]:
    """Return those that name a backup, cluster by cluster, the one that was seen last first.

    Within a cluster a later sequence is newer, whatever a clock said. Sequences begin anew with each cluster.
    """
    found = [(read, name) for name in names if (read := read_name(name))]
    seen: dict[str, str] = {}
    for read, _ in found:
        seen[read.cluster] = max(read.taken, seen.get(read.cluster, ""))
    order = sorted(found, key=lambda one: (seen[one[0].cluster], one[0].cluster, one[0]), reverse=True)
    return [name for _, name in order]


def of_cluster(names: Iterable[str], cluster: str) -> list[str]:
    """Return those of one cluster, newest first."""
    return [name for name in newest_first(names) if (read := read_name(name)) and read.cluster == cluster]


def read_manifest(path: Path) -> Manifest:
    """Return the manifest alone, without proof of what follows it. Raises Damaged, OSError."""
    with path.open("rb") as file:
        return _walk(path.name, file, lambda _name, _data: None, only_manifest=True)


def verify(path: Path, take: Callable[[str, bytes], object] = lambda _name, _data: None) -> Manifest:
    """Read all of it and compare every file with its digest; `take` gets each piece of each file.

    Raises Damaged: cut, changed, something missing or too much. What `take` was given before that counts for nothing.
    """
    with path.open("rb") as file:
        return _walk(path.name, file, take, only_manifest=False)


def _walk(name: str, file: IO[bytes], take: Callable[[str, bytes], object], *, only_manifest: bool) -> Manifest:
    try:
        with gzip.GzipFile(fileobj=file) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST or not 0 < first.size <= _MOST_MANIFEST_BYTES:
                raise Damaged(f"{name} is cut or damaged: it does not begin with a manifest")
            manifest = _manifest(_content(archive, first).read())
            if only_manifest:
                return manifest
            left = dict(manifest.files)
            while (member := archive.next()) is not None:
                kept = left.pop(member.name, None)
                if kept is None or not member.isreg() or member.size != kept.size:
                    raise Damaged(f"{name} is cut or damaged: {member.name!s:.60} is not as its manifest says")
                _check(name, archive, member, kept, take)
            while packed.read(_CHUNK):  # up to the sum over all of it, the manifest too
                pass
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise Damaged(f"{name} is cut or damaged: {error}") from error
    except OSError as error:
        if error.errno is not None:  # the disk's, and not gzip's
            raise
        raise Damaged(f"{name} is cut or damaged: {error}") from error
    if left:
        raise Damaged(f"{name} is cut or damaged: it lacks {min(left)}")
    return manifest


def _check(
    name: str, archive: tarfile.TarFile, member: tarfile.TarInfo, kept: Kept, take: Callable[[str, bytes], object]
) -> None:
    total = hashlib.sha256()
    content = _content(archive, member)
    take(member.name, b"")
    while data := content.read(_CHUNK):
        total.update(data)
        take(member.name, data)
    if f"sha256:{total.hexdigest()}" != kept.digest:
        raise Damaged(f"{name} is cut or damaged: {member.name} has other bytes than its manifest says")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(member) if member.isreg() else None
    if found is None:
        raise Damaged(f"{member.name!s:.60} is no file")
    return found


def _manifest(data: bytes) -> Manifest:
    import json

    try:
        found = from_json(Manifest, json.loads(data))
    except ValueError as error:
        raise Damaged(f"its manifest cannot be read: {error}") from error
    if found.format != 1 or found.datastore not in DATASTORE:
        raise Damaged("its manifest is of a newer edgectl")
    for name in found.files:
        if not _INSIDE.fullmatch(name) or ".." in name:
            raise Damaged(f"its manifest names {name!s:.60}, which belongs in no backup")
    if missing := {TOKEN, DATASTORE[found.datastore]} - found.files.keys():
        raise Damaged(f"it lacks {min(missing)}")
    return found


def refused(manifest: Manifest, *, store: str, node: str, k3s: str) -> tuple[str, str]:
    """Return why a backup must not be put back there, and what to do; two empty texts when it may."""
    if manifest.store != store:
        return f"this is a backup of {manifest.store}, and not of {store}", f"name a backup of {store}: --backup FILE"
    if manifest.node != node:
        return (
            f"this is a backup of {store}/{manifest.node}, and not of {store}/{node}",
            "the cluster lies on the store's server alone; replace that one with it",
        )
    if why := _k3s(manifest.k3s, k3s):
        return why
    if manifest.datastore == ETCD:
        return (
            "the backup is a snapshot of an embedded etcd, which edgectl does not put back",
            "docs/backup.md says how k3s itself does it (k3s server --cluster-reset)",
        )
    return "", ""


def _k3s(have: str, want: str) -> tuple[str, str] | None:
    """Return why a k3s must not be given what another one has written: it is older, or skips a minor version."""
    wrote, reads = parse(have), parse(want)
    if wrote is None or reads is None:
        return (
            f'the backup is of k3s "{have}", and the inventory declares "{want}"; one of them is no version of k3s',
            "declare k3s.version as k3s says it itself, like v1.36.3+k3s1",
        )
    if reads < wrote:
        return (
            f"the backup is of k3s {have}, and the inventory declares the older {want}, which may not read it",
            f"declare k3s {have} or a newer one, or take an older backup",
        )
    if reads[:2] > (wrote[0], wrote[1] + 1):
        return (
            f"the backup is of k3s {have}, and {want} is more than one minor version further",
            f"declare v{wrote[0]}.{wrote[1] + 1} first, and go on from there when the store is ready",
        )
    return None
