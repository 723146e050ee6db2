"""Packages in bundles through the real entry point: taken with what they need, looked at, compared, carried."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgectl.control.bundle.layout import ANY_ARCH, Bundle
from tests.cli.conftest import Edgectl
from tests.debs import deb


@pytest.fixture
def shop(inventory: Path, tmp_path: Path) -> Path:
    """Return a store's inventory that wants packages; beside it a folder that has them, and more."""
    text = inventory.read_text().replace("  host: {", "  host: {packages: {jq: null}, ")
    inventory.write_text(text)
    listed = b"docker.io/rancher/mirrored-pause:1\ndocker.io/rancher/mirrored-coredns-coredns:1\n"
    Bundle(tmp_path / "bundle").add(listed, kind="k3s", name="k3s-images", version="v1.36.3+k3s1", arch="noarch")
    debs = tmp_path / "debs"
    (debs / "deeper").mkdir(parents=True)
    write(debs / "jq_1.6-2_amd64.deb", deb("jq", "1.6-2", depends="libjq1 (= 1.6-2), libc6", packing=".xz"))
    write(debs / "jq_1.7~rc1_amd64.deb", deb("jq", "1.7~rc1", depends="libjq1 (= 1.7~rc1)"))
    write(debs / "deeper/libjq1.deb", deb("libjq1", "1.7~rc1", packing=".zst"))
    write(debs / "libjq1_1.6-2.deb", deb("libjq1", "1.6-2"))
    write(debs / "other.deb", deb("figlet"))
    write(debs / "jq_arm64.deb", deb("jq", "9", "arm64"))
    return inventory


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def held(tmp_path: Path) -> list[str]:
    return [f"{one.name} {one.version} {one.arch}" for one in Bundle.open(tmp_path / "bundle").all("package")]


def test_a_build_takes_what_stores_want_and_what_that_needs(shop: Path, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: nothing else, once; the store renders from it, and says its packages; again nothing is fetched."""
    lacks = edgectl("bundle", "build")
    assert lacks.code == 3
    assert "package jq is not in the bundle, nor in any --from (it has none)" in lacks.err
    assert f"{shop}:5:" in lacks.err
    said = edgectl("bundle", "build", "--from", str(tmp_path / "debs"))
    assert said.code == 0, said.err
    assert held(tmp_path) == ["jq 1.7~rc1 amd64", "libjq1 1.7~rc1 amd64"]
    assert "fetched   package jq 1.7~rc1 (amd64)" in said.err
    assert "0 artifacts fetched" in edgectl("bundle", "build", "--from", str(tmp_path / "debs")).out
    assert "0 artifacts fetched" in edgectl("bundle", "build").out
    shown = edgectl("render", "store-042").out
    assert "  package   jq 1.7~rc1\n" in shown
    assert "libjq1 1.7~rc1\n" in shown
    assert edgectl("bundle", "verify", str(tmp_path / "bundle")).code == 0


@pytest.mark.usefixtures("shop")
def test_a_damaged_package_is_taken_anew(edgectl: Edgectl, tmp_path: Path) -> None:
    """What the bundle has in other bytes than its digest says is no content; without a source it is said."""
    edgectl("bundle", "build", "--from", str(tmp_path / "debs"))
    bundle = Bundle.open(tmp_path / "bundle")
    path = bundle.blob(bundle.all("package")[0])
    path.write_bytes(b"x" * path.stat().st_size)
    assert "has it damaged, and no --from has it" in edgectl("bundle", "build").err
    shutil.rmtree(tmp_path / "cache")  # nobody knows any more what it was
    assert edgectl("bundle", "build").code == 3
    assert edgectl("bundle", "build", "--from", str(tmp_path / "debs")).code == 0
    assert edgectl("bundle", "verify", str(bundle.root)).code == 0


@pytest.mark.usefixtures("shop")
def test_a_version_never_changes(edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: other bytes under the version that the bundle has are refused: nodes that have it would stay as they are."""
    edgectl("bundle", "build", "--from", str(tmp_path / "debs"))
    write(tmp_path / "debs/jq_1.7~rc1_amd64.deb", deb("jq", "1.7~rc1", depends="libjq1 (= 1.7~rc1)", section="x"))
    said = edgectl("bundle", "build", "--from", str(tmp_path / "debs"))
    assert said.code == 3
    assert "other bytes than the bundle has of this version: a version never changes" in said.err


@pytest.mark.usefixtures("shop")
def test_a_package_that_is_cut_is_not_passed_over(edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: it might be one that others need, and the node would find out. Seeded: a folder that skips it."""
    write(tmp_path / "debs/libfoo.deb", deb("libfoo")[:-30])
    said = edgectl("bundle", "build", "--from", str(tmp_path / "debs"))
    assert said.code == 3
    assert "libfoo.deb is no Debian package that can be read: it is cut" in said.err


@pytest.mark.usefixtures("shop")
def test_another_bundle_gives_its_packages(edgectl: Edgectl, tmp_path: Path) -> None:
    """`--from` of a bundle: the packages, too."""
    other = Bundle.create(tmp_path / "older")
    other.add(deb("jq", "1.5-1", "all"), kind="package", name="jq", version="1.5-1", arch=ANY_ARCH)
    assert edgectl("bundle", "build", "--from", str(other.root)).code == 0
    assert held(tmp_path) == ["jq 1.5-1 noarch"]


@pytest.mark.usefixtures("shop")
def test_they_are_compared_listed_and_carried(edgectl: Edgectl, tmp_path: Path) -> None:
    """A newer one is `changed` by Debian's order; each is a component; a stick has those of its payload alone."""
    edgectl("bundle", "build", "--from", str(tmp_path / "debs"))
    bundle = Bundle.open(tmp_path / "bundle")
    bundle.add(deb("figlet"), kind="package", name="figlet", version="2.2.5-3")
    older = Bundle.create(tmp_path / "older")
    for version in ("1.7~rc0", "1.7"):
        older.add(deb("jq", version), kind="package", name="jq", version=version)
    said = edgectl("bundle", "diff", str(bundle.root), str(older.root), "-o", "json").document
    new = {one["name"]: one["before"] for one in said["new"]}
    assert (new["jq"], new["figlet"]) == ("1.7", "")
    listed = json.loads(edgectl("bundle", "components", str(bundle.root)).out)["components"]
    assert "pkg:deb/jq@1.7~rc1?arch=amd64" in {one.get("purl") for one in listed}
    assert "3 package" in edgectl("bundle", "inspect", str(bundle.root)).out
    carried = edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "stick"), "-o", "json").document
    assert sorted(one["name"] for one in carried["artifacts"] if one["kind"] == "package") == ["jq", "libjq1"]
    assert edgectl("bundle", "verify", str(tmp_path / "stick")).code == 0
