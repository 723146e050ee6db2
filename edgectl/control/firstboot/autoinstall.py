"""Ubuntu's installer, answered beforehand: its autoinstall, version 1. Pure.

Owns user-data and meta-data for the installer. A medium that has these at its top is the installer's, and must not be
the one that the installed system finds: both ask for the same names.
"""

from __future__ import annotations

from typing import Any

from edgectl.control.blockyaml import dump
from edgectl.control.firstboot.account import Kind
from edgectl.control.firstboot.machine import FirstBootFile, Machine
from edgectl.control.firstboot.nocloud import HEADER, network_config, user_data
from edgectl.control.link.secret import Secret

FOLDER = "autoinstall"
_LOCKED = "!"  # no password has this hash (crypt(5))
_MIB = 1 << 20
_BY_INSTALLER = ("growpart", "resize_rootfs", "timezone", "locale")
_BY_IDENTITY = ("hostname", "preserve_hostname", "manage_etc_hosts", "users")
_BUILT_IN = "/dev/edgectl-built-in"  # no disk: while nothing has put one in its place, the installer finds none
# Fails, which ends the installation before a disk is touched, unless exactly one disk is built in; and puts that one's
# name into the answers, which the installer reads again after this (its reference: early-commands).
_THE_DISK = (
    """disk=$(lsblk -dnrpo NAME,TYPE,RM,TRAN | awk '$2 == "disk" && $3 == 0 && $4 != "usb" {print $1}') && """
    f"""test "$(echo "$disk" | wc -w)" = 1 && sed -i "s#{_BUILT_IN}#$disk#" /autoinstall.yaml"""
)


def autoinstall(machine: Machine, *, folder: str = FOLDER) -> tuple[FirstBootFile, ...]:
    """Return the files; `folder` "" lays them at the medium's top."""
    head = f"{folder}/" if folder else ""
    text = HEADER + dump({"autoinstall": answers(machine)}, sort_keys=False)
    return (
        FirstBootFile(f"{head}meta-data", Secret(dump({"instance-id": f"{machine.hostname}-installer"}))),
        FirstBootFile(f"{head}user-data", Secret(text), private=True),
    )


def answers(machine: Machine) -> dict[str, Any]:
    """Return what the installer would have asked."""
    install = machine.install
    network = network_config(machine)
    own = machine.account.kind is Kind.SUDO  # the installer makes ordinary accounts alone
    return {
        "version": 1,
        "locale": "en_US.UTF-8",
        "keyboard": {"layout": "us"},
        "timezone": install.timezone,
        "refresh-installer": {"update": False},
        **({"network": network} if network else {}),
        "apt": _apt(install.mirror),
        **({} if install.disk.device else {"early-commands": [_THE_DISK]}),
        "storage": _storage(machine),
        **({"identity": _identity(machine)} if own else {}),
        "ssh": {
            "install-server": True,
            "allow-pw": False,
            **({"authorized-keys": list(machine.account.logins)} if own else {}),
        },
        "user-data": _first_boot(machine),
        "shutdown": "reboot",
    }


def _identity(machine: Machine) -> dict[str, str]:
    return {
        "realname": "edgectl",
        "username": machine.account.name,
        "hostname": machine.hostname,
        "password": _LOCKED,
    }


def _first_boot(machine: Machine) -> dict[str, Any]:
    """Return what the installed system's cloud-init does once: as from a seed, but for what the installer has done.

    The host key is given so and by no command, since the installer keeps a log of those.
    """
    doc = user_data(machine)
    for key in (*_BY_INSTALLER, *_BY_IDENTITY) if machine.account.kind is Kind.SUDO else _BY_INSTALLER:
        del doc[key]
    return doc


def _apt(mirror: str) -> dict[str, Any]:
    if not mirror:
        return {"geoip": False, "fallback": "offline-install"}
    return {"geoip": False, "primary": [{"arches": ["default"], "uri": mirror}], "fallback": "offline-install"}


def _storage(machine: Machine) -> dict[str, Any]:
    """Return the disk: the installer's own layout for a whole disk; with sizes, partitions for a machine with UEFI."""
    disk = machine.install.disk
    match = {"path": disk.device or _BUILT_IN}
    if not disk.root_bytes:
        return {"layout": {"name": "direct", "match": match}, "swap": {"size": 0}}
    root = -(-disk.root_bytes // _MIB) * _MIB
    whole = {"id": "disk", "type": "disk", "match": match, "ptable": "gpt", "wipe": "superblock-recursive"}
    parts = [
        {**_partition("esp", 512 * _MIB), "flag": "boot", "grub_device": True},
        *_mounted("esp", "fat32", "/boot/efi"),
        _partition("root", root),
        *_mounted("root", "ext4", "/"),
    ]
    if disk.data:
        parts += [_partition("data", -1), *_mounted("data", "ext4", "/var/lib")]
    return {"config": [{**whole, "preserve": False}, *parts], "swap": {"size": 0}}


def _partition(name: str, size: int) -> dict[str, Any]:
    return {"id": name, "type": "partition", "device": "disk", "size": size, "wipe": "superblock", "preserve": False}


def _mounted(name: str, kind: str, path: str) -> list[dict[str, Any]]:
    system = {"id": f"{name}-fs", "type": "format", "volume": name, "fstype": kind, "preserve": False}
    return [system, {"id": f"{name}-mount", "type": "mount", "device": f"{name}-fs", "path": path}]
