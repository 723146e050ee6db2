"""A k3s that cannot follow what runs is refused before a byte of content is sent: deploy, plan and preflight alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.bundle.layout import Bundle
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode

RUNS = "v1.36.3+k3s1"
CASES = [
    (
        "v1.38.0+k3s1",
        f"store-042 runs {RUNS}; v1.38.0+k3s1 is more than one minor version further",
        "declare v1.37 first",
    ),
    (
        "v1.35.9+k3s1",
        f"store-042 runs {RUNS}; a k3s minor version cannot go back to v1.35.9+k3s1",
        "declare the k3s minor",
    ),
]


@pytest.fixture
def served(node: StoreNode, edgectl: Edgectl, inventory: Path) -> StoreNode:
    """Return the node, deployed."""
    assert inventory.exists()
    assert edgectl("deploy", "store-042").code == 0
    return node


def _declare(inventory: Path, version: str) -> None:
    bundle = Bundle.open(inventory.parent / "bundle")
    bundle.add(b"another k3s" * 1000, kind="k3s", name="k3s", version=version)
    inventory.write_text(inventory.read_text().replace(RUNS, version))


@pytest.mark.parametrize(("version", "sentence", "hint"), CASES)
def test_it_is_refused_before_anything_is_sent(
    served: StoreNode, edgectl: Edgectl, inventory: Path, version: str, sentence: str, hint: str
) -> None:
    """Exit 11, the same sentence, what to do; nothing of it has come.

    Seeded: a deploy that is judged when its content is here; a plan that is not judged.
    """
    _declare(inventory, version)
    before = set(served.places.blobs.iterdir())
    served.heard.clear()
    for asks in ("plan", "deploy"):
        said = edgectl(asks, "store-042")
        assert (said.code, sentence in said.err, hint in said.err) == (11, True, True), said
    assert set(served.places.blobs.iterdir()) == before
    assert not [frame for frame in served.heard if frame["op"] == "want"], "it has asked for no content"
    said = edgectl("preflight", "store-042", "-o", "json")
    rows = said.document["stores"]["store-042"]["nodes"]["node-1"]["findings"]
    (row,) = [row for row in rows if row["about"] == "k3s-version"]
    assert (said.code, row["word"], row["reason"], hint in row["hint"]) == (5, "stop", sentence, True)


def test_the_next_one_is_let_through(served: StoreNode, edgectl: Edgectl, inventory: Path) -> None:
    """One minor version further."""
    _declare(inventory, "v1.37.0+k3s1")
    assert edgectl("plan", "store-042").code == 0
    assert edgectl("deploy", "store-042").code == 0
    assert served.places.blobs.is_dir()
