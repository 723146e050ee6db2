"""A store's own network: one namespace with one bridge in it. Nothing of it is in the host's own network.

Owns: names and addresses of that network, its making and its end. Must not know what runs in it.
"""

from __future__ import annotations

from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.places import NETNS_HOME, StorePlace

BRIDGE = "br0"
GATEWAY = "10.77.0.1"
PREFIX = "edgectl-"


def node_address(index: int) -> str:
    """Return the address of the index-th node (from 1) on the store's own network."""
    return f"10.77.0.{10 + index}"


def make_network(store: StorePlace) -> None:
    """Make what is missing of the store's network."""
    if not store.netns_path.exists():
        run(["ip", "netns", "add", store.netns])
    inside = ("ip", "-n", store.netns)
    run([*inside, "link", "set", "lo", "up"])
    if run([*inside, "link", "show", BRIDGE], check=False).code != 0:
        run([*inside, "link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0"])
    run([*inside, "addr", "replace", f"{GATEWAY}/24", "dev", BRIDGE])
    run([*inside, "link", "set", BRIDGE, "up"])


def remove_network(netns: str) -> None:
    """Remove a network namespace by name; with its last process its bridge and rules are gone, too."""
    if (NETNS_HOME / netns).exists():
        run(["ip", "netns", "delete", netns])


def networks() -> tuple[str, ...]:
    """Return the names of all sandbox stores' networks on this host, whoever made them."""
    if not NETNS_HOME.is_dir():
        return ()
    return tuple(sorted(path.name for path in NETNS_HOME.iterdir() if path.name.startswith(PREFIX)))


def inhabitants(netns: str) -> tuple[int, ...]:
    """Return the ids of the processes in a network namespace."""
    return tuple(int(word) for word in run(["ip", "netns", "pids", netns]).out.split())
