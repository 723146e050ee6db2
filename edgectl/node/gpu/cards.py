"""The GPUs of a node, put together from who knows of them: inventory, driver, kernel, proof, plugin, kubelet. Pure.

Owns: which of their names mean one card, and that a declared card which nobody knows is a card, too. A card that is
split (MIG) stands for its parts: they are not told apart by the card that they lie on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from edgectl.node.gpu.probed import Probed, Xid
from edgectl.node.gpu.proof import Device, Proof
from edgectl.wire.gpu import NEVER, NOT_ASKED, Card, Holder, Smoke
from edgectl.wire.payload import Gpu
from edgectl.wire.verdict import UNKNOWN

_PART = "MIG-"
Holders = Mapping[str, tuple[Holder, ...]]


def cards(
    gpu: Gpu, said: Probed, record: Proof, *, now: float, healthy: Collection[str] | None, holders: Holders | None
) -> tuple[Card, ...]:
    """Return every card, in the driver's order; those that it does not list come last.

    `healthy`: the UUIDs that the plugin calls so. None of it, or of `holders`: not known. `now`: the proof's clock.
    """
    missing = None if said.layer("health").status in {UNKNOWN, NOT_ASKED} else False
    devices = {device.uuid: device for device in record.devices}
    found = [
        Card(
            index=row.index,
            uuid=row.uuid,
            name=row.name,
            pci=row.pci,
            listed=True,
            driver=row.driver,
            memory_mib=row.memory_mib,
            temperature_c=row.temperature_c,
            ecc_errors=row.ecc_errors,
            throttled=row.throttled,
            mig=row.mig,
        )
        for row in said.rows
    ]
    known = {card.uuid for card in found}
    others = [uuid for uuid in (*gpu.uuids, *devices, *sorted(healthy or ())) if uuid not in known]
    for uuid in dict.fromkeys(uuid for uuid in others if not uuid.startswith(_PART)):
        name = devices[uuid].name if uuid in devices else ""
        found.append(Card(index=-1, uuid=uuid, name=name, listed=missing))
    found += [Card(index=-1, listed=missing) for _ in range(gpu.count - len(found))]
    fatal = said.layer("xid").status == NEVER
    whole = [_with_lines(card, said.xids, fatal=fatal) for card in _placed(found, said.xids)]
    return tuple(_proven(card, devices, now=now, healthy=healthy, holders=holders) for card in whole)


def _placed(found: list[Card], xids: tuple[Xid, ...]) -> list[Card]:
    """Give a card that has left the list the kernel's lines about an address that no listed card has."""
    addresses = {card.pci for card in found if card.pci}
    lost = list(dict.fromkeys(xid.pci for xid in xids if xid.pci not in addresses))
    gone = [card for card in found if card.listed is False]
    if len(gone) != len(lost):  # which is which is not known
        return found
    where = dict(zip(map(id, gone), lost, strict=True))
    return [replace(card, pci=where[id(card)]) if id(card) in where else card for card in found]


def _with_lines(card: Card, xids: tuple[Xid, ...], *, fatal: bool) -> Card:
    own = [xid for xid in xids if card.pci and xid.pci == card.pci]
    last = next((xid.line for xid in reversed(own) if xid.fatal), "") if fatal else ""
    return replace(card, xids=tuple(xid.line for xid in own), fatal=last)


def _proven(
    card: Card, devices: Mapping[str, Device], *, now: float, healthy: Collection[str] | None, holders: Holders | None
) -> Card:
    names = [card.uuid] if card.uuid else []
    if card.mig:
        names = sorted({name for name in (*devices, *(healthy or ()), *(holders or ())) if name.startswith(_PART)})
    tried = [devices[name] for name in names if name in devices]
    worst = min(tried, key=lambda device: device.ok) if tried and len(tried) == len(names) else None
    return replace(
        card,
        smoke=_smoke(worst, now) if worst is not None else None,
        healthy=None if healthy is None or not names else all(name in healthy for name in names),
        holders=None
        if holders is None
        else tuple(dict.fromkeys(pod for name in names for pod in holders.get(name, ()))),
    )


def _smoke(device: Device, now: float) -> Smoke:
    return Smoke(device.ok, device.reason, device.seconds, device.gb_per_s, max(now - device.at, 0.0))
