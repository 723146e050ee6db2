"""Image files that a power cut has emptied: seen once a boot, beside the archives; containerd's store goes."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.io.programs import Ran
from edgectl.node.k3s.archive import files_in, heads_in
from edgectl.node.k3s.unpacked import Unpacked
from edgectl.wire.document import digest_of
from edgectl.wire.payload import Image
from tests.unit.node.fake import FakeNode, ran

FILES = {"bin/app": b"\x7fELF" * 40, "etc/app.conf": b"a = 1\n", "etc/empty": b""}
LONG = bytes(number % 251 for number in range(3 << 20)) + b"end"
CHANGED = 1_700_000_000
LARGE = {**FILES, "lib/large.so": LONG}


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar of files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mtime = CHANGED
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def docker(files: dict[str, bytes]) -> bytes:
    """Return a docker-archive with one layer."""
    return tar({"manifest.json": json.dumps([{"Layers": ["a/layer.tar"]}]).encode(), "a/layer.tar": tar(files)})


def oci(files: dict[str, bytes], *, layer_bytes: int | None = None) -> bytes:
    """Return an OCI layout in a tar, with an index in the index and a gzip layer, of which only so much is there."""
    blobs: dict[str, bytes] = {}

    def put(data: bytes) -> dict[str, Any]:
        digest = digest_of(data)
        blobs["blobs/" + digest.replace(":", "/")] = data
        return {"digest": digest}

    layer = put(gzip.compress(tar(files))[:layer_bytes])
    manifest = put(json.dumps({"config": {}, "layers": [layer]}).encode())
    other = {"digest": digest_of(b"of another architecture, not in the archive")}
    index = put(json.dumps({"manifests": [manifest, other]}).encode())
    return tar({**blobs, "index.json": json.dumps({"manifests": [index]}).encode()})


@pytest.mark.parametrize("write", [docker, oci])
def test_an_archive_tells_its_files(tmp_path: Path, write: Any) -> None:
    """Both formats, plain and compressed."""
    path = tmp_path / "image.tar"
    path.write_bytes(write(FILES))
    assert list(files_in(path)) == [(name, len(data), CHANGED) for name, data in FILES.items()]


@pytest.mark.parametrize(
    "data", [b"", b"no tar", tar({"x": b""}), tar({"manifest.json": b"{"}), tar({"manifest.json": b"[1]"})]
)
def test_an_archive_that_cannot_be_read_is_no_look(tmp_path: Path, data: bytes) -> None:
    """Could not look is not fine."""
    path = tmp_path / "image.tar"
    path.write_bytes(data)
    with pytest.raises(LookFailed):
        list(files_in(path))


@pytest.mark.parametrize("read", [files_in, lambda path: heads_in(path, {"a": [70_000]})], ids=["sizes", "bytes"])
def test_a_layer_that_ends_early_is_no_look(tmp_path: Path, read: Any) -> None:
    """Wherever its end is met: on the way to the next file, or inside one."""
    path = tmp_path / "image.tar"
    path.write_bytes(oci({"a": os.urandom(80_000), "b": b""}, layer_bytes=40_000))
    with pytest.raises(LookFailed, match="cannot be read"):
        list(read(path))


class Store:
    """A node with one image, unpacked."""

    def __init__(self, node: FakeNode, files: dict[str, bytes] = FILES) -> None:
        self.node = node
        archive = docker(files)
        image = Image(digest_of(archive), ("app:1",))
        blob = node.places.blob(image.archive)
        blob.parent.mkdir(parents=True)
        blob.write_bytes(archive)
        self.step = Unpacked((image,), "k3s.service")
        self.store = node.places.k3s_data / "agent/containerd"
        self.fs = self.store / "io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs"
        for name, data in files.items():
            self.left(name, data)
        node.on_change = self.change

    def left(self, name: str, data: bytes, *, snapshot: str = "7", changed: int = CHANGED) -> None:
        """Be what lies there of a file."""
        path = self.fs.parents[1] / snapshot / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (changed, changed))

    def change(self, *argv: str) -> Ran:
        """Stand for systemctl and rm."""
        if argv[0] == "rm":
            for path in sorted(Path(argv[2]).rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            Path(argv[2]).rmdir()
        return ran(argv=argv)


@pytest.fixture
def store(node: FakeNode) -> Store:
    """Return it."""
    return Store(node)


def test_whole_files_are_noted_once_a_boot(store: Store) -> None:
    """The look is not free: after it, a note on tmpfs stands until the next boot."""
    seen = store.step.probe(store.node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, ())
    assert seen.reason == "3 unpacked files are whole; to be noted for this boot"
    store.step.apply(store.node, seen)
    assert store.node.changes == []
    store.left("bin/app", b"")
    assert store.step.probe(store.node).status is Status.CURRENT
    store.node.boot = "another"
    assert store.step.probe(store.node).differences


def test_a_bare_node_has_nothing_to_lose(node: FakeNode) -> None:
    """Nothing is unpacked yet, no archive is read."""
    step = Unpacked((Image("sha256:0", ("x",)),), "k3s.service")
    seen = step.probe(node)
    assert seen.reason == "0 unpacked files are whole; to be noted for this boot"
    step.apply(node, seen)
    assert step.probe(node).status is Status.CURRENT


def test_emptied_files_take_containerds_store_with_them(store: Store) -> None:
    """k3s is stopped, the store is gone, and the next look is content; k3s is started by its own step."""
    store.left("bin/app", b"")
    seen = store.step.probe(store.node)
    assert seen.reason == "1 of 3 image files are not whole: the power went before they reached the disk"
    assert seen.differences == (("/bin/app", "0 bytes", "160 bytes"),)
    store.step.apply(store.node, seen)
    assert store.node.changes[0] == ("systemctl", "stop", "k3s.service")
    assert not store.store.exists()
    assert not store.store.with_name("containerd.broken").exists()
    assert store.step.probe(store.node).status is Status.CURRENT


@pytest.mark.parametrize(
    ("size", "is_cut"), [(0, True), (4096, True), (3 << 20, True), (len(LONG) - 1, False), (len(LONG), False)]
)
def test_a_large_file_is_cut_short_at_a_block(node: FakeNode, size: int, *, is_cut: bool) -> None:
    """What had reached the disk of it is its beginning, in whole blocks."""
    store = Store(node, LARGE)
    store.left("lib/large.so", LONG[:size])
    expected = (("/lib/large.so", f"{size} bytes", f"{len(LONG)} bytes"),) if is_cut else ()
    assert store.step.probe(node).differences == expected


@pytest.mark.parametrize("snapshot", ["7", "8"])
def test_a_shorter_file_with_other_bytes_is_no_loss(node: FakeNode, snapshot: str) -> None:
    """It is an older image's, a registry's, or a container has made it so: a boot must not take the store away for it.

    Databases (rpmdb.sqlite) have whole blocks always.
    """
    store = Store(node, LARGE)
    store.left("lib/large.so", LONG[1 : 4096 + 1], snapshot=snapshot)
    seen = store.step.probe(node)
    assert (seen.differences, seen.reason.split(" ")[0]) == ((), "4" if snapshot == "7" else "5")


def test_an_empty_file_of_another_time_is_no_loss(store: Store) -> None:
    """An `__init__.py` that was empty in the version before, or a log that a container has emptied."""
    store.left("bin/app", b"", snapshot="6", changed=CHANGED - 1)
    assert store.step.probe(store.node).differences == ()


def test_a_killed_repair_is_gone_on_with(store: Store) -> None:
    """Also when an earlier one has left the old store beside the new."""
    store.left("bin/app", b"")
    left = store.store.with_name("containerd.broken")
    (left / "old").mkdir(parents=True)
    store.step.apply(store.node, store.step.probe(store.node))
    assert not left.exists()
    assert not store.store.exists()


def test_a_repair_that_was_cut_off_leaves_no_old_store_behind(store: Store) -> None:
    """The power went between the rename and the removal: k3s has unpacked anew, and the old gigabyte goes, too."""
    left = store.store.with_name("containerd.broken")
    (left / "old").mkdir(parents=True)
    seen = store.step.probe(store.node)
    assert seen.differences == ()
    store.step.apply(store.node, seen)
    assert not left.exists()
    assert store.fs.exists()


def test_a_container_that_ends_while_it_is_looked_at_is_no_fault(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Just after a boot the kubelet removes what has ended: a folder that is gone is not looked at."""
    gone, real = store.fs.parents[1] / "8/fs/etc", os.scandir
    gone.mkdir(parents=True)

    def scandir(path: str) -> Any:
        if path == str(gone.parent) and gone.exists():
            found = real(path)
            gone.rmdir()
            return found
        return real(path)

    monkeypatch.setattr("edgectl.node.k3s.unpacked.os.scandir", scandir)
    assert store.step.probe(store.node).reason.startswith("3 unpacked files are whole")
    assert not gone.exists()


def test_a_k3s_that_does_not_stop_is_a_failed_apply(store: Store) -> None:
    """Its containers go on; nothing is taken from under them."""
    store.left("bin/app", b"")
    store.node.on_change = lambda *argv: ran(code=1, err="timeout", argv=argv)
    with pytest.raises(ApplyFailed, match="k3s could not be stopped"):
        store.step.apply(store.node, store.step.probe(store.node))
    assert store.fs.exists()


def test_files_that_an_image_has_empty_are_no_loss(store: Store) -> None:
    """Nor are files that no archive knows, which a container has made itself."""
    (store.fs / "var").mkdir()
    (store.fs / "var/made").write_bytes(b"")
    assert store.step.probe(store.node).differences == ()
