"""What of the payload is a node's operating system beyond files: all that follows from the inventory alone.

Must not know bundles; which package files there are comes from whoever looks into one.
"""

from __future__ import annotations

from edgectl.control.inventory.store import NodeTarget
from edgectl.control.payload.hostfiles import host_services
from edgectl.wire.host import Os, Packages


def os_of(node: NodeTarget, packages: Packages) -> Os | None:
    """Return what the node's system is declared to carry; None where nothing of it is."""
    host = node.host
    found = Os(
        packages=packages,
        modules=host.modules,
        services=host_services(host),
        users=host.users,
        time=host.time,
        machine=host.machine,
        reboots=host.reboots,
    )
    return found if found != Os() else None
