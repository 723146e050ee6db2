"""`edgectl init` and `edgectl render` through the real entry point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.cli.main import run
from edgectl.control.bundle.layout import Bundle

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory of a store without releases, beside a bundle that has all it needs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = Bundle.create(tmp_path / "bundle")
    bundle.add(b"k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    for name in ("mirrored-pause", "mirrored-coredns-coredns"):
        bundle.add(name.encode(), kind="image", name=name, version="1", refs=(f"docker.io/rancher/{name}:1",))
    path = tmp_path / "inventory.yaml"
    path.write_text(
        "version: 1\nbundle: bundle\ndefaults: {k3s: {version: v1.36.3+k3s1}}\nstores:\n  store-042:\n"
        f"    title: Berlin\n    nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}\n"
    )
    return path


def test_init_writes_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A starter and its schema; what is there already stays as it is."""
    assert run(["init", str(tmp_path)]) == 0
    starter = tmp_path / "stores" / "inventory.yaml"
    assert starter.read_text().startswith("# yaml-language-server: $schema=inventory.schema.json\n")
    starter.write_text("mine")
    capsys.readouterr()
    assert run(["init", str(tmp_path), "-o", "json"]) == 0
    assert starter.read_text() == "mine"
    written = json.loads(capsys.readouterr().out)["files"]
    assert written == {str(starter): False, str(tmp_path / "stores" / "inventory.schema.json"): False}


def test_init_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the way is named."""
    (tmp_path / "stores").write_text("")
    assert run(["init", str(tmp_path)]) == 3
    assert f"{tmp_path}/stores" in capsys.readouterr().err


def test_render_says_what_a_store_would_become(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Digest, nodes, files and blobs with their sizes; the same twice."""
    assert run(["render", "store-042", "-i", str(inventory)]) == 0
    text = capsys.readouterr().out
    for part in ("store-042  Berlin", "payload   sha256:", "0600 /etc/rancher/k3s/config.yaml", "3 blobs"):
        assert part in text
    assert run(["render", "store-042", "-i", str(inventory)]) == 0
    assert capsys.readouterr().out == text


def test_render_to_a_folder(inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that would be sent can be read, and the document names the digest of exactly that."""
    out = tmp_path / "out"
    assert run(["render", "store-042", "-i", str(inventory), "--to", str(out), "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["to"] == str(out)
    assert document["payload"] == json.loads((out / "payload.json").read_text())
    assert (out / "nodes/node-1/rootfs/etc/rancher/k3s/config.yaml").is_file()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("store-042:", "store-043:"), 'has no store "store-042"'),
        (("title:", "titel:"), 'unknown key "titel" in store-042. Did you mean "title"?'),
        (("bundle: bundle", "bundle: none"), "there is no bundle at"),
        (("v1.36.3", "v1.36.4"), "k3s v1.36.4+k3s1 is not in the bundle"),
        (("v1.36.3", "v1.36.4"), "next: edgectl bundle build fetches what the bundle lacks"),
        (("stores:", "stores: ["), "broken YAML"),
    ],
)
def test_what_is_wrong_is_said_with_exit_3(
    inventory: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], sentence: str
) -> None:
    """Nothing on stdout, the finding on stderr; as JSON one document on stdout."""
    inventory.write_text(inventory.read_text().replace(*change))
    assert run(["render", "store-042", "-i", str(inventory)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert run(["render", "store-042", "-i", str(inventory), "-o", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["exit"] == 3
