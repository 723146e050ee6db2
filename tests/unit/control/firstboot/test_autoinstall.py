"""Ubuntu's autoinstall, held against what its published schema and reference ask for (version 1 of the format)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.control.firstboot.account import Kind
from edgectl.control.firstboot.autoinstall import autoinstall
from edgectl.control.inventory.install import InstallDisk, InstallNetwork
from tests.unit.control.firstboot.machines import FIXED, LOGIN, MAC, PAIR, every, machine

# Of the schema that the installer checks: the keys, and what each is
_KINDS: dict[str, type] = {
    "version": int,
    "locale": str,
    "keyboard": dict,
    "timezone": str,
    "refresh-installer": dict,
    "network": dict,
    "apt": dict,
    "early-commands": list,
    "storage": dict,
    "identity": dict,
    "ssh": dict,
    "user-data": dict,
    "shutdown": str,
}


def answers(**install: Any) -> dict[str, Any]:
    """Return the answers, as the installer reads them."""
    (text,) = [file.text.reveal() for file in autoinstall(machine(**install)) if file.name.endswith("user-data")]
    assert text.startswith("#cloud-config\n")
    found: dict[str, Any] = yaml.safe_load(text)["autoinstall"]
    return found


def test_each_key_is_one_of_the_installers() -> None:
    """Law: no key that the installer would ignore, none of another kind, and what it needs is there."""
    for one in every():
        (text,) = [file.text.reveal() for file in autoinstall(one) if file.name.endswith("user-data")]
        doc = yaml.safe_load(text)
        assert list(doc) == ["autoinstall"]
        found = doc["autoinstall"]
        assert found["version"] == 1
        for key, value in found.items():
            assert isinstance(value, _KINDS[key]), key
        assert set(found["keyboard"]) == {"layout"}
        assert found["refresh-installer"] == {"update": False}
        assert found["shutdown"] == "reboot"
        assert ("identity" in found) is (one.account.kind is Kind.SUDO)
        assert "user-data" in found  # what the installer asks for where there is no identity


def test_the_identity_has_no_password() -> None:
    """Law: name, account and hash are there, as the schema needs them; no password has the hash."""
    found = answers()
    assert found["identity"] == {
        "realname": "edgectl",
        "username": "deploy",
        "hostname": "store-042-node-1",
        "password": "!",
    }
    assert found["ssh"] == {"install-server": True, "allow-pw": False, "authorized-keys": [LOGIN]}


def test_the_installed_system_shows_the_pinned_key() -> None:
    """Law: the same host key as in the seed, in no command: the installer logs those."""
    found = answers()
    assert found["user-data"]["ssh_keys"]["ed25519_public"] == PAIR.public
    assert found["user-data"]["ssh_deletekeys"] is True
    assert "late-commands" not in found
    assert not {"growpart", "resize_rootfs", "users", "hostname"} & set(found["user-data"])
    root = answers(user="root")
    assert [one["name"] for one in root["user-data"]["users"]] == ["root"]
    assert root["user-data"]["hostname"] == "store-042-node-1"
    edge = answers(user="edge")
    assert [one["homedir"] for one in edge["user-data"]["users"]] == ["/etc/edgectl/users/edge"]
    assert "authorized-keys" not in edge["ssh"]


def test_no_network_is_needed() -> None:
    """Law: without a mirror the medium's own packages do; without a word of the network, the installer's way stands."""
    found = answers()
    assert found["apt"] == {"geoip": False, "fallback": "offline-install"}
    assert "network" not in found
    assert answers(mirror="http://m.example/ubuntu")["apt"]["primary"][0]["uri"] == "http://m.example/ubuntu"
    fixed = answers(network=FIXED)["network"]
    assert fixed["ethernets"]["store"]["match"] == {"macaddress": MAC}
    assert answers(network=InstallNetwork(MAC))["network"]["version"] == 2


def test_a_whole_disk_is_the_installers_own_layout() -> None:
    """Law: nothing is said that the installer knows better; no swap, which a kubelet refuses."""
    whole = answers(disk=InstallDisk("/dev/nvme0n1"))
    assert whole["storage"] == {
        "layout": {"name": "direct", "match": {"path": "/dev/nvme0n1"}},
        "swap": {"size": 0},
    }
    assert "early-commands" not in whole


def test_sizes_make_partitions() -> None:
    """Law: what is mounted where, and that each thing names one that is there."""
    found = answers(disk=InstallDisk("/dev/sda", (30 << 30) + 1, data=True))["storage"]
    things = {one["id"]: one for one in found["config"]}
    assert len(things) == len(found["config"])
    assert things["disk"]["match"] == {"path": "/dev/sda"}
    for one in found["config"]:
        for key in ("device", "volume"):
            assert one.get(key, "disk") in things
    mounts = {one["path"]: one["device"] for one in found["config"] if one["type"] == "mount"}
    assert mounts == {"/boot/efi": "esp-fs", "/": "root-fs", "/var/lib": "data-fs"}
    assert things["root"]["size"] == (30 << 30) + (1 << 20)  # whole MiB, never less than declared
    assert things["data"]["size"] == -1
    assert things["esp"]["grub_device"] is True
    assert "data" not in {one["id"] for one in answers(disk=InstallDisk("", 30 << 30))["storage"]["config"]}


@pytest.mark.programs("the command is the installer's shell's")
@pytest.mark.parametrize(
    ("disks", "taken"),
    [
        ("/dev/nvme0n1 disk 0 nvme", "/dev/nvme0n1"),
        ("/dev/vda disk 0", "/dev/vda"),
        ("/dev/sda disk 0 sata\n/dev/sr0 rom 1 sata\n/dev/sdb disk 1 usb\n/dev/loop0 loop 0", "/dev/sda"),
        ("/dev/sda disk 0 usb\n/dev/sdb disk 0 sata", "/dev/sdb"),
        ("/dev/nvme0n1 disk 0 nvme\n/dev/sda disk 0 sata", ""),
        ("/dev/sdb disk 1 usb", ""),
        ("", ""),
    ],
)
def test_which_disk_is_erased_is_never_guessed(disks: str, taken: str, tmp_path: Path) -> None:
    """Law: without a device, the one disk that is built in, by its name, or the installation ends.

    Seeded: the largest, which a stick may be.
    """
    said = answers()
    (command,) = said["early-commands"]
    kept = tmp_path / "autoinstall.yaml"
    kept.write_text(json.dumps(said["storage"]))
    program = tmp_path / "lsblk"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{disks}\nEND\n")
    program.chmod(0o755)
    here = command.replace("/autoinstall.yaml", str(kept))
    ran = subprocess.run(["/bin/sh", "-c", here], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, timeout=10)
    assert (ran.returncode == 0) == bool(taken)
    assert json.loads(kept.read_text())["layout"]["match"] == {"path": taken or "/dev/edgectl-built-in"}
