"""What an operator sees and controls of the bytes: `plan`, `deploy --limit`, the caps of the inventory."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.cli import store as stores
from edgectl.wire.payload import Gpu, Release
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode

BLOB = 400_000


@pytest.fixture
def heavy(inventory: Path) -> Path:
    """Return the inventory of a store with something to send: a k3s of 400 KB."""
    from edgectl.control.bundle.layout import Bundle

    bundle = Bundle.open(inventory.parent / "bundle")
    bundle.add(os.urandom(BLOB), kind="k3s", name="k3s", version="v1.36.4+k3s1")
    inventory.write_text(inventory.read_text().replace("v1.36.3", "v1.36.4"))
    return inventory


def network(inventory: Path, text: str) -> None:
    """Say something of the store's network."""
    inventory.write_text(inventory.read_text().replace("title: Berlin\n", f"title: Berlin\n    network: {text}\n"))


@pytest.mark.usefixtures("node", "heavy")
def test_no_time_is_invented(edgectl: Edgectl) -> None:
    """Law: where nobody has said how fast the line is, no time is said, in sentences as in JSON."""
    said = edgectl("plan", "store-042")
    assert "  send      4 blobs, 4" in said.out
    assert "  time " not in said.out
    document = edgectl("plan", "store-042", "-o", "json").document
    assert document["bytes_missing"] == document["missing_bytes"] > BLOB
    assert (document["seconds_estimate"], document["pauses"]) == (None, [])


@pytest.mark.usefixtures("node")
def test_a_plan_says_how_long_it_will_take(heavy: Path, edgectl: Edgectl) -> None:
    """By the line of the inventory, or the smallest limit that holds now."""
    network(heavy, "{downlink_mbit: 0.4}")
    said = edgectl("plan", "store-042")
    assert "  time      at most about 8 s at 400 kbit/s (50.0 KB/s) (network.downlink_mbit)\n" in said.out
    network(heavy, "{downlink_mbit: 4, limits: [{limit: 2mbit}, {limit: 160kbit}]}")
    heavy.write_text(heavy.read_text().replace("    network: {downlink_mbit: 0.4}\n", ""))
    said = edgectl("plan", "store-042")
    assert "  time      at most about 20 s at 160 kbit/s (20.0 KB/s) (network.limits of the inventory)\n" in said.out
    document = edgectl("plan", "store-042", "-o", "json").document
    assert document["seconds_estimate"] == pytest.approx(document["bytes_missing"] / 20_000)
    assert (document["rate_estimate"], document["estimate_from"]) == (20_000, "network.limits")


@pytest.mark.usefixtures("node")
def test_the_command_line_holds_instead_of_the_inventory_and_says_so(heavy: Path, edgectl: Edgectl) -> None:
    """Law: `--limit` wins over every cap, and the estimate, the limit and the measured time agree."""
    network(heavy, "{limits: [{limit: 8kbit}]}")  # that alone would take seven minutes
    said = edgectl("deploy", "store-042", "--limit", "2MB", "-o", "json")
    assert said.code == 0, said
    lines = said.err.splitlines()
    assert lines[2] == "  time      at most about 1 s if the line carries 16.0 Mbit/s (2.0 MB/s) (--limit)", lines
    assert lines[3] == (
        "  limit     16.0 Mbit/s (2.0 MB/s), by --limit, instead of 8 kbit/s (1.0 KB/s) by network.limits"
    )
    assert lines[4] == "  sent      404.4 KB" or lines[4].startswith("  sent      40")
    document = said.document
    assert document["bytes_missing"] == document["blob_bytes"] > BLOB
    assert BLOB < document["wire_bytes"] < document["blob_bytes"], "the payload packs, the rest does not"
    assert document["seconds_estimate"] == pytest.approx(document["bytes_missing"] / 2_000_000)
    assert document["seconds"] >= document["seconds_estimate"] - 0.05
    again = edgectl("deploy", "store-042", "--limit", "2MB")
    assert (again.code, again.err) == (0, ""), "nothing to send: nothing is limited"


