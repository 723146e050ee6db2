"""One machine as its first boot needs it: what the files of all formats are made of.

Owns what they have in common: the name, and what is planted on the disk. Must not know any format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgectl.control.firstboot.hostkey import HostKeyPair
from edgectl.control.inventory.install import InstallSettings
from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.control.link.secret import Secret
from edgectl.wire.errors import InvalidInput

ROOT = "root"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
_LONGEST = 63  # RFC 1123, 2.1 and RFC 1035, 2.3.4: one label of a name


@dataclass(frozen=True, slots=True)
class Planted:
    """One file of root's that a first boot leaves on the disk."""

    path: str
    text: str
    mode: str = "0644"


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. `logins` are lines of authorized_keys, `ntp` names or addresses of time servers."""

    store: str
    node: str
    address: str
    arch: str
    install: InstallSettings
    host_key: HostKeyPair
    logins: tuple[str, ...]
    rights: tuple[Planted, ...] = ()
    ntp: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return `store-042/node-1`."""
        return f"{self.store}/{self.node}"

    @property
    def hostname(self) -> str:
        """Return what it calls itself: store and node, or the node alone where both are too long for a name."""
        whole = f"{self.store}-{self.node}"
        return whole if len(whole) <= _LONGEST else self.node

    @property
    def is_root(self) -> bool:
        """Tell whether deploys log in as root."""
        return self.install.user == ROOT

    @property
    def home(self) -> str:
        """Return the home of who logs in."""
        return "/root" if self.is_root else f"/home/{self.install.user}"


def machine(store: Store, node: NodeTarget, pair: HostKeyPair, logins: tuple[str, ...]) -> Machine:
    """Return a node of a store with the key that it is given; InvalidInput where nobody says how it is installed."""
    if node.install is None:
        raise InvalidInput(
            f"{store.source}: nothing says how {store.name}/{node.name} is installed",
            hint="add it to the node, its store, a group or the defaults: install: {os: debian-12}; docs/image.md",
            docs="inventory",
        )
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", node.name):
        raise ValueError(f"{node.name} is no name of a host")  # the inventory lets none in
    return Machine(
        store=store.name,
        node=node.name,
        address=node.address,
        arch=node.arch,
        install=node.install,
        host_key=pair,
        logins=logins,
        rights=rights(node.install.user),
        ntp=node.host.time.servers if node.host.time else (),
    )


def rights(user: str) -> tuple[Planted, ...]:
    """Return what lets the account that deploys log in with become root: none where it is root.

    The one place that says what it may do; a narrower rule, and what it needs on the disk, belong here.
    """
    if user == ROOT:
        return ()
    return (Planted("/etc/sudoers.d/90-edgectl-image", f"{user} ALL=(ALL:ALL) NOPASSWD: ALL\n", "0440"),)


@dataclass(frozen=True, slots=True)
class FirstBootFile:
    """One file for the medium. `private`: the private host key is in it."""

    name: str
    text: Secret
    private: bool = False
