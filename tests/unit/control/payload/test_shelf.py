"""Stores rendered together are what each is when it is rendered alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.bundle.helm import Rendering
from edgectl.control.bundle.layout import Bundle
from edgectl.control.inventory.load import load
from edgectl.control.payload.render import Renderer, _Rendering, bundle_of, render
from edgectl.control.payload.rendered import Rendered
from edgectl.control.payload.shelf import Shelf
from edgectl.wire.errors import InvalidInput
from tests.fleet import fleet
from tests.unit.control.payload.test_render import INVENTORY, home, template

__all__ = ["home"]


def test_a_shared_shelf_changes_no_payload(home: Path) -> None:
    """Law: what stores share is made once and is the same; Helm is asked once for equal values.

    Seeded fault: the release's name left out of the key.
    """
    more = INVENTORY.partition("stores:\n")[2]
    other = more.replace("store-042", "store-043").replace("10.77.0.11", "10.77.0.12")
    third = more.replace("store-042", "store-044").replace(
        "    title: Berlin\n",
        "    releases: {vision: {values: {size: 2}}, copy: {chart: ./plugin, namespace: gpu-system}}\n",
    )
    (home / "inventory.yaml").write_text(INVENTORY + other + third)
    asked: list[str] = []

    def counted(rendering: Rendering) -> tuple[dict[str, object], ...]:
        asked.append(rendering.release)
        return template(rendering)

    inventory = load(home / "inventory.yaml")
    stores = [inventory.store(name) for name in inventory.names()]
    shelf = Shelf(bundle_of(stores[0]), counted)
    together = [_Rendering(store, shelf).run().payload for store in stores]
    alone = [render(store, bundle_of(store), template=template).payload for store in stores]
    assert [payload.encode() for payload in together] == [payload.encode() for payload in alone]
    assert asked == ["plugin", "vision", "vision", "copy"]


def test_a_chart_that_fails_fails_for_each_store(home: Path) -> None:
    """An error is remembered, too: the second store gets its finding without another start of Helm."""
    more = INVENTORY.partition("stores:\n")[2].replace("store-042", "store-043").replace("10.77.0.11", "10.77.0.12")
    (home / "inventory.yaml").write_text(INVENTORY + more)
    asked: list[str] = []

    def fails(rendering: Rendering) -> tuple[dict[str, object], ...]:
        asked.append(rendering.release)
        raise InvalidInput("no")

    inventory = load(home / "inventory.yaml")
    shelf = Shelf(bundle_of(inventory.store("store-042")), fails)
    for name in inventory.names():
        with pytest.raises(InvalidInput, match="2 errors"):
            _Rendering(inventory.store(name), shelf).run()
    assert asked == ["plugin", "vision"]


def test_machines_get_what_is_made_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """k3s and images are those of the node's architecture; what the bundle lacks for it is named with it.

    Seeded fault: the first archive of that name, whatever it is for.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = Bundle.create(tmp_path / "bundle")
    for arch in ("amd64", "arm64"):
        bundle.add(f"k3s {arch}".encode(), kind="k3s", name="k3s", version="v1.36.3+k3s1", arch=arch)
        for name in ("mirrored-pause", "mirrored-coredns-coredns"):
            refs = (f"docker.io/rancher/{name}:1",)
            bundle.add(f"{name} {arch}".encode(), kind="image", name=name, version="1", arch=arch, refs=refs)
    bundle.add(b"only here", kind="image", name="only", version="1", refs=("docker.io/library/only:1",))
    text = fleet(1).partition("stores:\n")[0].partition("defaults:")[0]
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
    path = tmp_path / "inventory.yaml"
    path.write_text(
        f"{text}defaults: {{k3s: {{version: v1.36.3+k3s1}}}}\nprofiles: {{arm: {{hardware: {{arch: arm64}}}}}}\n"
        f"stores:\n  store-1: {{profile: arm, nodes: {{a: {{address: 10.0.0.1, host_key: {key}}}, "
        f"b: {{address: 10.0.0.2, role: agent, host_key: {key}, hardware: {{arch: amd64}}}}}}}}\n"
        f"  store-2: {{profile: arm, images: [only], nodes: {{a: {{address: 10.0.0.3, host_key: {key}}}}}}}\n"
    )
    inventory, renderer = load(path), Renderer()
    found: Rendered = renderer.render(inventory.store("store-1"))
    of = {digest: place.read_bytes().decode() for digest, place in found.blob_paths.items()}
    for node, arch in zip(found.payload.nodes, ("arm64", "amd64"), strict=True):
        assert of[node.k3s.binary] == f"k3s {arch}"
        assert all(of[image.archive].endswith(arch) for image in node.k3s.images)
    with pytest.raises(InvalidInput) as caught:
        renderer.render(inventory.store("store-2"))
    assert "image only for arm64 is not in the bundle" in caught.value.details[0]
