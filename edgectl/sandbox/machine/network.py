"""A store's own network: one namespace with one bridge in it. Nothing of it is in the host's own network.

Owns: names and addresses of that network, its making and its end, and whose it is. Must not know what runs in it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.places import HOST_STATE, NETNS_HOME, StorePlace

BRIDGE = "br0"
GATEWAY = "10.77.0.1"
PREFIX = "edgectl-"
_MADE_HOME = HOST_STATE / "netns-home"


def node_address(index: int) -> str:
    """Return the address of the index-th node (from 1) on the store's own network."""
    return f"10.77.0.{10 + index}"


def make_network(store: StorePlace) -> bool:
    """Make what is missing of the store's network; True when the namespace itself is new."""
    new = not store.netns_path.exists()
    if new:
        HOST_STATE.mkdir(exist_ok=True)
        if not _is_mounted():
            _MADE_HOME.touch()
        _owner(store.netns).write_text(str(store.home))
        run(["ip", "netns", "add", store.netns])
    inside = ("ip", "-n", store.netns)
    run([*inside, "link", "set", "lo", "up"])
    if run([*inside, "link", "show", BRIDGE], check=False).code != 0:
        run([*inside, "link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0"])
    run([*inside, "addr", "replace", f"{GATEWAY}/24", "dev", BRIDGE])
    run([*inside, "link", "set", BRIDGE, "up"])
    return new


def remove_network(netns: str) -> None:
    """Remove a network namespace by name; with its last process its bridge and rules are gone, too."""
    if (NETNS_HOME / netns).exists():
        run(["ip", "netns", "delete", netns])
    _owner(netns).unlink(missing_ok=True)


def networks() -> dict[str, StorePlace | None]:
    """Return the sandbox stores' networks on this host with the folder of the store that each belongs to."""
    if not NETNS_HOME.is_dir():
        return {}
    found: dict[str, StorePlace | None] = {}
    for path in sorted(NETNS_HOME.glob(f"{PREFIX}*")):
        found[path.name] = None
        with contextlib.suppress(OSError):
            found[path.name] = StorePlace(Path(_owner(path.name).read_text()))
    return found


def inhabitants(netns: str) -> tuple[int, ...]:
    """Return the ids of the processes in a network namespace."""
    return tuple(int(word) for word in run(["ip", "netns", "pids", netns]).out.split())


def forget_networks() -> None:
    """After the last network: take away the mount that `ip netns add` makes for the first one."""
    if _MADE_HOME.exists():
        with contextlib.suppress(OSError):
            if _is_mounted() and not any(NETNS_HOME.iterdir()):
                run(["umount", NETNS_HOME])
                NETNS_HOME.rmdir()
        _MADE_HOME.unlink()
    with contextlib.suppress(OSError):
        HOST_STATE.rmdir()


def _is_mounted() -> bool:
    """Whether the folder of namespaces is a mount; a bind mount of itself, which os.path.ismount does not see."""
    return any(line.split()[1] == str(NETNS_HOME) for line in Path("/proc/self/mounts").read_text().splitlines())


def _owner(netns: str) -> Path:
    return HOST_STATE / f"{netns}.store"
