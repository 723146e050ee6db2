"""Packages in the payload: what is wanted in which version, what the node's own source must hold, what is lacking."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from edgectl.control.bundle.layout import ANY_ARCH, Bundle
from edgectl.control.debian import known
from edgectl.control.debian.control import Control
from edgectl.control.debian.file import control
from edgectl.control.inventory.load import load
from edgectl.control.payload.compare import content
from edgectl.control.payload.gpufiles import NOUVEAU, UPGRADES
from edgectl.control.payload.render import Renderer
from edgectl.control.payload.rendered import Rendered
from edgectl.wire.errors import InvalidInput
from edgectl.wire.host import Package, Packages
from edgectl.wire.payload import decode
from tests.debs import deb

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
INVENTORY = f"""version: 1
bundle: bundle
defaults:
  k3s: {{version: v1.36.3+k3s1}}
  host:
    packages: {{jq: null}}
stores:
  store-042:
    title: Berlin
    nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}
"""
GPU = """
    gpu:
      count: 1
      packages: {nvidia-driver-570: 570.86.15-1, libcuda-g++1.0: null}
"""
DEBS = {
    ("jq", "1.6-2.1", "amd64"): "libjq1 (= 1.6-2.1), libc6 (>= 2.34)",
    ("jq", "1.6-2.1+deb12u1", "amd64"): "libjq1 (= 1.6-2.1+deb12u1), libc6 (>= 2.34)",
    ("jq", "1.6~rc1-9", "amd64"): "",
    ("jq", "1.6-2.1", "arm64"): "libjq1 (= 1.6-2.1)",
    ("libjq1", "1.6-2.1", "amd64"): "",
    ("libjq1", "1.6-2.1", "arm64"): "",
    ("libjq1", "1.6-2.1+deb12u1", "amd64"): "jq-data",
    ("jq-data", "1:2", "all"): "",
    ("figlet", "2.2.5-3", "amd64"): "jq-data",
    ("nvidia-driver-570", "570.86.15-1", "amd64"): "libcuda-g++1.0 (= 570.86.15-1)",
    ("nvidia-driver-570", "570.124.06-1", "amd64"): "libcuda-g++1.0 (= 570.124.06-1)",
    ("libcuda-g++1.0", "570.86.15-1", "amd64"): "",
}


def put(bundle: Bundle, names: Iterable[tuple[str, str, str]]) -> None:
    """Put packages into a bundle."""
    for name, version, arch in names:
        data = deb(name, version, arch, depends=DEBS[name, version, arch])
        of_bundle = ANY_ARCH if arch == "all" else arch
        bundle.add(data, kind="package", name=name, version=version, arch=of_bundle)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = Bundle.create(tmp_path / "bundle")
    for arch in ("amd64", "arm64"):
        bundle.add(arch.encode(), kind="k3s", name="k3s", version="v1.36.3+k3s1", arch=arch)
        for name in ("mirrored-pause", "mirrored-coredns-coredns"):
            ref = f"docker.io/rancher/{name}:1"
            bundle.add(f"{ref}{arch}".encode(), kind="image", name=name, version="1", arch=arch, refs=(ref,))
    put(bundle, DEBS)
    return tmp_path


def rendered(home: Path, *changes: tuple[str, str]) -> Rendered:
    text = INVENTORY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (home / "inventory.yaml").write_text(text)
    return Renderer().render(load(home / "inventory.yaml").store("store-042"))


def packages(found: Rendered) -> Packages:
    os = found.payload.nodes[0].host.os
    return os.packages if os else Packages()


def pool(found: Rendered) -> list[str]:
    return [f"{one.name} {one.version} {one.arch}" for one in packages(found).pool]


def test_the_newest_comes_with_all_that_it_needs_and_nothing_else(home: Path) -> None:
    """Law: by Debian's order of versions, for the node's architecture; blobs and their places are in the payload."""
    found = rendered(home)
    assert packages(found).wanted == (Package("jq", "1.6-2.1+deb12u1"),)
    assert packages(found).gpu == ()
    assert pool(found) == ["jq 1.6-2.1+deb12u1 amd64", "jq-data 1:2 all", "libjq1 1.6-2.1+deb12u1 amd64"]
    blobs = packages(found).blobs
    assert blobs <= set(found.payload.blobs)
    assert all(found.blob_paths[name].stat().st_size == found.payload.blobs[name] for name in blobs)
    assert decode(found.payload.encode()) == found.payload


def test_the_declared_version_is_the_one_that_comes(home: Path) -> None:
    """Law: exactly it, though the bundle has a newer one; for another architecture its own."""
    older = rendered(home, ("jq: null", "jq: 1.6-2.1"))
    assert pool(older) == ["jq 1.6-2.1 amd64", "libjq1 1.6-2.1 amd64"]
    arm = rendered(home, ("    title", "    hardware: {arch: arm64}\n    title"))
    assert packages(arm).wanted == (Package("jq", "1.6-2.1"),)
    assert pool(arm) == ["jq 1.6-2.1 arm64", "libjq1 1.6-2.1 arm64"]


def test_packages_of_the_gpu_are_held_and_fenced(home: Path) -> None:
    """Law: apt holds them, unattended-upgrades leaves them and kernels alone, nouveau stays away.

    Seeded: a name with + in it written as a pattern, which ends unattended-upgrades altogether.
    """
    found = rendered(home, ("    title", f"{GPU}    title"))
    held = (
        Package("libcuda-g++1.0", "570.86.15-1", hold=True),
        Package("nvidia-driver-570", "570.86.15-1", hold=True),
    )
    assert packages(found).gpu == held
    assert packages(found).wanted == (Package("jq", "1.6-2.1+deb12u1"),)
    assert "nvidia-driver-570 570.124.06-1 amd64" not in pool(found)
    files = {file.path: file for file in found.payload.nodes[0].host.files}
    assert files[NOUVEAU].text.splitlines()[1:] == ["blacklist nouveau", "options nouveau modeset=0"]
    patterns = re.findall(r'^  "(.*)";$', files[UPGRADES].text, re.MULTILINE)

    def left_alone(name: str) -> bool:
        return any(re.match(pattern, name) for pattern in patterns)

    fenced = (
        "libcuda-g++1.0",
        "nvidia-driver-570",
        "nvidia-dkms-570",
        "libnvidia-gl-570",
        "linux-image-6.1.0-9-amd64",
    )
    assert all(map(left_alone, fenced))
    assert not any(map(left_alone, ("openssl", "jq", "libc6", "linux-base", "g++")))


def test_no_packages_no_files(home: Path) -> None:
    """A store that declares none is as it was: no file, no package, nothing of an operating system."""
    plain = rendered(home, ("    packages: {jq: null}\n", "    free_bytes: 1GiB\n"))
    assert packages(plain) == Packages()
    gpu = rendered(home, ("    title", "    gpu: {count: 1}\n    title"))
    assert {NOUVEAU, UPGRADES}.isdisjoint(file.path for file in gpu.payload.nodes[0].host.files)


def test_what_the_bundle_lacks_is_told_with_its_line(home: Path) -> None:
    """Law: all at once; the versions that there are; at the node where it is the node's own."""
    asked = "jq: 1.7-1, chrony: null"
    own = ("host_key", "host: {packages: {figlet: 9-9}}, host_key")
    with pytest.raises(InvalidInput) as told:
        rendered(home, ("jq: null", asked), own)
    where = f"{home / 'inventory.yaml'}:"
    found = [line.removeprefix(where) for line in told.value.details if line.startswith(where)]
    root = home / "bundle"
    has = "1.6~rc1-9, 1.6-2.1, 1.6-2.1+deb12u1"
    assert found == [
        f"6:20  package jq 1.7-1 is not in the bundle {root} (it has {has}): edgectl bundle build",
        f"6:35  package chrony is not in the bundle {root} (it has none): edgectl bundle build",
        f"10:69  package figlet 9-9 is not in the bundle {root} (it has 2.2.5-3): edgectl bundle build",
    ]


