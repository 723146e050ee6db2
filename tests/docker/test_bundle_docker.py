"""`edgectl bundle build` with real Docker engines, and what containerd makes of its archives."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from edgectl.cli.main import run
from edgectl.control.bundle.layout import Bundle
from tests.cli.conftest import KEY
from tests.docker.conftest import Docker, Engines
from tests.docker.containerd import names_after_import

VERSION = "v1.36.3+k3s1"
ONE, TWO = "registry.example/shop/app:1", "registry.example/shop/app:2"
STANDING = ("docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.14.0")
INVENTORY = f"""version: 1
bundle: built
defaults:
  k3s: {{version: {VERSION}}}
  images: ["{ONE}", "{TWO}"]
stores:
  store-042: {{title: Berlin, nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engines: Engines) -> Path:
    """Return an inventory; k3s lies in a folder, and the images are in the engine `first`."""
    home = tmp_path_factory.mktemp("shop")
    (home / "inventory.yaml").write_text(INVENTORY)
    release = home / "files" / VERSION
    release.mkdir(parents=True)
    (release / "k3s").write_bytes(b"the k3s binary")
    (release / "k3s-images.txt").write_text("\n".join(STANDING))
    first = engines("first")
    context = home / "context"
    context.mkdir()
    (context / "base").write_bytes(os.urandom(200_000))
    (context / "Dockerfile").write_text("FROM scratch\nCOPY base /base\n")
    for name in STANDING:
        first.build(context, name)
    for name in (ONE, TWO):
        (context / "app").write_text(name)
        (context / "Dockerfile").write_text('FROM scratch\nCOPY base /base\nCOPY app /app\nENTRYPOINT ["/app"]\n')
        first.build(context, name)
    return home / "inventory.yaml"


def build(shop: Path, docker: Docker, to: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Build a bundle with an engine."""
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    words = ("bundle", "build", "-i", str(shop), "--from", str(shop.with_name("files")), "--to", str(to))
    return run((*words, "-o", "json"))


def test_two_engines_give_the_same_bundle(
    shop: Path, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same images in another engine, with its own data: the same bytes, the same index.

    Seeded fault: keep the saved archive as it is.
    """
    first, second = engines("first"), engines("second")
    assert build(shop, first, tmp_path / "one", monkeypatch) == 0
    made = json.loads(capsys.readouterr().out)
    second.run("load", data=first.run("save", ONE, TWO, *STANDING))
    assert build(shop, second, tmp_path / "two", monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["index"] == made["index"]
    assert Bundle.open(tmp_path / "one").all() == Bundle.open(tmp_path / "two").all()
    assert made["shared"]["layers"] == 1
    assert run(("bundle", "verify", str(tmp_path / "two"))) == 0
    raw = [engine.run("save", ONE) for engine in (first, second)]
    assert raw[0] != Bundle.open(tmp_path / "one").path(next(iter(made["fetched"]))).read_bytes()


def test_two_tags_share_their_layer(
    shop: Path, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers are plain and named by their digest, so that a delta finds what is the same."""
    assert build(shop, engines("first"), tmp_path / "one", monkeypatch) == 0
    bundle = Bundle.open(tmp_path / "one")
    names = []
    for version in ("1", "2"):
        found = bundle.find(kind="image", name="registry.example/shop/app", version=version)
        assert found is not None
        with tarfile.open(bundle.path(found.digest), "r:") as tar:
            names.append({member.name: member.size for member in tar})
    shared = names[0].keys() & names[1].keys() - {"manifest.json"}
    assert len(shared) == 1
    assert names[0][shared.pop()] > 200_000


def test_an_image_that_no_registry_can_be_asked_for_is_exit_4(
    shop: Path, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real engine without a network; with the line of the inventory, and what to do."""
    other = tmp_path / "inventory.yaml"
    other.write_text(INVENTORY.replace(TWO, "127.0.0.1:1/shop/none:1"))
    shutil.copytree(shop.with_name("files"), tmp_path / "files")
    assert build(other, engines("first"), tmp_path / "one", monkeypatch) == 4
    document = json.loads(capsys.readouterr().out)
    assert f"{other}:5:" in document["details"][0]
    assert "the registry 127.0.0.1:1 cannot be reached" in document["details"][0]
    assert "bring the image with --from" in document["hint"]


def test_containerd_imports_what_is_built(
    shop: Path, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As k3s does: each archive gives its names, tags and digests alike, unpacked."""
    if shutil.which("containerd") is None:
        pytest.skip("needs containerd (Debian: docker.io brings it)")
    assert build(shop, engines("first"), tmp_path / "one", monkeypatch) == 0
    bundle = Bundle.open(tmp_path / "one")
    assert sorted(names_after_import(bundle, tmp_path)) == sorted([ONE, TWO, *STANDING])
