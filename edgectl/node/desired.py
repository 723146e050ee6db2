"""What a slot wants this node to be: its base, under its own apps or those of another slot.

Owns: what is base and what are apps, and how both are put together. Must not know how anything is applied.
"""

from __future__ import annotations

import re
from dataclasses import replace

from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.io.places import Places
from edgectl.wire.errors import NotReady
from edgectl.wire.payload import Node, Payload, decode

_MINOR = re.compile(r"v?(\d+)\.(\d+)")


def load(places: Places, slot: Slot, apps: Slot | None = None) -> tuple[Payload, Node]:
    """Read a payload and this node's part of it; OSError or ValueError when it cannot be.

    With `apps`, the base (host, k3s, Helm, GPUs) is the first slot's and what runs on it the other's.
    """
    payload = _read(places, slot)
    if apps is not None and apps.folder != slot.folder:
        payload = together(payload, _read(places, apps))
    try:
        return payload, payload.node(slot.envelope.node)
    except KeyError as missing:
        raise ValueError(f"it has no node {missing}") from missing


def deployed(places: Places, *, decided: bool = False) -> tuple[Payload, Node]:
    """Return what this node should be, and its part of it; NotReady says what is missing.

    With `decided`, the candidate that a first deploy is still at does not count.
    """
    slots = Slots(places)
    slot = slots.current or (None if decided else slots.candidate)
    if slot is None:
        raise NotReady("nothing has been deployed to this node yet", hint="edgectl deploy STORE")
    try:
        return load(places, slot, slots.apps_of(slot))
    except (OSError, ValueError) as error:
        raise NotReady(f"what this node should be cannot be read: {error}", hint="deploy it again") from error


def together(base: Payload, apps: Payload) -> Payload:
    """Return one payload of both.

    Apps are releases, their question and their chain, images, folders, secrets and facts, and the models.
    """
    on = {node.name: node for node in apps.nodes}
    nodes = []
    for node in base.nodes:
        images, folders = (on[node.name].k3s.images, on[node.name].host.folders) if node.name in on else ((), ())
        both = {image.archive: image for image in (*node.k3s.images, *images)}
        k3s = replace(node.k3s, images=tuple(both[name] for name in sorted(both)))
        nodes.append(replace(node, k3s=k3s, host=replace(node.host, folders=folders)))
    return replace(
        base,
        nodes=tuple(nodes),
        releases=apps.releases,
        inference=apps.inference,
        secrets=apps.secrets,
        facts=apps.facts,
        models=apps.models,
        chain=apps.chain,
        blobs=dict(sorted({**apps.blobs, **base.blobs}.items())),
    )


def same_base(one: Payload, other: Payload) -> bool:
    """Tell whether two payloads want the same host, k3s, Helm and GPUs of every node, behind the same guard."""
    return (_bases(one), one.guard) == (_bases(other), other.guard)


def is_one_way(before: Payload, after: Payload) -> bool:
    """Tell whether k3s would have to go back by a minor version from `after` to `before`: it cannot."""
    old = {node.name: _minor(node.k3s.version) for node in before.nodes}
    return any(_minor(node.k3s.version) > old.get(node.name, (0, 0)) for node in after.nodes if node.name in old)


def _bases(payload: Payload) -> tuple[Node, ...]:
    return tuple(
        replace(node, k3s=replace(node.k3s, images=()), host=replace(node.host, folders=())) for node in payload.nodes
    )


def _minor(version: str) -> tuple[int, int]:
    found = _MINOR.match(version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _read(places: Places, slot: Slot) -> Payload:
    return decode(places.blob(slot.envelope.payload).read_bytes())
