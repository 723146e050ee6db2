"""Image archives: exactly the declared ones of ours, whole, and containerd has what is in them."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.io.programs import Ran
from edgectl.node.k3s.images import Archives, Loaded
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.payload import Image
from tests.archives import canonical_archive, layer, plain_tar
from tests.unit.node.fake import FakeNode, ran
from tests.unit.node.faults import Disk, Killed, sweep

REFS = tuple(f"docker.io/rancher/{name}:1" for name in ("a", "b"))
DATA = tuple(canonical_archive(ref, layer({"etc/motd": ref.encode()})) for ref in REFS)
IMAGES = tuple(Image(digest_of(data), (ref,)) for ref, data in zip(REFS, DATA, strict=True))
STEP = Archives(IMAGES)
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


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
    """Lists and imports images; keeps their manifests and configs as content."""

    def __init__(self, node: FakeNode) -> None:
        fill(node)
        STEP.apply(node, STEP.probe(node))
        self.images: dict[str, str] = {}  # name -> digest of its manifest
        self.asked: list[tuple[str, ...]] = []
        self.elsewhere: dict[str, str] = {}  # content that lies in no file that is known
        self.content = node.places.k3s_content
        self.content.mkdir(parents=True)
        self.answers = True
        node.on_run = self.list
        node.on_change = self.take

    def list(self, *argv: str) -> Ran:
        """Answer `k3s ctr images ls`, as ctr 2.1 writes it, and `k3s ctr content get`."""
        self.asked.append(argv[2:4])
        if argv[2] == "content":
            return ran(self.elsewhere[argv[-1]], argv=argv) if argv[-1] in self.elsewhere else ran(code=1, argv=argv)
        lines = ["REF TYPE DIGEST SIZE PLATFORMS LABELS"]
        lines += [f"{name} {MANIFEST} {digest} 1.4 MiB linux/amd64 a=b" for name, digest in self.images.items()]
        return ran("\n".join(lines)) if self.answers else ran(code=1, err="connection refused", argv=argv)

    def keep(self, doc: dict[str, Any]) -> str:
        """Keep a document as content; returns its digest."""
        data = canonical(doc)
        (self.content / digest_of(data).removeprefix("sha256:")).write_bytes(data)
        return digest_of(data)

    def has(self, ref: str, config: str, *, packed: bool = False) -> str:
        """Have an image under a name: its manifest differs where its layers came packed."""
        self.images[ref] = self.keep({"config": {"digest": config}, "layers": [{"packed": packed}]})
        return self.images[ref]

    def take(self, *argv: str) -> Ran:
        """Answer `k3s ctr images import PATH`."""
        path = Path(argv[-1])
        image = next(image for image in IMAGES if image.archive.removeprefix("sha256:") == path.stem)
        for ref in image.refs:
            self.has(ref, config_of(path.read_bytes()))
        return ran(argv=argv)


def config_of(archive: bytes) -> str:
    """Return the digest of the config in an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return next(f"sha256:{name[:64]}" for name in tar.getnames() if name[64:] == ".json")


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
    containerd.has(REFS[0], config_of(DATA[0]))
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


@pytest.fixture
def whole(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Containerd:
    """Return a containerd that has all images, of archives that lie there for an hour."""
    containerd = Containerd(node)
    age(node, monkeypatch, 3600)
    for ref, data in zip(REFS, DATA, strict=True):
        containerd.has(ref, config_of(data))
    return containerd


def test_a_name_that_was_moved_is_drift_and_comes_back(node: FakeNode, whole: Containerd) -> None:
    """A tag that points to another image, whoever moved it; importing the archive puts it right."""
    other = whole.has(REFS[1], digest_of(b"another config"))
    seen = Loaded(IMAGES).probe(node)
    assert (seen.status, seen.reason) == (Status.DRIFTED, f"containerd has other images as {REFS[1]}")
    assert seen.differences == ((REFS[1], f"another image, {other[7:19]}", IMAGES[1].archive[7:19]),)
    Loaded(IMAGES).apply(node, seen)
    assert [argv[-1] for argv in node.changes] == [str(folder(node) / f"{IMAGES[1].archive[7:]}.tar")]
    assert Loaded(IMAGES).probe(node).status is Status.CURRENT


def test_the_same_image_under_another_manifest_is_no_drift(node: FakeNode, whole: Containerd) -> None:
    """Of a registry: layers are packed, the name may lead to an index of machines; the config is the same."""
    manifest = whole.has(REFS[0], config_of(DATA[0]), packed=True)
    assert Loaded(IMAGES).probe(node).status is Status.CURRENT
    elsewhere = {"digest": digest_of(b"arm64, never pulled"), "platform": {"architecture": "arm64"}}
    whole.images[REFS[0]] = whole.keep({"mediaType": INDEX, "manifests": [elsewhere, {"digest": manifest}]})
    assert Loaded(IMAGES).probe(node).status is Status.CURRENT


@pytest.mark.parametrize("text", [None, "", "\0\0\0\0", "[]", "null", '{"config": 7}', "[" * 100_000])
def test_a_name_whose_content_is_gone_is_no_image(node: FakeNode, whole: Containerd, text: str | None) -> None:
    """Collected, emptied by a power cut, or no manifest at all."""
    path = whole.content / whole.images[REFS[0]].removeprefix("sha256:")
    path.unlink() if text is None else path.write_text(text)
    assert Loaded(IMAGES).probe(node).status is Status.DRIFTED


def test_content_that_lies_elsewhere_is_asked_for(node: FakeNode, whole: Containerd) -> None:
    """A containerd with another folder: `ctr` tells. Where the files are, no program is started for them."""
    assert Loaded(IMAGES).probe(node).status is Status.CURRENT
    assert whole.asked == [("images", "ls")]
    for path in whole.content.iterdir():
        whole.elsewhere[f"sha256:{path.name}"] = path.read_text()
        path.unlink()
    assert Loaded(IMAGES).probe(node).status is Status.CURRENT
    assert whole.asked.count(("content", "get")) == 2


def test_an_archive_of_todays_docker_is_known_by_its_config(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OCI layout in a tar: index, manifest, config."""
    config = digest_of(b"{}")
    manifest = canonical({"config": {"digest": config}, "layers": []})
    parts = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": canonical({"manifests": [{"digest": digest_of(manifest)}]}),
        f"blobs/sha256/{digest_of(manifest)[7:]}": manifest,
        f"blobs/sha256/{config[7:]}": b"{}",
    }
    data = plain_tar(parts)
    containerd = Containerd(node)
    (folder(node) / f"{digest_of(data)[7:]}.tar").write_bytes(data)
    age(node, monkeypatch, 3600)
    step = Loaded((Image(digest_of(data), ("today:1",)),))
    containerd.has("today:1", config)
    assert step.probe(node).status is Status.CURRENT
    containerd.has("today:1", digest_of(b"other"))
    assert step.probe(node).status is Status.DRIFTED


def test_an_archive_that_cannot_be_read_is_no_look(node: FakeNode, whole: Containerd) -> None:
    """Unknown, not "another image"."""
    del whole
    (folder(node) / f"{IMAGES[0].archive[7:]}.tar").write_bytes(b"torn")
    with pytest.raises(LookFailed, match="cannot be read"):
        Loaded(IMAGES).probe(node)
