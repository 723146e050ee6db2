"""The one form of image archives."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from edgectl.control.bundle.image import images_of, opened, repack, tag_of
from edgectl.wire.errors import InvalidInput
from tests.archives import layer, saved

BASE, TOP = layer({"bin/app": b"app", "etc/": b""}), layer({"etc/conf": b"conf"})


def form(path: Path, name: str = "registry.example/a:1") -> bytes:
    """Return the first image of an archive in the one form."""
    with opened(path) as tar:
        image = images_of(tar)[0]
    out = io.BytesIO()
    repack(path, image, name, out)
    return out.getvalue()


def test_whoever_saved_it_the_bytes_are_the_same(tmp_path: Path) -> None:
    """Old and new engines, plain and compressed layers. Seeded fault: keep the members' own times."""
    found = set()
    for index, style in enumerate(({}, {"today": True}, {"today": True, "packed": True}, {"packed": True})):
        path = tmp_path / f"{index}.tar"
        saved(path, {"registry.example/a:1": [BASE, TOP, BASE]}, **style)  # type: ignore[arg-type]
        found.add(form(path))
    assert len(found) == 1


def test_entries_are_sorted_of_1970_and_named_by_their_digest(tmp_path: Path) -> None:
    """What it is written again from gives the same; a layer that is there twice is there once."""
    path = tmp_path / "saved.tar"
    saved(path, {"a:1": [BASE, TOP, BASE]})
    (tmp_path / "formed.tar").write_bytes(form(path, "a:1"))
    with tarfile.open(tmp_path / "formed.tar") as tar:
        members = tar.getmembers()
        image = images_of(tar)[0]
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in members} == {
        (0, 0, 0, "", 0o644)
    }
    assert len(members) == 4
    assert image.refs == ("a:1",)
    assert [f"{digest[7:]}.tar" for digest in image.layers] == [name for _, name in image.parts]
    assert form(tmp_path / "formed.tar", "a:1") == (tmp_path / "formed.tar").read_bytes()


def test_a_layer_with_other_bytes_is_refused(tmp_path: Path) -> None:
    """The config says which bytes a layer has."""
    path = tmp_path / "saved.tar"
    saved(path, {"a:1": [BASE]})
    path.write_bytes(path.read_bytes().replace(b"app", b"bad", 1).replace(b"app", b"bad"))
    with pytest.raises(InvalidInput, match="another digest"):
        form(path)


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 700, 1536, 3000])
def test_a_cut_archive_is_refused(tmp_path: Path, cut: int) -> None:
    """Never a traceback, never half an image."""
    path = tmp_path / "saved.tar"
    saved(path, {"a:1": [BASE, TOP]})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InvalidInput, match=r"saved\.tar is no image archive"):
        form(path)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        ("r.example:5000/a/b:1@sha256:00", "r.example:5000/a/b@sha256:00"),
        ("r.example:5000/a/b@sha256:00", "r.example:5000/a/b@sha256:00"),
    ],
)
def test_beside_a_digest_there_is_no_tag(name: str, tag: str) -> None:
    """As containerd names what is pinned."""
    assert tag_of(name) == tag
