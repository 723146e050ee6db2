"""cloud-init's seed: what it says. That real cloud-init understands it is seen in tests/e2e/test_image.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from edgectl.control.firstboot.account import becoming_root
from edgectl.control.firstboot.hostkey import made
from edgectl.control.firstboot.nocloud import meta_data, network_config, seed
from edgectl.control.inventory.install import InstallNetwork
from edgectl.control.link.launcher import launcher_text
from edgectl.wire.launch import LAUNCHER, authorized, keys_of, sudoers
from tests.unit.control.firstboot.machines import FIXED, LOGIN, MAC, PAIR, TRUST, every, machine


def read(name: str, **install: Any) -> Any:
    """Return a file of the seed as YAML has it; user-data begins with the word that makes it one."""
    (text,) = [file.text.reveal() for file in seed(machine(**install)) if file.name == name]
    assert (name == "user-data") is text.startswith("#cloud-config\n")
    return yaml.safe_load(text)


def test_one_account_logs_in_with_a_key() -> None:
    """Law: no password opens anything, root is closed, and the account becomes root without one."""
    doc = read("user-data")
    (account,) = doc["users"]
    assert account["name"] == "deploy"
    assert (account["lock_passwd"], account["ssh_authorized_keys"]) == (True, [LOGIN])
    assert (doc["ssh_pwauth"], doc["disable_root"]) == (False, True)
    (sudo,) = doc["write_files"]
    assert (sudo["content"], sudo["permissions"]) == ("deploy ALL=(ALL:ALL) NOPASSWD: ALL\n", "0440")


def test_root_needs_no_rule() -> None:
    """Law: where deploys log in as root, no other account is made, and no rule."""
    doc = read("user-data", user="root")
    assert [account["name"] for account in doc["users"]] == ["root"]
    assert doc["disable_root"] is False
    assert "write_files" not in doc


def test_a_deploy_user_is_as_roots_first_deploy_would_make_him() -> None:
    """Law: no shell's home of his own, no password, one rule, the launcher, the trust; what the node compares with."""
    doc = read("user-data", user="edge")
    assert doc["users"] == [
        {
            "name": "edge",
            "system": True,
            "no_create_home": True,
            "homedir": "/etc/edgectl/users/edge",
            "shell": "/bin/sh",
            "lock_passwd": False,
            "passwd": "*",
        }
    ]
    assert doc["disable_root"] is True
    files = {file["path"]: (file["permissions"], file["content"]) for file in doc["write_files"]}
    assert files == {
        LAUNCHER: ("0755", launcher_text()),
        "/var/lib/edgectl/trust/trust.json": ("0644", TRUST),
        keys_of("edge"): ("0644", authorized((LOGIN,))),
        "/etc/sudoers.d/edgectl": ("0440", sudoers(("edge",))),
    }
    assert "NOPASSWD: ALL" not in str(doc)


def test_only_our_host_key_is_left() -> None:
    """Law: the image's own keys go, and no other kind is made: what the inventory pins is what is shown."""
    doc = read("user-data")
    assert doc["ssh_deletekeys"] is True
    assert doc["ssh_keys"] == {"ed25519_private": PAIR.private.reveal(), "ed25519_public": PAIR.public}


def test_nothing_needs_the_internet_and_nothing_comes_later() -> None:
    """Law: no packages are fetched; from the second boot on cloud-init does nothing any more."""
    doc = read("user-data")
    assert (doc["package_update"], doc["package_upgrade"]) == (False, False)
    assert "packages" not in doc
    assert doc["runcmd"] == [["touch", "/etc/cloud/cloud-init.disabled"]]


def test_a_fixed_address_is_there_without_a_cable() -> None:
    """Law: the card is known by its MAC, the address is as declared, and no boot waits for a link."""
    assert read("network-config", network=FIXED) == {
        "version": 2,
        "ethernets": {
            "store": {
                "match": {"macaddress": MAC},
                "optional": True,
                "dhcp4": False,
                "dhcp6": False,
                "ignore-carrier": True,
                "addresses": ["10.77.0.11/24"],
                "routes": [{"to": "0.0.0.0/0", "via": "10.77.0.1"}],
                "nameservers": {"addresses": ["10.77.0.1", "10.77.0.2"]},
            }
        },
    }
    six = network_config(machine(network=InstallNetwork(MAC, "fd00::11/64", "fd00::1")))
    assert six is not None
    assert six["ethernets"]["store"]["routes"] == [{"to": "::/0", "via": "fd00::1"}]


def test_dhcp_on_the_named_card_or_on_any() -> None:
    """Law: a card that is named asks DHCP; where none is, cloud-init's own way stands: the first with a link."""
    card = {"match": {"macaddress": MAC}, "optional": True, "dhcp4": True}
    assert read("network-config", network=InstallNetwork(MAC)) == {"version": 2, "ethernets": {"store": card}}
    assert network_config(machine()) is None
    assert [file.name for file in seed(machine())] == ["meta-data", "user-data"]


def test_the_same_content_is_the_same_instance() -> None:
    """Law: cloud-init works again when, and only when, something else is to be done. Seeded: a counter, a clock."""
    first = meta_data(machine())
    assert meta_data(machine()) == first
    assert yaml.safe_load(first)["local-hostname"] == "store-042-node-1"
    others = [
        machine(pair=made()),
        replace(machine(), account=becoming_root("deploy", (LOGIN, LOGIN[:-1]))),
        machine(network=FIXED),
        machine(user="root"),
        machine(timezone="UTC"),
    ]
    found = {meta_data(other) for other in others}
    assert len(found) == len(others)
    assert first not in found


def test_time_servers_are_those_of_the_inventory() -> None:
    """Law: without them nothing is said of NTP: cloud-init would fetch a client."""
    assert "ntp" not in read("user-data")
    (text,) = [file.text.reveal() for file in seed(replace(machine(), ntp=("10.77.0.1",))) if file.name == "user-data"]
    assert yaml.safe_load(text)["ntp"] == {"enabled": True, "servers": ["10.77.0.1"]}


def test_every_machine_has_a_seed_that_is_yaml() -> None:
    """Law: whatever is declared, each file is one document."""
    for one in every():
        for file in seed(one):
            assert isinstance(yaml.safe_load(file.text.reveal()), dict)
