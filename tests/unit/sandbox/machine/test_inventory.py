"""A sandbox store is described like any other store, and only like that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import adapt_inventory, inventory, write_inventory
from edgectl.sandbox.machine.places import StorePlace
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.sandbox.machine.store import SandboxStore

SUPPLIES = Supplies(
    root=Path("/bundle"),
    k3s_version="v1.36.3+k3s1",
    helm_version="v4.3.1",
    images={"gpu-plugin": "edgectl.local/gpu-plugin:1", "vision": "v:2", "gate": "g:3", "mosquitto": "m:4"},
    model=Path("/models/tiny-detector/2"),
)


def _record(name: str = "store-042", *, gpus: int = 2, port: int = 22042, bare: bool = False) -> StoreRecord:
    node = NodeRecord("node-1", "10.77.0.11", port, "ssh-ed25519 AAAA", gpus, min(gpus, 1), bare)
    return StoreRecord(name, (node,))


def _inventory(*, gpus: int = 2, old_cgroups: bool = False, bare: bool = False) -> dict[str, Any]:
    return inventory(_record(gpus=gpus, bare=bare), SUPPLIES, key=Path("/key"), old_cgroups=old_cgroups)


@pytest.mark.parametrize("old_cgroups", [True, False])
def test_the_kubelet_is_told_about_cgroup_v1_only_where_it_is(old_cgroups: bool) -> None:  # noqa: FBT001 - a parameter
    """It is a setting of this store's inventory; the product knows nothing of it."""
    k3s = _inventory(old_cgroups=old_cgroups)["defaults"]["k3s"]
    assert ("kubelet" in k3s) == old_cgroups


def test_a_node_without_gpus_gets_nothing_that_waits_for_one() -> None:
    doc = _inventory(gpus=0)
    assert "gpu" not in doc["stores"]["store-042"]["nodes"]["node-1"]
    assert not {"releases", "inference"} & set(doc["defaults"])


def test_packages_bring_the_driver_to_a_node_without_one() -> None:
    """Each by name, since only what is named is held; and the headers that DKMS builds for. Others declare nothing."""
    doc = _inventory(bare=True)
    gpu = doc["stores"]["store-042"]["nodes"]["node-1"]["gpu"]
    assert gpu["driver"] == "580.95.05"
    assert gpu["packages"]["nvidia-driver"] == gpu["packages"]["nvidia-driver-libs"] == "580.95.05-1"
    assert gpu["packages"]["nvidia-container-toolkit"] == "1.20.0-1"
    assert doc["defaults"]["host"]["packages"] == {"linux-headers-amd64": None}
    assert "packages" not in _inventory(gpus=0, bare=True)["defaults"]["host"]
    assert "packages" not in _inventory()["defaults"]["host"]


def test_the_node_is_reached_through_the_link_with_its_own_key_pinned() -> None:
    node = _inventory()["stores"]["store-042"]["nodes"]["node-1"]
    assert node["address"] == "10.77.0.11"
    assert node["ssh"] == {"host": "127.0.0.1", "port": 22042}
    assert node["host_key"] == "ssh-ed25519 AAAA"
    assert node["gpu"] == {"count": 2, "required": 1}


def test_a_clone_has_its_sources_inventory_with_its_own_port_and_key(tmp_path: Path) -> None:
    """Nothing else differs: a clone deploys exactly what its source has."""
    source = SandboxStore(StorePlace(tmp_path / "store-042"), _record())
    clone = SandboxStore(StorePlace(tmp_path / "store-043"), _record("store-043", port=22050))
    for store in (source, clone):
        store.place.home.mkdir()
    write_inventory(source, SUPPLIES)
    clone.inventory.write_bytes(source.inventory.read_bytes())
    adapt_inventory(clone)
    was, now = (yaml.safe_load(store.inventory.read_text()) for store in (source, clone))
    assert list(now["stores"]) == ["store-042"], "its nodes belong to the store that they were deployed as"
    assert now["stores"]["store-042"]["nodes"]["node-1"]["ssh"]["port"] == 22050
    assert now["defaults"]["ssh"]["keys"] == [str(clone.key)]
    was["stores"] = now["stores"] = was["defaults"]["ssh"] = now["defaults"]["ssh"] = None
    assert now == was
