"""An Ansible inventory as a draft: every node ends with what Ansible has for it, and no secret is copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.intake.ansible import Hosts, from_json, hosts_of
from edgectl.control.intake.draft import Draft
from edgectl.control.intake.fleet import from_hosts
from edgectl.control.intake.judged import judged
from edgectl.control.intake.slot import mapping
from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.source import Source
from edgectl.wire.errors import InvalidInput, UsageError
from tests.unit.control.findings import findings

CASES = Path(__file__).parents[3] / "cases/import/ansible"
FILE = Path("inventory.yaml")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def drafted(*mapped: str, name: str = "exported.json", store_from: str = "") -> Draft:
    """Import one of Ansible's own documents."""
    return from_hosts(hosts_of(str(CASES / name)), mapping(mapped, "VARIABLE"), store_from=store_from)


def hosts(own: dict[str, Any], groups: dict[str, Any]) -> Hosts:
    """Return a small inventory."""
    return from_json("hosts.json", {"_meta": {"hostvars": own}, **groups})


def ssh(draft: Draft, store: str, node: str = "node-1") -> Any:
    """Return how our loader would reach a node of the draft."""
    text = judged(draft, bundle="bundle", file=FILE).text
    inventory = Inventory(FILE, Source(FILE, text.encode(), None))
    found = inventory.node_tree(store, inventory.tree(store), node).plain()
    return {"address": found.get("address"), **found.get("ssh", {})}


def test_layers_stay_layers() -> None:
    """`all` becomes defaults, groups become groups in Ansible's order: by depth, then priority, then name."""
    draft = drafted("shop_title=title", "gpus=gpu.count")
    assert draft.defaults == {"ssh": {"keys": ["~/.ssh/stores"]}}
    assert draft.groups["south"] == {"ssh": {"user": "operator", "sudo_password": {"env": "SUDO_PASSWORD_SOUTH"}}}
    assert draft.stores["m1"] == {
        "groups": ["south", "zz-low", "big", "munich"],
        "nodes": {"node-1": {"address": "10.1.0.11"}},
    }
    assert draft.stores["v1"] == {
        "title": "Wien Mitte",
        "groups": ["south", "vienna"],
        "nodes": {"node-1": {"address": "10.2.0.11", "gpu": {"count": 2}}},
    }
    assert "Group zz_low is called zz-low here." in draft.notes


@pytest.mark.parametrize("name", ["exported.json", "merged.json"])
def test_every_host_has_what_ansible_says(name: str) -> None:
    """Our loader gives each node the values of `ansible-inventory --list`, from both of its documents.

    Seeded fault: sort groups by name alone, and m1's user is not the one of its group of high priority.
    """
    truth = json.loads((CASES / "merged.json").read_text())["_meta"]["hostvars"]
    draft = drafted(name=name)
    for host, said in truth.items():
        found = ssh(draft, host.partition(".")[0])
        assert found["user"] == said["ansible_user"]
        assert found["address"] == said["ansible_host"]
        assert found["keys"] == [said["ansible_ssh_private_key_file"]]
        assert found.get("port", 22) == said.get("ansible_port", 22)


def test_what_layers_would_not_give_stands_at_the_node() -> None:
    """Ansible lets group_vars of a parent win over the inventory file of a child; its word is kept, at the node."""
    here = hosts(
        {"a": {"ansible_host": "10.0.0.1"}},
        {
            "all": {"children": ["up"]},
            "up": {"children": ["down"], "vars": {"ansible_user": "parent"}},
            "down": {"hosts": ["a"], "vars": {"ansible_user": "child"}},
        },
    )
    here.merged = {"a": {"ansible_host": "10.0.0.1", "ansible_user": "parent"}}
    draft = from_hosts(here, {})
    assert draft.groups == {"up": {"ssh": {"user": "parent"}}, "down": {"ssh": {"user": "child"}}}
    assert draft.stores["a"]["nodes"]["node-1"]["ssh"] == {"user": "parent"}


