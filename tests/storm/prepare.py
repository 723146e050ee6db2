"""The store that a storm strikes: two pretend GPUs, one required, and inference that notes its starts on tmpfs.

Owns: bringing it up and taking it away, and what the storm's inventory has that others have not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.node import Node
from tests.e2e.operator import Change, Operator
from tests.storm.eye import STARTS, Eye

GPUS, REQUIRED = 2, 1
NAMESPACES = ("gpu-system", "vision")
FOLDER = STARTS.rpartition("/")[0]
_TMPFILES = "/etc/tmpfiles.d/edgectl-storm.conf"


@dataclass(frozen=True, slots=True)
class Ground:
    """A store that is deployed and serves, and whoever looks at it."""

    store: SandboxStore
    node: Node
    eye: Eye
    operator: Operator
    images: dict[str, str]


def noting(doc: dict[str, Any]) -> None:
    """Change an inventory so that inference notes its starts."""
    values = doc["defaults"]["releases"]["vision-stack"]["values"]["inference"]
    values["env"] = {"EDGECTL_START_LOG": STARTS}
    values["extraVolumes"] = [{"name": "storm", "hostPath": FOLDER, "mountPath": FOLDER}]


def step(number: int) -> Change:
    """Return a change that gives inference another environment, and so a new pod."""

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["releases"]["vision-stack"]["values"]["inference"]["env"]["STORM"] = str(number)

    return change


@contextmanager
def ground(box: Sandbox, name: str, supplies: Supplies, up: Callable[[SandboxStore], None]) -> Iterator[Ground]:
    """Bring the store up and deploy it; it goes away whatever happens. `up` is told of it as soon as it is there."""
    for left in [store.name for store in box.stores() if store.name == name]:
        box.down(left)
    store = box.up(name, gpus=GPUS, required=REQUIRED)
    operator = None
    try:
        up(store)
        path = write_inventory(store, supplies)
        doc = yaml.safe_load(path.read_text())
        noting(doc)
        path.write_text(yaml.safe_dump(doc, sort_keys=False))
        node, operator = Node(store), Operator(name, path)
        node.sh(f"echo 'd {FOLDER} 1777 root root -' > {_TMPFILES} && systemd-tmpfiles --create {_TMPFILES} && sync")
        operator.deploy()
        yield Ground(store, node, Eye(node, NAMESPACES), operator, supplies.images)
    finally:
        if operator is not None:
            operator.end_all()
        box.down(name)
