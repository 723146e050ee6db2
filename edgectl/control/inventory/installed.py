"""What an inventory says of the first installation of a node, resolved, and what in it cannot be.

Owns both. Must not know the files that are made of it, nor look at anything but the inventory.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from edgectl.control.inventory import install_schema, schema
from edgectl.control.inventory.check import Where
from edgectl.control.inventory.install import InstallDisk, InstallNetwork, InstallSettings
from edgectl.control.inventory.plaintext import looks
from edgectl.control.inventory.publickey import login_key_error

_LEAST_ROOT = 4 << 30
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_MIRROR = re.compile(r"/[A-Za-z0-9._~/-]*")
_Wrong = Iterator[tuple[Where, str]]
_Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def install_settings(node: schema.Node, zone: str | None) -> InstallSettings | None:
    """Return how a node is first installed; None where nobody says it. `zone` is its store's time zone."""
    asked = node.install
    if asked is None:
        return None
    network, disk = asked.network or install_schema.InstallNetwork(), asked.disk or install_schema.Disk()
    return InstallSettings(
        os=asked.os,
        keys=tuple(asked.keys),
        network=InstallNetwork(
            mac=network.mac or next(iter(_macs(node)), ""),
            address=network.address or "",
            gateway=network.gateway or "",
            dns=tuple(network.dns),
        ),
        disk=InstallDisk(disk.device or "", disk.root or 0, disk.data),
        mirror=(asked.mirror or "").rstrip("/"),
        timezone=zone or "UTC",
        serial=node.identity.serial or "" if node.identity else "",
    )


def install_findings(node: schema.Node) -> _Wrong:
    """Yield what cannot be, or does not agree with the node: where, and a sentence."""
    asked = node.install
    if asked is None:
        return
    login = _ssh_user(node)
    if asked.user is not None and asked.user != login:
        sentence = f'install.user: deploys log in as "{login}" (ssh.user), and the machine would know {asked.user} only'
        yield ("install", "user"), f"{sentence}: give both the same name"
    elif not _USER.fullmatch(login):
        yield ("ssh", "user"), f'install makes the account that deploys log in with, and "{login}" is no name for one'
    for index, key in enumerate(asked.keys):
        if wrong := login_key_error(key):
            yield ("install", "keys", index), f"install.keys.{index}: {wrong}"
    if node.host is not None and node.host.users.get(login) is not None:  # a deploy user
        if asked.keys:
            yield ("install", "keys"), f"install.keys: who logs in as {login} is said by host.users.{login}.keys"
    elif not asked.keys and not (node.ssh and node.ssh.keys):
        sentence = "install: nobody could log in: install.keys: [ssh-ed25519 AAAA...], or ssh.keys with the .pub beside"
        yield ("install", "keys"), sentence
    if asked.network is not None:
        yield from _network(asked.network, node)
    if asked.disk is not None:
        yield from _disk(asked.disk, node)
    if asked.mirror is not None and not looks(asked.mirror) and not _is_mirror(asked.mirror):
        yield ("install", "mirror"), "install.mirror: http://HOST/PATH is needed, like http://deb.debian.org/debian"


def _network(asked: install_schema.InstallNetwork, node: schema.Node) -> _Wrong:
    at = ("install", "network")
    macs = _macs(node)
    if asked.mac and macs and asked.mac not in macs:
        known = ", ".join(macs)
        yield (*at, "mac"), f"install.network.mac: the machine has no card {asked.mac} (identity.macs: {known})"
    if asked.address is None:
        for key, said in (("gateway", asked.gateway), ("dns", asked.dns)):
            if said:
                sentence = f"install.network.{key} is for a fixed address, and without one DHCP says it"
                yield (*at, key), f"{sentence}: add address: {node.address or '10.77.0.11'}/24, or leave it out"
        return
    if not asked.mac and not macs:
        sentence = "install.network.address: which card gets it? install.network.mac or identity.macs says so"
        yield (*at, "address"), sentence
    own = _interface(asked.address)
    if own is None:
        sentence = 'install.network.address: an address with its prefix is needed, like 10.77.0.11/24, not "'
        yield (*at, "address"), f'{sentence}{asked.address}"'
        return
    yield from (((*at, "address"), why) for why in _address(own, node))
    if asked.gateway is not None and (why := _gateway(asked.gateway, own)):
        yield (*at, "gateway"), f"install.network.gateway: {why}"
    for index, server in enumerate(asked.dns):
        if _interface(server) is None or "/" in server:
            yield (*at, "dns", index), f'install.network.dns: an IP address is needed, not "{server}"'


def _address(own: _Interface, node: schema.Node) -> Iterator[str]:
    if node.address and (said := _interface(node.address)) is not None and said.ip != own.ip:
        yield f"install.network.address: {own.ip} is not the node's own address, {said.ip}"
    net = own.network
    whole = net.num_addresses > 2  # noqa: PLR2004 - RFC 3021: a network of two addresses has no others
    if whole and own.version == 4 and own.ip in (net.network_address, net.broadcast_address):  # noqa: PLR2004 - IPv4
        yield f"install.network.address: {own.ip} is the first or last address of {net}, which no machine can have"


def _gateway(text: str, own: _Interface) -> str:
    found = _interface(text)
    if found is None or "/" in text:
        return f'an IP address is needed, not "{text}"'
    if found.ip == own.ip:
        return f"{text} is the node itself"
    return "" if found.ip in own.network else f"{text} does not lie in the node's network, {own.network}"


def _disk(asked: install_schema.Disk, node: schema.Node) -> _Wrong:
    at = ("install", "disk")
    if asked.data and asked.root is None:
        sentence = "install.disk.data: the rest of the disk is what root leaves, and root takes all: root: 30GiB"
        yield (*at, "data"), sentence
    if asked.root is None:
        return
    if asked.root < _LEAST_ROOT:
        yield (*at, "root"), f"install.disk.root: a system needs 4GiB and more, not {asked.root / (1 << 30):.3g}GiB"
    built_in = node.hardware.disk if node.hardware else None
    if built_in and asked.root >= built_in:
        sentence = f"install.disk.root: {asked.root / (1 << 30):.4g}GiB do not fit on the disk"
        yield (*at, "root"), f"{sentence}, hardware.disk: {built_in / (1 << 30):.4g}GiB"


def _is_mirror(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment and "@" not in parts.netloc and port != 0
    path = parts.path == "" or _MIRROR.fullmatch(parts.path) is not None
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and path


def _interface(text: str) -> _Interface | None:
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


def _ssh_user(node: schema.Node) -> str:
    return (node.ssh or schema.Ssh()).user


def _macs(node: schema.Node) -> list[str]:
    return node.identity.macs if node.identity else []
