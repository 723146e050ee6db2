"""`edgectl deploy` of images that share layers: what is counted and asked, and a blob that was taken by hand."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.control.link.known import Hints
from tests.archives import canonical_archive, layer
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode

BASE, APP, NEXT = (layer({name: random.Random(name).randbytes(size)}) for name, size in  # noqa: S311
                   (("base", 900_000), ("app", 40_000), ("next", 41_000)))  # fmt: skip
PAUSE, DNS = "docker.io/rancher/mirrored-pause:1", "docker.io/rancher/mirrored-coredns-coredns:1"


def put(inventory: Path, ref: str, *layers: bytes) -> Path:
    """Put an image into the bundle; returns its blob there."""
    bundle = Bundle.open(inventory.parent / "bundle")
    name = ref.rpartition("/")[2].partition(":")[0]
    made = bundle.add(canonical_archive(ref, *layers), kind="image", name=name, version="1", refs=(ref,))
    return bundle.path(made.digest)


def test_a_shared_base_travels_once(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Content is all that the node had not; the line carries the layers that are new; progress ends at the whole."""
    del node
    put(inventory, PAUSE, BASE)
    assert edgectl("deploy", "store-042").code == 0
    size = put(inventory, DNS, BASE, APP).stat().st_size
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 0, said
    assert said.document["blob_bytes"] >= size
    assert 40_000 < said.document["wire_bytes"] < 45_000
    assert "(packed: " in said.err


def test_nothing_to_change_asks_about_no_layer(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the node says that it runs this very payload and has all of it, not one byte is spent on hints."""
    del node
    asked: list[int] = []
    real = Hints.of

    def counted(sources: Mapping[str, Path | bytes], names: Mapping[str, str]) -> Hints:
        asked.append(len(sources))
        return real(sources, names)

    monkeypatch.setattr(Hints, "of", counted)
    put(inventory, PAUSE, BASE)
    assert edgectl("deploy", "store-042").code == 0
    assert len(asked) == 1
    assert edgectl("deploy", "store-042").code == 0
    assert len(asked) == 1


def test_an_archive_taken_away_by_hand_comes_back_out_of_containerd(
    inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """The same deploy again: the node says that content is gone, and only what containerd does not have travels."""
    here = put(inventory, PAUSE, BASE, NEXT)
    assert edgectl("deploy", "store-042").code == 0
    gone = node.places.blobs / here.name
    gone.unlink()
    node.places.k3s_content.mkdir(parents=True)
    for data in (BASE, NEXT):
        (node.places.k3s_content / hashlib.sha256(data).hexdigest()).write_bytes(data)
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 0, said
    assert said.document["wire_bytes"] < 1500
    assert gone.read_bytes() == here.read_bytes()
