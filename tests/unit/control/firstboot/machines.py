"""Machines for the tests of first-boot files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgectl.control.firstboot.account import Account, Kind, becoming_root, launched
from edgectl.control.firstboot.hostkey import HostKeyPair, made
from edgectl.control.firstboot.machine import Machine
from edgectl.control.inventory.install import InstallDisk, InstallNetwork, InstallSettings

LOGIN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW ada@laptop"
MAC = "3c:ec:ef:0a:1b:2c"
FIXED = InstallNetwork(MAC, "10.77.0.11/24", "10.77.0.1", ("10.77.0.1", "10.77.0.2"))
PAIR: HostKeyPair = made()
TRUST = '{"digest":"sha256:0","trust":{}}\n'


def machine(*, user: str = "deploy", arch: str = "amd64", pair: HostKeyPair = PAIR, **install: Any) -> Machine:
    """Return a machine; what is not said is as plain as can be."""
    settings = replace(InstallSettings(os="debian-12", timezone="Europe/Berlin"), **install)
    return Machine(
        store="store-042",
        node="node-1",
        address="10.77.0.11",
        arch=arch,
        install=settings,
        host_key=pair,
        account=account(user),
    )


def account(user: str) -> Account:
    """Return an account by its name: root, a deploy user's, or one with sudo."""
    if user == "root":
        return Account("root", Kind.ROOT, (LOGIN,))
    return launched(user, (LOGIN,), TRUST) if user == "edge" else becoming_root(user, (LOGIN,))


def every() -> list[Machine]:
    """Return one machine of each kind: systems, networks, disks, accounts, processors."""
    disks = (InstallDisk(), InstallDisk("/dev/nvme0n1", 30 << 30, data=True), InstallDisk("", 20 << 30))
    networks = (InstallNetwork(), InstallNetwork(MAC), FIXED, InstallNetwork(MAC, "fd00::11/64", "fd00::1"))
    return [
        machine(os=os, user=user, network=network, disk=disk, arch=arch, mirror=mirror)
        for os in ("debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04")
        for user, arch in (("root", "amd64"), ("deploy", "arm64"), ("edge", "amd64"))
        for network, mirror in zip(networks, ("", "http://mirror.example/debian", "", ""), strict=True)
        for disk in disks
    ]
