"""The bundle: an OCI image layout that names what it holds."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.wire.errors import InvalidInput


def test_what_was_added_is_found(tmp_path: Path) -> None:
    """An artifact is found by its names, and its blob lies under its digest."""
    bundle = Bundle.create(tmp_path / "bundle")
    source = tmp_path / "k3s"
    source.write_bytes(b"binary")
    added = bundle.add(source, kind="k3s", name="k3s", version="v1.36.3+k3s1")
    assert added.digest == "sha256:" + hashlib.sha256(b"binary").hexdigest()
    assert added.size == 6
    again = Bundle.open(tmp_path / "bundle")
    assert again.find(kind="k3s", name="k3s", version="v1.36.3+k3s1") == added
    assert again.path(added.digest).read_bytes() == b"binary"
    assert again.find(kind="k3s", name="k3s", version="v1.36.4+k3s1") is None
    assert again.find(kind="k3s", name="k3s", arch="arm64") is None


def test_adding_again_changes_nothing_and_another_content_replaces(tmp_path: Path) -> None:
    """Kind, name, version and arch are one artifact, whatever it held before."""
    bundle = Bundle.create(tmp_path)
    bundle.add(b"one", kind="image", name="gate", version="1", refs=("edgectl.local/gate:1",))
    index = (tmp_path / "index.json").read_bytes()
    stamp = (tmp_path / "index.json").stat().st_mtime_ns
    bundle.add(b"one", kind="image", name="gate", version="1", refs=("edgectl.local/gate:1",))
    assert ((tmp_path / "index.json").read_bytes(), (tmp_path / "index.json").stat().st_mtime_ns) == (index, stamp)
    second = bundle.add(b"two", kind="image", name="gate", version="1", refs=("edgectl.local/gate:1",))
    assert bundle.all("image") == (second,)


def test_the_newest_version_is_found_where_none_is_asked_for(tmp_path: Path) -> None:
    """1.10 is newer than 1.9; what fits every machine fits this one."""
    bundle = Bundle.create(tmp_path)
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        bundle.add(version.encode(), kind="chart", name="vision", version=version, arch="noarch")
    found = bundle.find(kind="chart", name="vision")
    assert found is not None
    assert found.version == "1.10.0"


def test_it_is_an_oci_image_layout(tmp_path: Path) -> None:
    """Other tools read it; what they have put there stays."""
    bundle = Bundle.create(tmp_path)
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    theirs = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 1}
    index = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**index, "manifests": [theirs]}))
    added = bundle.add(b"x", kind="helm", name="helm", version="v4.3.1")
    assert bundle.all() == (added,)
    manifests = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert theirs in manifests
    assert {"edgectl.kind": "helm", "edgectl.name": "helm", "edgectl.version": "v4.3.1", "edgectl.arch": "amd64"} in [
        doc.get("annotations") for doc in manifests
    ]


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """Several programs may fill one bundle at once."""
    bundle = Bundle.create(tmp_path)

    def fill(part: int) -> None:
        for number in range(10):
            Bundle.create(tmp_path).add(f"{part}-{number}".encode(), kind="image", name=f"i{part}", version=str(number))

    threads = [threading.Thread(target=fill, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bundle.all("image")) == 40
    assert not list(tmp_path.rglob(".staging-*"))


def test_what_is_no_bundle_is_refused_by_name(tmp_path: Path) -> None:
    """Missing, something else, broken, incomplete: each has its sentence."""
    with pytest.raises(InvalidInput, match="there is no bundle at"):
        Bundle.open(tmp_path / "none")
    with pytest.raises(InvalidInput, match="is not a bundle"):
        Bundle.open(tmp_path)
    bundle = Bundle.create(tmp_path)
    added = bundle.add(b"x", kind="helm", name="helm", version="v4.3.1")
    bundle.path(added.digest).unlink()
    with pytest.raises(InvalidInput, match="the bundle is incomplete"):
        bundle.path(added.digest)
    for broken in ("{", "[]", '{"manifests": 5}', '{"manifests": [{"annotations": {"edgectl.kind": "k3s"}}]}'):
        (tmp_path / "index.json").write_text(broken)
        with pytest.raises(InvalidInput, match="cannot be read"):
            Bundle.open(tmp_path)


def test_an_image_of_the_same_name_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    """However the artifact was called; another architecture's, and one with more names, stay."""
    bundle = Bundle.create(tmp_path)
    for arch in ("amd64", "arm64"):
        bundle.add(b"old", kind="image", name="pause", version="1", arch=arch, refs=("r/pause:3.6",))
    bundle.add(b"both", kind="image", name="both", version="1", refs=("r/pause:3.6", "r/other:1"))
    bundle.add(b"new", kind="image", name="rancher/pause", version="3.6", refs=("r/pause:3.6",))
    found = [(artifact.name, artifact.arch) for artifact in bundle.all("image")]
    assert found == [("both", "amd64"), ("pause", "arm64"), ("rancher/pause", "amd64")]


def test_notes_stay_when_something_is_added(tmp_path: Path) -> None:
    """What the index says of itself is part of its digest, and nothing else of the machine is."""
    bundle = Bundle.create(tmp_path)
    bundle.note(version="1.0", commit="abc")
    bundle.add(b"k3s", kind="k3s", name="k3s", version="v1")
    assert bundle.notes == {"edgectl.version": "1.0", "edgectl.commit": "abc"}
    bundle.note(commit="")
    assert bundle.notes == {"edgectl.version": "1.0"}
