"""A backup is read whole or refused; what an archive names is written nowhere else."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from edgectl.wire.backup import (
    MANIFEST,
    Damaged,
    Kept,
    Manifest,
    Name,
    name_of,
    newest_first,
    of_cluster,
    read_manifest,
    read_name,
    refused,
    verify,
)
from edgectl.wire.document import digest_of

FILES = {"server/db/state.db": b"rows" * 1000, "server/token": b"K10", "server/tls/etcd/server-ca.key": b"key"}


def manifest(files: dict[str, bytes]) -> Manifest:
    """Return a manifest that fits."""
    kept = {name: Kept(digest_of(data), len(data)) for name, data in files.items()}
    return Manifest("store-042", "node-1", 7, "v1.36.3+k3s1", "t", "sqlite", files=kept)


def packed(path: Path, head: Manifest, members: dict[str, bytes], *, link: str = "") -> Path:
    """Write an archive, right or wrong."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {MANIFEST: head.encode(), **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    return path


def gather(came: dict[str, bytes], name: str, data: bytes) -> None:
    """Put a piece behind those that have come."""
    came[name] = came.get(name, b"") + data


def test_a_whole_one_is_read(tmp_path: Path) -> None:
    """Each file in pieces, after an empty one that says that it begins."""
    path = packed(tmp_path / "b", manifest(FILES), FILES)
    came: dict[str, bytes] = {}
    head = verify(path, partial(gather, came))
    assert head == read_manifest(path) == manifest(FILES)
    assert came == FILES


def test_every_flipped_byte_and_every_cut_is_found(tmp_path: Path) -> None:
    """Wherever it is: nothing is taken for whole that is not, byte for byte."""
    path = packed(tmp_path / "b", manifest(FILES), FILES)
    data = path.read_bytes()
    wrong = tmp_path / "wrong"
    for at in range(len(data)):
        wrong.write_bytes(data[:at])
        with pytest.raises(Damaged):
            verify(wrong)
    about, passed = range(3, data.index(b"\0", 10) + 1), 0  # of gzip: flags, time, system, a name
    for at in set(range(len(data))) - set(about):
        wrong.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        came: dict[str, bytes] = {}
        with suppress(Damaged):  # a bit that fills a byte up, and says nothing
            head = verify(wrong, partial(gather, came))
            assert (head, came) == (manifest(FILES), FILES), at
            passed += 1
    assert passed <= 1


@pytest.mark.parametrize(
    "name",
    [
        *("server/../../etc/passwd", "/etc/passwd", "server/tls/../../x", "etc/passwd", "server/tls/a/b/c"),
        *("state/blobs/../x", "server/manifests/evil.yaml", ""),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is written."""
    files = {**FILES, name: b"x"}
    with pytest.raises(Damaged, match="belongs in no backup"):
        read_manifest(packed(tmp_path / "b", manifest(files), files))


def test_a_manifest_and_its_files_fit(tmp_path: Path) -> None:
    """One file more, one less, a link in its place, no token, a newer form."""
    lacking = {name: data for name, data in FILES.items() if name != "server/token"}
    for head, members, link, why in (
        (manifest(FILES), {**FILES, "server/cred/passwd": b"x"}, "", "is not as its manifest says"),
        (manifest(FILES), lacking, "", "lacks server/token"),
        (manifest(FILES), lacking, "server/token", "is not as its manifest says"),
        (manifest(lacking), lacking, "", "lacks server/token"),
        (replace(manifest(FILES), format=2), FILES, "", "of a newer edgectl"),
        (replace(manifest(FILES), datastore="mysql"), FILES, "", "of a newer edgectl"),
    ):
        with pytest.raises(Damaged, match=why):
            verify(packed(tmp_path / "b", head, members, link=link))


def test_names_say_what_is_newer() -> None:
    """The sequence first: a clock may have been wrong. What is no name of a whole one is none."""
    names = [
        *("20261128T051055Z-s7.backup", "20261127T051055Z-s7.backup", "20991231T000000Z-s6.backup"),
        *(".20261129T000000Z-s8.backup.part", "20261129T000000Z-s8.backup.edgectl-new", "x.backup"),
    ]
    assert newest_first(reversed(names)) == names[:3]


def test_sequences_are_compared_within_a_cluster() -> None:
    """A cluster that was made anew counts from 1: which is the newest one, the time says, and the sequence inside."""
    old = ["20261127T051055Z-s41-caaaaaaaa.backup", "20261128T051055Z-s40-caaaaaaaa.backup"]
    new = ["20261128T061055Z-s2-c11111111.backup", "20261128T071055Z-s1-c11111111.backup"]
    plain = ["20261120T000000Z-s99.backup"]
    assert newest_first([*plain, *old, *new]) == [*new, *old, *plain]
    assert of_cluster([*old, *new, *plain], "aaaaaaaa") == old
    assert read_name(new[0]) == Name(2, "20261128T061055Z", "11111111")
    assert name_of("20261128T061055Z", 2, "11111111") == new[0]


@pytest.mark.parametrize(
    ("wrote", "reads", "may"),
    [
        ("v1.9.1+k3s1", "v1.36.3+k3s1", False),
        ("v1.36.3+k3s1", "v1.9.1+k3s1", False),
        ("v1.36.3+k3s2", "v1.36.3+k3s1", False),
        ("v1.36.3+k3s1", "v1.36.3+k3s1", True),
        ("v1.36.3+k3s1", "v1.37.0+k3s1", True),
        ("v1.36.3+k3s1", "v1.38.0+k3s1", False),
    ],
)
def test_a_backup_is_read_by_its_own_k3s_or_the_next(wrote: str, reads: str, *, may: bool) -> None:
    """Law: as a k3s that runs is raised, so is one that was backed up: never back, one minor version at most."""
    why, hint = refused(replace(manifest(FILES), k3s=wrote), store="store-042", node="node-1", k3s=reads)
    assert (not why, not hint) == (may, may)


def test_an_etcd_snapshot_is_not_put_back() -> None:
    """It is said where it is written how."""
    why, hint = refused(
        replace(manifest(FILES), datastore="etcd"), store="store-042", node="node-1", k3s="v1.37.0+k3s1"
    )
    assert "embedded etcd" in why
    assert "docs/backup.md" in hint