def test_a_package_that_cannot_be_read_is_told(home: Path) -> None:
    """A bundle whose package is not what its name says renders nothing from it."""
    bundle = Bundle.open(home / "bundle")
    bundle.add(b"text", kind="package", name="jq", version="9-1")
    with pytest.raises(InvalidInput) as told:
        rendered(home)
    assert any("no Debian package that can be read" in line for line in told.value.details)


def test_packages_are_opened_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a second deploy reads no package: fields are kept by digest; the payload is the same, elsewhere, too."""
    first = rendered(home).payload.digest
    reads: list[Path] = []

    def counted(path: Path) -> Control:
        reads.append(path)
        return control(path)

    monkeypatch.setattr(known, "control", counted)
    assert rendered(home).payload.digest == first
    assert reads == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "another-cache"))
    assert rendered(home).payload.digest == first
    assert reads


def test_the_order_of_a_bundle_changes_nothing(home: Path) -> None:
    """Law: the digest hangs on what is needed, not on when or what else came into the bundle."""
    first = rendered(home).payload.digest
    bundle = Bundle.open(home / "bundle")
    bundle.add(deb("another", depends="jq"), kind="package", name="another", version="2.2.5-3")
    assert rendered(home).payload.digest == first


def test_a_version_that_moves_is_one_change(home: Path) -> None:
    """`render --diff` shows the package by its name."""
    before = rendered(home, ("jq: null", "jq: 1.6-2.1")).payload
    after = rendered(home).payload
    changed = [change for change in content(before, after) if "wanted" in str(change)]
    assert len(changed) == 1
    assert "1.6-2.1+deb12u1" in str(changed[0])
