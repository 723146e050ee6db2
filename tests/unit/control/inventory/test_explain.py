"""Where each value comes from: the layer, the line, and what it replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.inventory.explain import BUILT_IN, Explained, Said, explain
from edgectl.control.inventory.load import Inventory, load
from edgectl.wire.errors import Exit, InvalidInput, UsageError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
TEXT = f"""version: 1
bundle: bundle
defaults:
  k3s: {{version: v1.36.3+k3s1, config: {{node-label: [fleet=a], disable: [traefik]}}}}
  host: {{free_bytes: 1GiB, sysctls: {{net.ipv4.ip_forward: 1, a: 1}}}}
  gpu: {{count: 1}}
  helm: {{version: v4.3.1}}
  releases: {{vision: {{chart: vision, namespace: vision, values: {{size: 1, keep: 1}}}}}}
profiles:
  l4:
    gpu: {{count: 2}}
    host: {{free_bytes: 2GiB}}
groups:
  berlin:
    host: {{free_bytes: 3GiB}}
    k3s: {{config: {{node-label: !append [city=berlin]}}}}
  old: {{k3s: {{config: {{disable: [servicelb]}}}}}}
stores:
  store-042:
    profile: l4
    groups: [berlin, old]
    host: {{free_bytes: 4GiB, sysctls: !replace {{net.ipv4.ip_forward: 0}}}}
    releases: {{vision: {{values: {{size: 2}}}}}}
    nodes:
      node-1:
        address: 10.77.0.11
        host_key: {KEY}
        host: {{free_bytes: 5GiB}}
      node-2: {{role: agent, address: 10.77.0.12, host_key: {KEY}, gpu: null}}
  store-043:
    helm: null
    wrong: 1
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    path = tmp_path / "inventory.yaml"
    path.write_text(TEXT)
    return load(path)


def short(said: Said) -> tuple[object, str, int]:
    """Return the value, the layer and the line."""
    return said.value, said.layer, said.place.line if said.place else 0


def one(found: list[Explained]) -> list[tuple[object, str, int]]:
    """Return the chain of the one value: what holds, then what it replaced, the newest first."""
    (value,) = found
    return [short(value.said), *(short(said) for said in value.over)]


def test_five_layers_and_what_each_replaced(inventory: Inventory) -> None:
    """Law: node over store over group over profile over defaults, each with its line. Seeded fault: one lost."""
    assert one(explain(inventory, "store-042", "nodes.node-1.host.free_bytes")) == [
        ("5GiB", "node node-1", 28),
        ("4GiB", "store store-042", 22),
        ("3GiB", "group berlin", 15),
        ("2GiB", "profile l4", 12),
        ("1GiB", "defaults", 5),
    ]
    assert one(explain(inventory, "store-042", "host.free_bytes"))[0] == ("4GiB", "store store-042", 22)


@pytest.mark.parametrize(
    ("path", "chain"),
    [
        ("gpu.count", [(2, "profile l4", 11), (1, "defaults", 6)]),
        ("nodes.node-1.gpu.count", [(2, "profile l4", 11), (1, "defaults", 6)]),
        ("nodes.node-1.k3s.config.node-label.1", [("city=berlin", "group berlin", 16)]),
        (
            "nodes.node-2.gpu",
            [(None, "node node-2", 29), ({"count": 2}, "profile l4", 11), ({"count": 1}, "defaults", 6)],
        ),
        ("nodes.node-2.role", [("agent", "node node-2", 29)]),
        ("k3s.version", [("v1.36.3+k3s1", "defaults", 4)]),
        ("releases.vision.values.size", [(2, "store store-042", 23), (1, "defaults", 8)]),
        ("releases.vision.values.keep", [(1, "defaults", 8)]),
        ("profile", [("l4", "store store-042", 20)]),
    ],
)
def test_a_value_knows_what_it_replaced(inventory: Inventory, path: str, chain: list[tuple[object, str, int]]) -> None:
    """Law: the whole way down, for stores and for nodes. Seeded fault: the line of the key's map."""
    assert one(explain(inventory, "store-042", path)) == chain


