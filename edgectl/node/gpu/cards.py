"""The GPUs of a node, put together from who knows of them: inventory, driver, kernel, proof, plugin, kubelet. Pure.

Owns: which of their names mean one card, and that a declared card which nobody knows is a card, too. A card that is
split (MIG) stands for its parts, and is as well as the worst of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from edgectl.node.gpu.facts import Health, Xid
from edgectl.node.gpu.probed import Probed
from edgectl.node.gpu.proof import Device, Proof
from edgectl.wire.gpu import NEVER, NOT_YET, Card, Holder, Layer, Smoke
from edgectl.wire.payload import Gpu

_PART = "MIG-"
_WRONG = frozenset({NOT_YET, NEVER})
Holders = Mapping[str, tuple[Holder, ...]]
Lines = Mapping[str, tuple[Xid, ...]]


def cards(
    gpu: Gpu, said: Probed, record: Proof, *, now: float, healthy: Collection[str] | None, holders: Holders | None
) -> tuple[Card, ...]:
    """Return every card, in the driver's order; those that it does not list come last.

    `healthy`: the UUIDs that the plugin calls so. None of it, or of `holders`: not known. `now`: the proof's clock.
    """
    devices = {device.uuid: device for device in record.devices}
    rows = {row.uuid: row for row in said.health}
    parts = {one.uuid: one.shares for one in said.listed}
    found = [_listed(Card(one.index, one.uuid, one.name), rows.get(one.uuid), said) for one in said.listed]
    known = {card.uuid for card in found}
    others = [uuid for uuid in (*gpu.uuids, *devices, *sorted(healthy or ())) if uuid not in known]
    missing = False if said.listed or said.layer("devices").status == NOT_YET else None
    for uuid in dict.fromkeys(uuid for uuid in others if not uuid.startswith(_PART)):
        name = devices[uuid].name if uuid in devices else ""
        spare = len(said.listed) >= gpu.count and uuid not in {*gpu.uuids, *(healthy or ())}
        found.append(Card(index=-1, uuid=uuid, name=name, listed=missing, spare=spare))
    found += [Card(index=-1, listed=missing) for _ in range(gpu.count - len(found))]
    return tuple(
        _proven(
            _with_lines(card, said.xids),
            parts.get(card.uuid) or ((card.uuid,) if card.uuid else ()),
            devices,
            now=now,
            healthy=healthy,
            holders=holders,
        )
        for card in _placed(found, said.xids)
    )


def _listed(card: Card, row: Health | None, said: Probed) -> Card:
    """Return a card that the driver lists, with what nvidia-smi says of it."""
    health: Layer = said.layer("health")
    if row is None:
        return replace(card, listed=True, fault=health.says if health.status in _WRONG else "")
    fault = ""
    if row.gone:
        fault = "nvidia-smi says that it is lost, or of no use until it is reset: reboot"
    elif health.status == NEVER and row.uncorrected:
        fault = f"it has {row.uncorrected} uncorrected memory errors: reset or replace it"
    return replace(
        card,
        pci=row.address,
        listed=True,
        driver=row.driver,
        memory_mib=row.memory_mib,
        temperature_c=row.celsius,
        ecc_errors=row.uncorrected,
        throttled=", ".join(row.slowed),
        mig=row.divided,
        fault=fault,
    )


def _placed(found: list[Card], xids: Lines) -> list[Card]:
    """Give a card that has left the list the kernel's lines about an address that no listed card has."""
    addresses = {card.pci for card in found if card.pci}
    lost = [address for address in xids if address not in addresses]
    gone = [card for card in found if card.listed is False]
    if len(gone) != len(lost):  # which is which is not known
        return found
    where = dict(zip(map(id, gone), lost, strict=True))
    return [replace(card, pci=where[id(card)]) if id(card) in where else card for card in found]


def _with_lines(card: Card, xids: Lines) -> Card:
    own = xids.get(card.pci, ()) if card.pci else ()
    fatal = next((_line(xid) for xid in reversed(own) if xid.fatal), "")
    return replace(card, xids=tuple(_line(xid) for xid in own), fatal=fatal)


def _line(xid: Xid) -> str:
    return f"Xid {xid.code}: {xid.text}"


def _proven(
    card: Card,
    names: tuple[str, ...],
    devices: Mapping[str, Device],
    *,
    now: float,
    healthy: Collection[str] | None,
    holders: Holders | None,
) -> Card:
    """Return a card with what is known under its names: its own UUID, or those of its parts."""
    tried = [devices[name] for name in names if name in devices and devices[name].tries]
    worst = min(tried, key=lambda device: device.ok) if tried and len(tried) == len(names) else None
    pods = None if holders is None else dict.fromkeys(pod for name in names for pod in holders.get(name, ()))
    return replace(
        card,
        smoke=_smoke(worst, now) if worst is not None else None,
        healthy=None if healthy is None or not names else all(name in healthy for name in names),
        holders=None if pods is None else tuple(pods),
    )


def _smoke(device: Device, now: float) -> Smoke:
    return Smoke(device.ok, device.reason, device.seconds, device.gb_per_s, max(now - device.at, 0.0))
