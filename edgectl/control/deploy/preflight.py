"""The question before a deploy: what each node is meant to become, asked of the bare machine.

Owns: what of the inventory is asked about, and what a bundle that is not ready means for it. One session per node.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.look import Open, speaking
from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.control.payload.declared import gpu_of
from edgectl.control.payload.rendered import Rendered
from edgectl.wire.document import from_json, to_json
from edgectl.wire.errors import NotReady
from edgectl.wire.finding import Finding
from edgectl.wire.k3s import Versions
from edgectl.wire.survey import Declared


def declared_of(store: Store, node: NodeTarget, rendered: Rendered | None, *, take_over: bool) -> Declared:
    """Return what a node is meant to become; without a payload what the inventory alone says."""
    host, leads = node.host, node.name == store.lead.name
    names = [*(host.time.servers if host.time else ())]
    if store.uplink is not None and leads:
        names.append(urlsplit(store.uplink.url).hostname or "")
    packages = (*host.packages, *(node.gpu.packages if node.gpu else ()))
    found = Declared(
        store=store.name,
        node=node.name,
        role=node.role,
        address=node.address,
        lead="" if leads else store.lead.address,
        arch=node.arch,
        machine=host.machine,
        gpu=gpu_of(node),
        free_bytes=host.free_bytes,
        packages=tuple(name for name, _ in packages),
        releases=tuple(f"{one.namespace}/{one.name}" for one in store.releases) if leads else (),
        names=tuple(dict.fromkeys(name for name in names if name and not _is_address(name))),
        take_over=take_over,
        k3s=Versions(store.lead.name, {one.name: one.k3s.version for one in store.nodes}),
    )
    if rendered is None:
        return found
    payload = rendered.payload
    return replace(found, blobs=payload.blobs_of(payload.node(node.name)))


def preflight(connect: Open, declared: Declared) -> tuple[Finding, ...]:
    """Ask one node. Raises Unreachable, NotReady."""
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        session.frames.send("preflight", declared=to_json(declared), clock=time.time())
        while (frame := session.frames.receive())["op"] == "beat":
            pass
        need(frame, "findings")
    return findings(frame)


def findings(frame: dict[str, Any]) -> tuple[Finding, ...]:
    """Read a node's answer."""
    try:
        return tuple(from_json(Finding, one) for one in frame["findings"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdecimal()
