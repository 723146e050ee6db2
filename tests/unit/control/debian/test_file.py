"""A file of a package: its fields, however it is packed; and what is no such file, in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.bundle.layout import Bundle
from edgectl.control.debian.control import Control, Relation
from edgectl.control.debian.file import control
from edgectl.control.debian.inside import wrong_package
from edgectl.control.debian.known import control_of
from edgectl.wire.errors import InvalidInput
from tests.debs import PACKERS, ar, deb

GOOD = deb(
    "jq", "1:1.6~rc1-2", depends="libjq1 (= 1.6), libc6 (>= 2.34) | musl", pre_depends="dpkg", provides="quick (= 2)"
)
BAD = {
    "nothing": (b"", "no ar archive"),
    "another archive": (b"!<arch>\n", "not debian-binary"),
    "cut in its head": (GOOD[:90], "cut or damaged"),
    "cut in a tar": (GOOD[:-40], "bytes more than are there"),
    "a size below nothing": (GOOD.replace(b"4         `\n", b"-60       `\n", 1), "cut or damaged"),
    "no data": (ar({"debian-binary": b"2.0\n", "control.tar": b""}), "not debian-binary, control.tar and data.tar"),
    "of the future": (GOOD.replace(b"2.0\n", b"3.0\n", 1), "another format than 2"),
    "no control file": (
        ar({"debian-binary": b"2.0\n", "control.tar": bytes(1024), "data.tar": b""}),
        "no control file",
    ),
    "a tar that is none": (ar({"debian-binary": b"2.0\n", "control.tar.gz": b"x" * 99, "data.tar": b""}), ""),
    "zstd that is none": (ar({"debian-binary": b"2.0\n", "control.tar.zst": b"x" * 99, "data.tar": b""}), ""),
    "a name with a space": (deb("a b"), "its field Package is 'a b'"),
    "no version": (deb(text="Package: aa\nArchitecture: all\n"), "its field Version is ''"),
    "a version of letters": (deb(version="new"), "its field Version is 'new'"),
    "no architecture": (deb(arch="a/b"), "its field Architecture"),
    "an empty control file": (deb(text="\n"), "its field Package"),
}


@pytest.mark.parametrize("packing", PACKERS)
def test_it_says_what_it_is_however_it_is_packed(tmp_path: Path, packing: str) -> None:
    """Debian packs with xz, Ubuntu with zstd, old packages with gzip: all are read without another program."""
    path = tmp_path / "x.deb"
    path.write_bytes(deb("libc6", "2.36-9+deb12u9", "all", packing=packing))
    assert control(path) == Control("libc6", "2.36-9+deb12u9", "all")
    names = {"edgectl.name": "libc6", "edgectl.version": "2.36-9+deb12u9", "edgectl.arch": "noarch"}
    assert list(wrong_package(path, names)) == []


def test_needs_and_what_it_stands_for(tmp_path: Path) -> None:
    """An epoch, a tilde, alternatives and versions stay as they are said; what must be there first comes first."""
    path = tmp_path / "x.deb"
    path.write_bytes(GOOD)
    found = control(path)
    assert (found.name, found.version, found.arch, found.bundle_arch) == ("jq", "1:1.6~rc1-2", "amd64", "amd64")
    libc = (Relation("libc6", ">=", "2.34"), Relation("musl"))
    assert found.needs == ((Relation("dpkg"),), (Relation("libjq1", "=", "1.6"),), libc)
    assert found.provides == (Relation("quick", "=", "2"),)


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_package_is_told(tmp_path: Path, case: str) -> None:
    """Law: one sentence with the file's name; never another error, and never a read without end."""
    data, says = BAD[case]
    path = tmp_path / "x.deb"
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match="no Debian package that can be read") as told:
        control(path)
    assert str(path) in told.value.message
    assert says in told.value.message


@given(place=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7), cut=st.booleans())
def test_any_damage_is_a_sentence(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, cut: bool) -> None:  # noqa: FBT001 - drawn
    """Law: a flipped bit or a cut gives fields or InvalidInput. Seeded: an ar reader that believes any size."""
    data = bytearray(GOOD)
    data[place] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "any.deb"
    path.write_bytes(data[:place] if cut else data)
    try:
        control(path)
    except InvalidInput:
        return


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (deb(member="../../etc/cron.d/x"), "leads out"),
        (deb(member="/etc/cron.d/x"), "absolute name"),
        (deb(member="./x", type="link", target="/etc/shadow"), "a link that leads out"),
        (deb(member="./x", type="pipe"), "a device or a pipe"),
        (deb(script="../postinst"), "leads out"),
        (deb("other"), "another package by its own word: other 2.2.5-3 amd64"),
        (deb(arch="arm64"), "another package by its own word"),
        (b"text", "no Debian package that can be read: it is no ar archive"),
    ],
)
def test_what_is_wrong_inside_is_told(tmp_path: Path, spoilt: bytes, says: str) -> None:
    """Names that lead out, devices, and a package that is not the one that the bundle says."""
    path = tmp_path / "x"
    path.write_bytes(spoilt)
    names = {"edgectl.name": "figlet", "edgectl.version": "2.2.5-3", "edgectl.arch": "amd64"}
    assert any(says in sentence for sentence in wrong_package(path, names))


def test_fields_are_read_once_for_each_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: later looks open no package; a cache that is torn is read anew; another package is not taken for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = Bundle.create(tmp_path / "bundle")
    artifact = bundle.add(GOOD, kind="package", name="jq", version="1:1.6~rc1-2", arch="amd64")
    first = control_of(artifact, bundle.blob(artifact))
    gone = tmp_path / "gone"
    assert control_of(artifact, gone) == first
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_bytes(kept.read_bytes()[:20])
    assert control_of(artifact, bundle.blob(artifact)) == first
    other = bundle.add(GOOD, kind="package", name="jq", version="1.7", arch="amd64")
    with pytest.raises(InvalidInput, match=r"is jq 1:1\.6~rc1-2 amd64, and the bundle says jq 1\.7 amd64"):
        control_of(other, bundle.blob(other))
