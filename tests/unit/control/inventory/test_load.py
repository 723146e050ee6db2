"""An inventory that is right: layers, defaults, names."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.wire.errors import InvalidInput

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
ROOT = Path(__file__).parents[4]
INVENTORY = f"""
version: 1
bundle: bundle
defaults:
  ssh: {{user: tech, keys: [~/.ssh/store, /keys/b, c], sudo_password: {{env: SUDO}}}}
  host: {{free_bytes: 8GiB, sysctls: {{vm.overcommit_memory: 1}}}}
  k3s: {{version: v1.36.3+k3s1, config: {{disable: [traefik], a: {{b: 1, c: 1}}}}}}
  helm: {{version: v4.3.1}}
  gpu: {{count: 1}}
  releases:
    plugin: {{chart: plugin, namespace: gpu-system}}
    vision: {{chart: vision, namespace: vision, needs: [gpu], values: {{size: 1, keep: 1}}}}
groups:
  berlin: {{k3s: {{config: {{a: {{b: 2}}}}}}}}
  quiet: {{gpu: null, releases: {{plugin: null, vision: {{needs: []}}}}, k3s: {{config: {{disable: [servicelb]}}}}}}
stores:
  store-042:
    title: Berlin
    groups: [berlin]
    releases: {{vision: {{values: {{size: 2}}}}, extra: {{chart: ./extra, namespace: extra}}}}
    nodes:
      node-1:
        address: 10.77.0.11
        host_key: {KEY} root@node-1
        ssh: {{host: 127.0.0.1, port: 2222}}
        gpu: {{count: 2, required: 1}}
  store-043:
    groups: [berlin, quiet]
    nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}
  store-bad: {{nonsense: 1}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    return path


def test_layers_lie_over_each_other_in_order(inventory: Path) -> None:
    """Defaults, groups in their order, store, node: maps merge, lists and all else replace."""
    store = load(inventory).store("store-042")
    assert store.node().k3s.config == {"disable": ["traefik"], "a": {"b": 2, "c": 1}}
    assert [release.name for release in store.releases] == ["plugin", "vision", "extra"]
    assert store.releases[1].values == {"size": 2, "keep": 1}
    gpu = store.node().gpu
    assert gpu is not None
    assert (gpu.count, gpu.required) == (2, 1)
    other = load(inventory).store("store-043")
    assert other.node().k3s.config["disable"] == ["servicelb"]


def test_null_takes_away_what_a_layer_below_has_said(inventory: Path) -> None:
    """A store without GPUs and without one of the releases says so with null."""
    store = load(inventory).store("store-043")
    assert store.node().gpu is None
    assert [release.name for release in store.releases] == ["vision"]


def test_what_nobody_says_has_its_default(inventory: Path) -> None:
    """The address is where SSH goes, all GPUs are needed, nothing else is guessed."""
    node = load(inventory).store("store-043").node()
    assert (node.role, node.ssh.host, node.ssh.port, node.ssh.agent) == ("server", "10.77.0.11", 22, True)
    text = INVENTORY.replace("gpu: {count: 2, required: 1}", "gpu: {count: 2}")
    inventory.write_text(text)
    gpu = load(inventory).store("store-042").node().gpu
    assert gpu is not None
    assert gpu.required == 2


def test_a_node_carries_all_that_its_link_needs(inventory: Path) -> None:
    """Keys are paths, the host key has lost its comment, the sudo password is a variable's name."""
    ssh = load(inventory).store("store-042").node().ssh
    assert (ssh.host, ssh.port, ssh.user, ssh.host_key) == ("127.0.0.1", 2222, "tech", KEY)
    assert ssh.keys == (Path.home() / ".ssh" / "store", Path("/keys/b"), inventory.parent / "c")
    assert str(ssh.sudo_password) == "the environment variable SUDO"
    assert load(inventory).store("store-042").node().host.free_bytes == 8 << 30


def test_a_value_knows_the_layer_and_line_that_said_it(inventory: Path) -> None:
    """What is explained later is kept now."""
    store = load(inventory).store("store-042")
    said = store.tree.get("k3s", "config", "a", "b")
    assert said is not None
    assert (said.layer, said.at.line) == ("group berlin", 14)
    size = store.tree.get("releases", "vision", "values", "size")
    assert size is not None
    assert size.layer == "store store-042"


def test_a_wrong_store_does_not_stop_another(inventory: Path) -> None:
    """One store never affects another, not even one that was asked for before."""
    opened = load(inventory)
    with pytest.raises(InvalidInput):
        opened.store("store-bad")
    assert opened.store("store-042").title == "Berlin"


def test_an_unknown_store_names_the_nearest(inventory: Path) -> None:
    """A typing error is answered with what was meant."""
    with pytest.raises(InvalidInput, match='has no store "store-42"') as caught:
        load(inventory).store("store-42")
    assert "store-042" in caught.value.hint
    with pytest.raises(InvalidInput) as caught:
        load(inventory).store("zzz")
    assert caught.value.hint == "Its 3 stores are: store-042, store-043, store-bad"


def test_a_missing_inventory_says_how_to_get_one(tmp_path: Path) -> None:
    """The first thing a new user meets."""
    with pytest.raises(InvalidInput, match="there is no inventory at") as caught:
        load(tmp_path / "none.yaml")
    assert "edgectl init" in caught.value.hint


def test_an_inventory_without_stores_says_so(tmp_path: Path) -> None:
    """Empty is valid YAML and no inventory."""
    path = tmp_path / "inventory.yaml"
    for text in ("", "version: 1\nbundle: b\nstores:\n"):
        path.write_text(text)
        assert load(path).names() == ()
        with pytest.raises(InvalidInput, match="has no stores yet"):
            load(path).store("store-042")


def test_the_starter_and_the_repository_s_inventory_are_valid() -> None:
    """What `edgectl init` writes is what this repository shows, and both are right."""
    starter, ours = ROOT / "templates" / "inventory.yaml", ROOT / "stores" / "inventory.yaml"
    assert starter.read_bytes() == ours.read_bytes()
    assert load(ours).store("store-042").node().address == "10.77.0.11"
    assert ours.read_text().startswith("# yaml-language-server: $schema=inventory.schema.json\n")


def test_two_thousand_stores_load_fast(tmp_path: Path) -> None:
    """Only the store that is asked for is looked at closely: a store costs well below a millisecond."""
    one = INVENTORY[INVENTORY.index("  store-042:") : INVENTORY.index("  store-043:")]
    head = INVENTORY[: INVENTORY.index("  store-042:")]
    path = tmp_path / "inventory.yaml"
    path.write_text(head + "".join(one.replace("store-042", f"store-{number:04}") for number in range(2000)))
    began = time.process_time()
    assert load(path).store("store-1999").name == "store-1999"
    assert time.process_time() - began < 4.0
