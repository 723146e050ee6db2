"""One machine as its first boot needs it: what the files of all formats are made of.

Owns what they have in common. Must not know any format.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.control.firstboot.account import Account
from edgectl.control.firstboot.hostkey import HostKeyPair
from edgectl.control.inventory.install import InstallSettings
from edgectl.control.inventory.store import NodeTarget
from edgectl.control.link.secret import Secret

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
_LONGEST = 63  # RFC 1123, 2.1 and RFC 1035, 2.3.4: one label of a name


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. `ntp` are names or addresses of time servers."""

    store: str
    node: str
    address: str
    arch: str
    install: InstallSettings
    host_key: HostKeyPair
    account: Account
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


def machine(store: str, node: NodeTarget, install: InstallSettings, pair: HostKeyPair, account: Account) -> Machine:
    """Return a node of a store with the key that it is given."""
    return Machine(
        store=store,
        node=node.name,
        address=node.address,
        arch=node.arch,
        install=install,
        host_key=pair,
        account=account,
        ntp=node.host.time.servers if node.host.time else (),
    )


@dataclass(frozen=True, slots=True)
class FirstBootFile:
    """One file for the medium. `private`: the private host key is in it."""

    name: str
    text: Secret
    private: bool = False
