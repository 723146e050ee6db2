"""What a node's operating system is declared to carry: the inventory's words in the shapes that cross.

Owns how hours and services are written there. Finds no errors.
"""

from __future__ import annotations

from dataclasses import replace

from edgectl.control.inventory import schema
from edgectl.control.inventory.host_schema import Host, Packages
from edgectl.control.inventory.store import Launch, Store
from edgectl.wire.host import Machine, Reboots, Service, TimeSync, User

REBOOT = "reboot"  # the name of the windows in which nodes may reboot


def services(host: Host) -> tuple[Service, ...]:
    """Return the declared units of the system, without those set to null."""
    return tuple(Service(name, state) for name, state in sorted(host.services.items()) if state is not None)


def users(host: Host) -> tuple[User, ...]:
    """Return who may log in to deploy."""
    return tuple(User(name, tuple(user.keys)) for name, user in sorted(host.users.items()) if user is not None)


def launched(store: Store) -> Store:
    """Return a store whose nodes are reached by their launcher, where a deploy user of theirs logs in."""
    nodes = []
    for node in store.nodes:
        keys = next((user.keys for user in node.host.users if user.name == node.ssh.user), None)
        launch = None if keys is None else Launch(store.name, store.trust, keys)
        nodes.append(replace(node, ssh=replace(node.ssh, launch=launch)))
    return replace(store, nodes=tuple(nodes))


def time(host: Host) -> TimeSync | None:
    """Return whom the node asks for the time."""
    return TimeSync(tuple(host.time.servers), float(host.time.wait_seconds)) if host.time else None


def machine(node: schema.Node) -> Machine | None:
    """Return the very machine that is meant, as far as it is declared."""
    identity, hardware = node.identity or schema.Identity(), node.hardware or schema.Hardware()
    found = Machine(identity.serial or "", tuple(identity.macs), hardware.memory or 0, hardware.disk or 0)
    return found if found != Machine() else None


def reboots(host: Host, store: schema.Store) -> Reboots:
    """Return when the node may reboot, in the store's own time, and how often for one cause."""
    windows, zone = (store.windows or {}).get(REBOOT, []), store.timezone or "UTC"
    hours = tuple(f"{','.join(one.days)} {one.start}-{one.end} {zone}".strip() for one in windows)
    return Reboots(hours, host.most_reboots)


def packages(asked: Packages) -> tuple[tuple[str, str], ...]:
    """Return names and versions; "" where the bundle's newest will do."""
    return tuple((name, version or "") for name, version in sorted(asked.items()))
