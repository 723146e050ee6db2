"""`edgectl bundle build` pulls through a real Docker engine from a registry on this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.cli.main import run
from edgectl.control.bundle.layout import Bundle
from tests.archives import layer, saved
from tests.cli.conftest import KEY
from tests.docker.conftest import Docker, Engines
from tests.docker.containerd import names_after_import
from tests.docker.registry import Registry

VERSION = "v1.36.3+k3s1"
STANDING = ("docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.14.0")
BASE = layer({"base": b"base" * 10_000})
INVENTORY = """version: 1
bundle: built
defaults:
  k3s: {version: %s}
  images: [%s]
stores:
  store-042: {title: Berlin, nodes: {node-1: {address: 10.77.0.11, host_key: %s}}}
"""
Build = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def registry() -> Iterator[Registry]:
    found = Registry()
    yield found
    found.close()


@pytest.fixture
def docker(engines: Engines) -> Docker:
    return engines("first")


@pytest.fixture
def build(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Build:
    """Give a function that builds a bundle with these images; k3s and what every node needs lie in a folder."""
    release = tmp_path / "files" / VERSION
    release.mkdir(parents=True)
    for name in ("k3s", "k3s-arm64"):
        (release / name).write_bytes(name.encode())
    (release / "k3s-images.txt").write_text("\n".join(STANDING))
    for arch in ("amd64", "arm64"):
        saved(tmp_path / "files" / f"{arch}.tar", {name: [BASE] for name in STANDING}, arch=arch)
    monkeypatch.setenv("DOCKER_HOST", docker.host)

    def command(*images: str, to: str = "built", words: tuple[str, ...] = (), also: str = "") -> tuple[int, Any]:
        text = INVENTORY % (VERSION, ", ".join(f'"{image}"' for image in images), KEY)
        (tmp_path / "inventory.yaml").write_text(text + also)
        line = ("bundle", "build", "-i", str(tmp_path / "inventory.yaml"), "--from", str(tmp_path / "files"))
        capsys.readouterr()
        code = run((*line, "--to", str(tmp_path / to), *words, "-o", "json"))
        return code, json.loads(capsys.readouterr().out)

    return command


def test_tags_and_digests_are_pulled(build: Build, registry: Registry, tmp_path: Path) -> None:
    """The second time nobody is asked; what is pinned keeps its name, also in containerd."""
    digest = registry.publish("shop/app:1", {"amd64": [BASE, layer({"app": b"1"})]})
    names = (f"{registry.host}/shop/app:1", f"{registry.host}/shop/app@{digest}")
    code, made = build(*names)
    assert code == 0, made
    images = [one for one in made["artifacts"] if "shop/app" in one["name"]]
    assert sorted(one["version"] for one in images) == ["1", digest]
    assert len({one["source"] for one in images}) == 1
    asked = len(registry.asked)
    assert build(*names)[1]["fetched"] == {}
    assert len(registry.asked) == asked
    bundle = Bundle.open(tmp_path / "built")
    if shutil.which("containerd"):
        assert set(names_after_import(bundle, tmp_path)) == {*names, *STANDING}


def test_each_architecture_gets_its_own(build: Build, registry: Registry) -> None:
    """One engine holds a tag for one architecture at a time; the bundle holds it for each."""
    registry.publish("shop/app:1", {arch: [layer({"app": arch.encode()})] for arch in ("amd64", "arm64")})
    node = f"node-1: {{address: 10.77.0.12, host_key: {KEY}}}"
    arm = f"  store-043: {{title: Bonn, hardware: {{arch: arm64}}, nodes: {{{node}}}}}\n"
    code, made = build(f"{registry.host}/shop/app:1", also=arm)
    assert code == 0, made
    images = [one for one in made["artifacts"] if "shop/app" in one["name"]]
    assert [one["arch"] for one in images] == ["amd64", "arm64"]
    assert len({one["digest"] for one in images}) == 2


def test_a_tag_that_has_moved_is_seen_when_asked_for(build: Build, registry: Registry) -> None:
    """Without --pull what is there is enough; with it the registry is asked, and the artifact replaced."""
    name = f"{registry.host}/shop/app:1"
    registry.publish("shop/app:1", {"amd64": [layer({"app": b"old"})]})
    first = build(name)[1]
    registry.publish("shop/app:1", {"amd64": [layer({"app": b"new"})]})
    assert build(name)[1]["fetched"] == {}
    again = build(name, words=("--pull",))[1]
    pick = [[one["digest"] for one in made["artifacts"] if "shop/app" in one["name"]] for made in (first, again)]
    assert len(pick[0]) == len(pick[1]) == 1
    assert pick[0] != pick[1]


def test_what_is_not_there_and_what_is_locked(build: Build, registry: Registry) -> None:
    """An image that the registry does not have is exit 3; one that wants a log-in exit 4, with the command."""
    registry.locked.add("shop/secret")
    code, said = build(f"{registry.host}/shop/none:1", f"{registry.host}/shop/secret:1")
    assert code == 3
    assert "manifest unknown" in said["details"][0]
    assert any("does not let Docker in" in line for line in said["details"])
    code, said = build(f"{registry.host}/shop/secret:1")
    assert code == 4
    assert f"docker login {registry.host}" in said["hint"]


def test_another_architecture_only(build: Build, registry: Registry) -> None:
    """Exit 3: never an image that the node cannot run."""
    registry.publish("shop/app:1", {"arm64": [BASE]})
    code, said = build(f"{registry.host}/shop/app:1")
    assert code == 3
    assert "(amd64) cannot be had" in said["details"][0]