def test_no_secret_is_copied_and_nothing_is_lost() -> None:
    """Passwords, vaults, templates and unknown variables are named with their reason; no value of them is written."""
    draft = drafted("shop_title=title", "notes=-")
    text = judged(draft, bundle="bundle", file=FILE).text
    for secret in ("hunter2", "ANSIBLE_VAULT", "__ansible", "{{"):
        assert secret not in text
    assert "  # not taken over: db_password\n" in text
    assert {left.name: left.why for left in draft.left} == {
        "db_password": "no key of ours is known for it",
        "ansible_become_password": "a password; edgectl asks the environment variable SUDO_PASSWORD_SOUTH for it",
        "ntp_server": "no key of ours is known for it",
        "gpus": "no key of ours is known for it",
    }
    (template,) = (left for left in drafted("notes=title").left if left.name == "notes")
    assert template.why == "a template of Ansible"


def test_hosts_of_one_variable_are_one_store() -> None:
    """--store-from: the first is the server, and only groups of all its hosts are the store's.

    Seeded fault: take the first host's groups, and the second one gets a user that Ansible does not give it.
    """
    here = hosts(
        {
            "a.x": {"ansible_host": "10.0.0.1", "shop": "Shop 7"},
            "b.x": {"ansible_host": "10.0.0.2", "shop": "Shop 7"},
        },
        {
            "all": {"children": ["one", "both"]},
            "both": {"hosts": ["a.x", "b.x"], "vars": {"ansible_port": 2200}},
            "one": {"hosts": ["a.x"], "vars": {"ansible_user": "only-a"}},
        },
    )
    draft = from_hosts(here, mapping(["shop=-"], "VARIABLE"), store_from="shop")
    assert draft.stores == {
        "shop-7": {
            "groups": ["both"],
            "nodes": {
                "a": {"address": "10.0.0.1", "ssh": {"user": "only-a"}, "role": "server"},
                "b": {"address": "10.0.0.2", "role": "agent"},
            },
        }
    }
    assert "user" not in ssh(draft, "shop-7", "b")


def test_a_host_reached_by_name_needs_its_address() -> None:
    """A name is where it is reached; the address on the store's network is nobody's guess."""
    found = judged(from_hosts(hosts({}, {"all": {"hosts": ["web.example", "10.0.0.9"]}}), {}), bundle="b", file=FILE)
    assert "      node-1:\n        ssh:\n          host: web.example\n" in found.text
    assert '  "10-0-0-9":\n    nodes:\n      node-1:\n        address: "10.0.0.9"\n' in found.text
    assert any(line.startswith("a node needs its address") and line.endswith("(web)") for line in found.missing)


def test_all_that_cannot_be_is_said_at_once() -> None:
    """Wrong values, two hosts of one name, no store variable: host and variable are named, nothing is written."""
    here = hosts(
        {"a_1": {"ansible_port": "many", "shop": "x"}, "a-1": {"shop": "x"}, "b": {}, "c": {"shop": "{{ x }}"}},
        {"all": {"hosts": ["a_1", "a-1", "b", "c"], "children": ["g_1", "g-1"]}},
    )
    with pytest.raises(InvalidInput) as raised:
        judged(from_hosts(here, {}, store_from="shop"), bundle="b", file=FILE)
    assert sorted(findings(raised.value)) == [
        "group g_1:  it would be called g-1, as g-1 is: rename one",
        "host a-1:  it would be called x/a-1, as a_1 is: rename one",
        'host a_1, ansible_port:  nodes.a-1.ssh.port: a whole number is needed, not the text "many"',
        'host b:  no plain variable "shop" says which store it is of',
        'host c:  no plain variable "shop" says which store it is of',
    ]


def test_without_ansible_it_is_said_how_to_get_its_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INI and YAML are Ansible's to read; where it is not, the sentence has the command for where it is."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="ansible-inventory is not on this machine") as raised:
        hosts_of(str(CASES / "hosts.ini"))
    assert "--list --export > hosts.json" in raised.value.hint
    with pytest.raises(InvalidInput, match="there is no inventory"):
        hosts_of(str(tmp_path / "missing"))
    with pytest.raises(InvalidInput, match="hostvars is missing"):
        hosts_of("-", '{"all": {}}')
    with pytest.raises(InvalidInput, match="is no JSON"):
        hosts_of("-", '{"_meta": ')
