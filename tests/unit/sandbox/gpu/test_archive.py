"""Image archives: the same bytes from the same files, whoever made them and when."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from edgectl.sandbox.gpu.archive import Start, names_in, write_archive

START = Start(("/bin/tool",), user="65532:65532", env=("A=1",))


def plant(tree: Path) -> Path:
    """Make a small tree with what images have: a program, a long name, links."""
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "tool").write_bytes(b"#!")
    (tree / "bin" / "tool").chmod(0o755)
    (tree / "lib").symlink_to("usr/lib")
    long = tree / "usr" / "lib" / ("deep/" * 30) / "name"
    long.parent.mkdir(parents=True)
    long.write_text("é")
    os.link(long, tree / "usr" / "hard")
    return tree


def layer(archive: Path) -> tarfile.TarFile:
    with tarfile.open(archive) as outer:
        manifest: Any = json.load(outer.extractfile("manifest.json"))  # type: ignore[arg-type]
        data = outer.extractfile(manifest[0]["Layers"][0]).read()  # type: ignore[union-attr]
    return tarfile.open(fileobj=io.BytesIO(data))


def test_same_files_same_bytes(tmp_path: Path) -> None:
    """Law: times, umask and the order of creation do not reach the archive."""
    one = plant(tmp_path / "one")
    two = tmp_path / "two"
    (two / "usr").mkdir(parents=True)
    (two / "usr" / "hard").write_text("é")
    old = os.umask(0o077)
    try:
        (two / "bin").mkdir()
        (two / "bin" / "tool").write_bytes(b"#!")
        (two / "bin" / "tool").chmod(0o700)
        long = two / "usr" / "lib" / ("deep/" * 30) / "name"
        long.parent.mkdir(parents=True)
        long.write_text("é")
    finally:
        os.umask(old)
    (two / "lib").symlink_to("usr/lib")
    os.utime(two / "bin" / "tool", (1, 1))
    names = [write_archive(tmp_path / f"{tree.name}.tar", tree, repository="x/y", start=START) for tree in (one, two)]
    digests = {hashlib.sha256((tmp_path / f"{name}.tar").read_bytes()).hexdigest() for name in ("one", "two")}
    assert names[0] == names[1]
    assert len(digests) == 1


def test_a_changed_file_changes_the_name(tmp_path: Path) -> None:
    """Law: without a tag an image is named after its content and its start."""
    tree = plant(tmp_path / "tree")
    before = write_archive(tmp_path / "a.tar", tree, repository="x/y", start=START)
    other_start = write_archive(tmp_path / "b.tar", tree, repository="x/y", start=Start(("/bin/other",)))
    (tree / "bin" / "tool").write_bytes(b"#?")
    other_file = write_archive(tmp_path / "c.tar", tree, repository="x/y", start=START)
    assert len({before, other_start, other_file}) == 3
    assert write_archive(tmp_path / "d.tar", tree, repository="x/y", tag="1", start=START) == "x/y:1"


def test_what_changes_often_is_a_layer_of_its_own(tmp_path: Path) -> None:
    """Law: a change above leaves the layer below byte for byte as it was, and is another image."""
    below, above = plant(tmp_path / "below"), tmp_path / "above"
    above.mkdir()
    (above / "code").write_text("1")
    names, digests = [], []
    for text in ("1", "2"):
        (above / "code").write_text(text)
        names.append(write_archive(tmp_path / "a.tar", below, above, repository="x/y", start=START))
        with tarfile.open(tmp_path / "a.tar") as opened:
            manifest: Any = json.load(opened.extractfile("manifest.json"))  # type: ignore[arg-type]
            config: Any = json.load(opened.extractfile(manifest[0]["Config"]))  # type: ignore[arg-type]
        digests.append([layer.removesuffix(".tar") for layer in manifest[0]["Layers"]])
        assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in digests[-1]]
        assert len(config["history"]) == len(digests[-1]) == 2
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]
    assert names[0] != names[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "above", "below"]


def test_the_archive_is_what_containerd_reads(tmp_path: Path) -> None:
    """Law: manifest, config and layer name each other by digest; owners are root; nothing else is in there."""
    out = tmp_path / "a.tar"
    name = write_archive(out, plant(tmp_path / "tree"), repository="x/y", start=START)
    assert names_in(out) == (name,)
    with tarfile.open(out) as archive:
        assert len(archive.getnames()) == 3
        manifest: Any = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        config_bytes = archive.extractfile(manifest[0]["Config"]).read()  # type: ignore[union-attr]
        layer_bytes = archive.extractfile(manifest[0]["Layers"][0]).read()  # type: ignore[union-attr]
    assert manifest[0]["Config"] == hashlib.sha256(config_bytes).hexdigest() + ".json"
    config = json.loads(config_bytes)
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer_bytes).hexdigest()]
    assert config["config"]["User"] == "65532:65532"
    with layer(out) as tree:
        assert {(entry.uid, entry.gid, entry.mtime, entry.uname) for entry in tree} == {(0, 0, 0, "")}
        assert tree.getmember("bin/tool").mode == 0o755
        assert tree.getmember("lib").linkname == "usr/lib"
        assert tree.getmember("usr/hard").isreg()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "tree"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Law: a pipe in an image is a mistake, said by name, and no half archive stays beside it."""
    tree, out = tmp_path / "tree", tmp_path / "out"
    tree.mkdir()
    out.mkdir()
    os.mkfifo(tree / "pipe")
    with pytest.raises(ValueError, match="pipe"):
        write_archive(out / "a.tar", tree, repository="x/y", start=START)
    assert not list(out.iterdir())
