"""cloud-init's NoCloud seed: for a disk that has a ready image of a system on it. Pure.

Owns user-data, meta-data and network-config (version 2). Must not know installers.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

from edgectl.control.blockyaml import dump
from edgectl.control.firstboot.account import NO_PASSWORD, Account, Kind
from edgectl.control.firstboot.machine import FirstBootFile, Machine
from edgectl.control.link.secret import Secret
from edgectl.wire.document import canonical
from edgectl.wire.payload import ManagedFile

HEADER = "#cloud-config\n"
_DISABLED = "/etc/cloud/cloud-init.disabled"
_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def seed(machine: Machine) -> tuple[FirstBootFile, ...]:
    """Return the seed's files."""
    files = [
        FirstBootFile("meta-data", Secret(meta_data(machine))),
        FirstBootFile("user-data", Secret(HEADER + dump(user_data(machine), sort_keys=False)), private=True),
    ]
    if (network := network_config(machine)) is not None:
        files.append(FirstBootFile("network-config", Secret(dump(network, sort_keys=False))))
    return tuple(files)


def meta_data(machine: Machine) -> str:
    """Return who the machine is: cloud-init does its work once for each instance-id, so another content has another."""
    public = [user_data(machine, private="-"), network_config(machine), machine.host_key.public]
    digest = hashlib.sha256(canonical(public)).hexdigest()[:16]
    doc = {"instance-id": f"{machine.hostname}-{digest}", "local-hostname": machine.hostname}
    return dump(doc, sort_keys=False)


def user_data(machine: Machine, *, private: str | None = None) -> dict[str, Any]:
    """Return what cloud-init does at the first boot, and at no other; `private` stands in for the private host key."""
    return {
        "hostname": machine.hostname,
        "preserve_hostname": False,
        "manage_etc_hosts": "localhost",  # sudo asks for the machine's own name, with or without DNS
        "timezone": machine.install.timezone,
        "locale": "C.UTF-8",  # which every system has without making it
        "users": [_user(machine.account)],
        "disable_root": machine.account.kind is not Kind.ROOT,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,  # those of the image, which every machine made of it would share
        "ssh_keys": {
            "ed25519_private": machine.host_key.private.reveal() if private is None else private,
            "ed25519_public": machine.host_key.public,
        },
        **({"write_files": [_written(file) for file in planted]} if (planted := machine.account.planted) else {}),
        **({"ntp": {"enabled": True, "servers": list(machine.ntp)}} if machine.ntp else {}),
        "package_update": False,  # no internet is needed
        "package_upgrade": False,
        "growpart": {"mode": "auto", "devices": ["/"]},
        "resize_rootfs": True,
        # Without its medium cloud-init could take the machine for another one, and give it new host keys
        "runcmd": [["touch", _DISABLED]],
    }


def _user(account: Account) -> dict[str, Any]:
    """Return the account as cloud-init makes it: no password opens it."""
    keys = list(account.logins)
    if account.kind is Kind.ROOT:
        return {"name": account.name, "lock_passwd": True, "ssh_authorized_keys": keys}
    if account.kind is Kind.SUDO:
        own = {"gecos": "edgectl", "shell": "/bin/bash", "lock_passwd": True}
        return {"name": account.name, **own, "ssh_authorized_keys": keys}
    return {
        "name": account.name,
        "system": True,
        "no_create_home": True,  # what lies there is root's
        "homedir": account.home,
        "shell": "/bin/sh",
        "lock_passwd": False,
        "passwd": NO_PASSWORD,
    }


def _written(file: ManagedFile) -> dict[str, str]:
    return {"path": file.path, "owner": "root:root", "permissions": file.mode, "content": file.text}


def network_config(machine: Machine) -> dict[str, Any] | None:
    """Return the declared network; None where nobody names a card, and any that has a link asks DHCP."""
    network = machine.install.network
    if not network.mac:
        return None
    # No boot waits for the cable, and a fixed address is there without one
    card: dict[str, Any] = {"match": {"macaddress": network.mac}, "optional": True}
    if not network.address:
        return {"version": 2, "ethernets": {"store": {**card, "dhcp4": True}}}
    card |= {"dhcp4": False, "dhcp6": False, "ignore-carrier": True, "addresses": [network.address]}
    if network.gateway:
        version = ipaddress.ip_address(network.gateway).version
        card["routes"] = [{"to": _DEFAULT[version], "via": network.gateway}]
    if network.dns:
        card["nameservers"] = {"addresses": list(network.dns)}
    return {"version": 2, "ethernets": {"store": card}}