@pytest.mark.usefixtures("node")
def test_the_cap_of_the_inventory_holds(heavy: Path, edgectl: Edgectl) -> None:
    """And it is said."""
    network(heavy, "{limits: [{limit: 800kB}]}")
    said = edgectl("deploy", "store-042", "-o", "json")
    assert "  limit     6.4 Mbit/s (800.0 KB/s) now, by network.limits of the inventory\n" in said.err
    assert said.document["seconds"] >= 0.45


@pytest.mark.usefixtures("node")
def test_another_cap_is_nothing_new_for_a_store(inventory: Path, edgectl: Edgectl) -> None:
    """Law: limits are the operator's matter: the payload, and so the node, never hears of them."""
    edgectl("deploy", "store-042")
    network(inventory, "{limits: [{limit: 800kB}]}")
    said = edgectl("deploy", "store-042", "-o", "json")
    assert (said.document["blob_bytes"], said.document["changed"]) == (0, [])


@pytest.mark.usefixtures("inventory")
@pytest.mark.parametrize("text", ["fast", "500", "500kb", "0kbit", "-2mbit", " ", ""])
def test_a_bad_limit_is_a_usage_error_with_examples(text: str, edgectl: Edgectl) -> None:
    """Exit 2, before anything else is looked at."""
    said = edgectl("deploy", "store-042", "--limit", text)
    assert (said.code, said.out) == (2, "")
    assert "--limit: a rate" in said.err
    assert "for example: --limit 500kbit or --limit 2mbit (bits a second), --limit 250kB (bytes a second)" in said.err


def test_pods_that_will_pause_are_named_beforehand(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: `plan` and `deploy` say which pods stop before new ones serve, and about why; nothing for what goes on.

    Seeded fault: the node names its pods also where the same is offered again.
    """
    real = stores.render

    def rendered(image: str, replicas: int) -> Any:
        def render(store: Any) -> Any:
            found = real(store)
            (one,) = found.payload.nodes
            with_gpu = replace(one, gpu=Gpu("nvidia.com/gpu", 1, 1))
            releases = (_release(image, replicas),)
            return replace(found, payload=replace(found.payload, nodes=(with_gpu,), releases=releases))

        return render

    monkeypatch.setattr(stores, "render", rendered("vision:1", 1))
    first = edgectl("deploy", "store-042", "-o", "json")
    assert (first.code, first.document["pauses"]) == (0, []), first
    monkeypatch.setattr(stores, "render", rendered("vision:2", 1))
    guess = "about 30 s (a guess: not measured here yet)"
    line = f"  pauses    vision/Deployment/inference {guess}: vision:1 becomes vision:2; it holds a GPU, "
    assert (
        "  pauses    vision/Deployment/inference about 30 s (a guess: not measured here yet)\n"
        "            vision:1 becomes vision:2\n"
        "            it holds a GPU, which is free only when its old pod has stopped (Recreate)\n"
    ) in edgectl("plan", "store-042").out
    (pause,) = edgectl("plan", "store-042", "-o", "json").document["pauses"]
    assert pause["workload"] == "vision/Deployment/inference"
    assert pause["why"].endswith("free only when its old pod has stopped (Recreate)")
    second = edgectl("deploy", "store-042", "-o", "json")
    assert line in second.err
    assert second.document["pauses"] == [pause]
    monkeypatch.setattr(stores, "render", rendered("vision:2", 2))
    declare(inventory, "better")
    assert "pauses" not in edgectl("deploy", "store-042").err
    wants = [frame for frame in node.heard if frame["op"] == "want"]
    assert [len(frame.get("pods", {})) for frame in wants] == [0, 1, 1, 1, 1]
    edgectl("deploy", "store-042")
    assert "pods" not in [frame for frame in node.heard if frame["op"] == "want"][-1]


def _release(image: str, replicas: int) -> Release:
    container = {"name": "c", "image": image, "resources": {"limits": {"nvidia.com/gpu": 1}}}
    template = {"spec": {"containers": [container]}}
    spec = {"replicas": replicas, "strategy": {"type": "Recreate"}, "template": template}
    manifest = {"kind": "Deployment", "metadata": {"name": "inference"}, "spec": spec}
    return Release("vision", "vision", "sha256:2", {}, f"sha256:{image}", (manifest,))