def test_lists_say_whether_they_were_appended(inventory: Inventory) -> None:
    """Law: an appended list is whole, and below it stands what it was; a replaced one, too. Seeded fault: the tail."""
    assert one(explain(inventory, "store-042", "k3s.config.node-label")) == [
        (["fleet=a", "city=berlin"], "group berlin", 16),
        (["fleet=a"], "defaults", 4),
    ]
    assert one(explain(inventory, "store-042", "k3s.config.disable")) == [
        (["servicelb"], "group old", 17),
        (["traefik"], "defaults", 4),
    ]
    assert one(explain(inventory, "store-042", "k3s.config.node-label.0")) == [("fleet=a", "defaults", 4)]
    assert one(explain(inventory, "store-042", "groups.1")) == [("old", "store store-042", 21)]


def test_a_key_with_dots_is_one_key(inventory: Inventory) -> None:
    """Law: the names of kernel settings are found as they are written. Seeded fault: split at each dot."""
    assert one(explain(inventory, "store-042", "host.sysctls.net.ipv4.ip_forward")) == [(0, "store store-042", 22)]
    assert one(explain(inventory, "store-042", "nodes.node-1.host.sysctls.net.ipv4.ip_forward"))[0][0] == 0


def test_a_part_of_a_store_is_all_that_is_below(inventory: Inventory) -> None:
    """Law: each value once, in the order of the layers' keys; without a path, all of the store. Seeded fault: maps."""
    assert [one.path for one in explain(inventory, "store-042", "host")] == [
        "host.free_bytes",
        "host.sysctls.net.ipv4.ip_forward",
    ]
    paths = [one.path for one in explain(inventory, "store-042")]
    assert len(set(paths)) == len(paths)
    assert {"k3s.version", "gpu.count", "nodes.node-1.address", "groups", "profile"} < set(paths)
    node = {one.path: one.said.layer for one in explain(inventory, "store-042", "nodes.node-1")}
    assert node["nodes.node-1.address"] == "node node-1"
    assert node["nodes.node-1.k3s.version"] == "defaults"
    plain = {one.path: one.said.layer for one in explain(inventory, "store-042", "nodes")}
    assert plain["nodes.node-2.address"] == "node node-2"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ssh.port", 22),
        ("gpu.resource", "nvidia.com/gpu"),
        ("nodes.node-1.ssh.user", "root"),
        ("nodes.node-1.role", "server"),
        ("inference.port", 8000),
        ("title", ""),
        ("releases.vision.timeout_seconds", 300.0),
        ("cameras", None),
    ],
)
def test_what_nobody_says_is_built_in(inventory: Inventory, path: str, value: object) -> None:
    """Law: a value that holds without being said is named as edgectl's own. Seeded fault: an error instead."""
    (found,) = explain(inventory, "store-042", path)
    assert (found.said.value, found.said.layer, found.said.place) == (value, BUILT_IN, None)
    assert found.over == ()


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("k3s.verzion", "version"),
        ("gppu", "gpu"),
        ("releases.vison", "vision"),
        ("nodes.node-3", "node-"),
        ("nodes.node-3.address", "node-"),
        ("nodes.node-1.adress", "address"),
        ("k3s.config.node-labels", "node-label"),
        ("zzz", "edgectl explain store-042 shows all of it"),
        ("title.x", "edgectl explain store-042 shows all of it"),
        ("k3s.config.disable.9", "edgectl explain store-042 shows all of it"),
        ("k3s.", "edgectl explain store-042 shows all of it"),
        (".", "edgectl explain store-042 shows all of it"),
    ],
)
def test_a_path_that_leads_nowhere_names_what_is_near(inventory: Inventory, path: str, hint: str) -> None:
    """Law: exit 2, the nearest key, no traceback. Seeded fault: the nodes shown for a node that is not there."""
    with pytest.raises(UsageError, match="store-042 has no ") as caught:
        explain(inventory, "store-042", path)
    assert caught.value.exit is Exit.USAGE
    assert hint in caught.value.hint


def test_a_store_need_not_be_right(inventory: Inventory) -> None:
    """Law: who looks for an error must see the values that make it; a store that is not there is said, exit 3."""
    assert one(explain(inventory, "store-043", "wrong")) == [(1, "store store-043", 32)]
    assert one(explain(inventory, "store-043", "helm")) == [
        (None, "store store-043", 31),
        ({"version": "v4.3.1"}, "defaults", 7),
    ]
    with pytest.raises(InvalidInput, match='has no store "store-04"'):
        explain(inventory, "store-04", "wrong")
