"""Image archives: exactly the declared ones of ours, whole, and containerd has what is in them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.io.programs import Ran
from edgectl.node.k3s.images import Archives, Loaded
from edgectl.wire.document import digest_of
from edgectl.wire.payload import Image
from tests.unit.node.fake import FakeNode, ran
from tests.unit.node.faults import Disk, Killed, sweep

DATA = (b"pause" * 10, b"coredns" * 10)
IMAGES = tuple(
    Image(digest_of(data), (f"docker.io/rancher/{name}:1",)) for name, data in zip(("a", "b"), DATA, strict=True)
)
STEP = Archives(IMAGES)


def fill(node: FakeNode) -> FakeNode:
    """Put the blobs on a node."""
    node.places.blobs.mkdir(parents=True)
    for data in DATA:
        node.places.blob(digest_of(data)).write_bytes(data)
    return node


def folder(node: FakeNode) -> Path:
    """Return the folder that k3s imports from."""
    return node.places.k3s_data / "agent/images"


def names(node: FakeNode) -> set[str]:
    """Return what k3s would see there."""
    return {path.name for path in folder(node).iterdir() if not path.name.startswith(".")}


WANTED = {digest_of(data).removeprefix("sha256:") + ".tar" for data in DATA}


def test_archives_come_and_go_and_others_stay(node: FakeNode) -> None:
    """Missing ones are linked, retired ones of ours removed, a person's own archive is left alone."""
    fill(node)
    folder(node).mkdir(parents=True)
    (folder(node) / "own.tar").write_bytes(b"theirs")
    (folder(node) / f"{'0' * 64}.tar").write_bytes(b"retired")
    seen = STEP.probe(node)
    assert (seen.status, len(seen.differences)) == (Status.DRIFTED, 3)
    STEP.apply(node, seen)
    assert names(node) == WANTED | {"own.tar"}
    assert STEP.probe(node).status is Status.CURRENT


def test_an_archive_costs_no_second_copy(node: FakeNode) -> None:
    """It is the blob itself, under another name; one that is right keeps its inode, so k3s does not import again."""
    fill(node)
    STEP.apply(node, STEP.probe(node))
    places = [folder(node) / name for name in sorted(WANTED)]
    inodes = [path.stat().st_ino for path in places]
    assert all(path.stat().st_nlink == 2 for path in places)
    places[0].unlink()
    STEP.apply(node, STEP.probe(node))
    assert places[1].stat().st_ino == inodes[1]


def test_an_archive_of_another_size_is_drift(node: FakeNode) -> None:
    """Half an archive that somebody copied there is replaced."""
    fill(node)
    STEP.apply(node, STEP.probe(node))
    torn = folder(node) / min(WANTED)
    torn.unlink()
    torn.write_bytes(b"half")
    seen = STEP.probe(node)
    assert seen.differences[0][1:] == ("another size", "whole")
    STEP.apply(node, seen)
    assert STEP.probe(node).status is Status.CURRENT


def test_k3s_never_sees_half_an_archive(tmp_path: Path) -> None:
    """Fail or kill the N-th operation until none is left: what has its name is whole, and the next apply finishes."""

    def attempt(disk: Disk, number: int) -> bool:
        node = fill(FakeNode(tmp_path / f"{number}-{disk._kill}"))
        with disk.armed(), suppress(OSError, Killed):
            STEP.apply(node, STEP.probe(node))
        if folder(node).is_dir():
            sizes = {len(data) for data in DATA}
            assert all((folder(node) / name).stat().st_size in sizes for name in names(node))
        STEP.apply(node, STEP.probe(node))
        assert STEP.probe(node).status is Status.CURRENT
        return disk.reached

    assert sweep(attempt) > 4


class Containerd:
    """Lists and imports images."""

    def __init__(self, node: FakeNode) -> None:
        fill(node)
        STEP.apply(node, STEP.probe(node))
        self.images: list[str] = []
        self.answers = True
        node.on_run = self.list
        node.on_change = self.take

    def list(self, *argv: str) -> Ran:
        """Answer `k3s ctr images ls -q`."""
        return ran("\n".join(self.images)) if self.answers else ran(code=1, err="connection refused", argv=argv)

    def take(self, *argv: str) -> Ran:
        """Answer `k3s ctr images import PATH`."""
        path = Path(argv[-1])
        image = next(image for image in IMAGES if image.archive.removeprefix("sha256:") == path.stem)
        self.images += image.refs
        return ran(argv=argv)


def age(node: FakeNode, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the archives be so old."""
    newest = max((folder(node) / name).stat().st_ctime for name in names(node))
    monkeypatch.setattr("edgectl.node.k3s.images.time.time", lambda: newest + seconds)


def test_k3s_is_given_time_to_import_by_itself(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """New archives are in progress; only what k3s has not imported in its time is imported by us."""
    containerd = Containerd(node)
    age(node, monkeypatch, 5)
    assert Loaded(IMAGES).probe(node).status is Status.IN_PROGRESS
    age(node, monkeypatch, 31)
    seen = Loaded(IMAGES).probe(node)
    assert (seen.status, len(seen.differences)) == (Status.DRIFTED, 2)
    Loaded(IMAGES).apply(node, seen)
    assert Loaded(IMAGES).probe(node).status is Status.CURRENT
    assert len(containerd.images) == 2


def test_one_missing_name_is_a_missing_image(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ref of every image must be listed."""
    containerd = Containerd(node)
    containerd.images += IMAGES[0].refs
    age(node, monkeypatch, 31)
    assert Loaded(IMAGES).probe(node).differences == ((IMAGES[1].refs[0], "missing", IMAGES[1].archive[7:19]),)


def test_a_clock_that_went_back_does_not_wait_for_ever(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives from the future are not new: they are imported."""
    Containerd(node)
    age(node, monkeypatch, -86400)
    assert Loaded(IMAGES).probe(node).status is Status.DRIFTED


def test_a_containerd_that_does_not_answer_is_no_look(node: FakeNode) -> None:
    """Unknown, not "all images are missing"."""
    Containerd(node).answers = False
    with pytest.raises(LookFailed, match="connection refused"):
        Loaded(IMAGES).probe(node)


def test_an_import_that_fails_says_why(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ctr's own words."""
    Containerd(node)
    age(node, monkeypatch, 31)
    node.on_change = lambda *argv: ran(code=1, err="ctr: unexpected EOF", argv=argv)
    with pytest.raises(ApplyFailed, match="unexpected EOF"):
        Loaded(IMAGES).apply(node, Loaded(IMAGES).probe(node))


def test_an_archive_that_vanished_meanwhile_is_no_crash(node: FakeNode) -> None:
    """Somebody removed it between two steps: a look that failed, or drift; the next run repairs it."""
    Containerd(node)
    (folder(node) / min(WANTED)).unlink()
    with pytest.raises(LookFailed):
        Loaded(IMAGES).probe(node)
