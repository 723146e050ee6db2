"""What this node says of its models, and what a person lets it do with them over the link.

Owns the answers to `models`. Must not know how versions are switched (turn.py, byhand.py).
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io.places import Places
from edgectl.node.models import expected, heard, held, rollout
from edgectl.node.models.byhand import promote, try_beside
from edgectl.node.models.registry import CANDIDATE, CURRENT, PREVIOUS, Registry
from edgectl.node.models.turn import Turned, release, rollback
from edgectl.wire.document import to_json
from edgectl.wire.errors import NotReady
from edgectl.wire.payload import Model, Models
from edgectl.wire.registry import ModelLook, ModelsLook, VersionLook
from edgectl.wire.rollout import CANARY, SHADOW, RolloutLook

HELD, DECLARED, COMING = "held", "declared", "coming"


def answer(places: Places, frame: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked, if anything, and say how the models are. Raises Locked or NotReady."""
    turned = turn(places, frame) if frame.get("deed") else None
    return {"look": to_json(looked(places)), **(to_json(turned) if turned else {})}


def turn(places: Places, asked: dict[str, Any]) -> Turned:
    """Do what a person asks of a model, here or over the link. Raises Locked or NotReady."""
    deed, name, version = str(asked["deed"]), str(asked["name"]), str(asked.get("version", ""))
    who, why = str(asked.get("who", "")), str(asked.get("why", ""))
    if deed == "rollback":
        return rollback(places, name, who=who, why=why)
    if deed == "release":
        return release(places, name)
    if deed == "promote":
        return promote(places, name, version, who=who, why=why)
    if deed in {SHADOW, CANARY}:
        percent, soak = int(asked.get("percent") or 0), float(asked.get("soak_seconds") or 0.0)
        return try_beside(places, name, version, deed, who=who, percent=percent, soak_seconds=soak)
    raise NotReady(f"this node's engine does not know {deed!r}", hint="use the same edgectl version everywhere")


def looked(places: Places) -> ModelsLook:
    """Look at every version that is here or is to come."""
    registry, declared = Registry(places), _declared(places)
    names = sorted({*registry.names(), *(model.name for model in (*declared.current, *declared.next))})
    sizes: dict[str, int] = {}
    models = [_model(places, name, declared, sizes) for name in names]
    return ModelsLook(tuple(model for model in models if model.versions), sum(sizes.values()), declared.budget_bytes)


def _model(places: Places, name: str, declared: Models, sizes: dict[str, int]) -> ModelLook:
    registry = Registry(places)
    links = {link: registry.linked(name, link) for link in (CURRENT, PREVIOUS, CANDIDATE)}
    wants = {model.folder for model in declared.current if model.name == name}
    coming = _coming(places, name, declared)
    hold = held.read(registry, name)
    hold = hold if hold and hold.from_folder in wants else None
    versions = []
    for folder in reversed(registry.folders(name)):
        note = registry.note(name, folder)
        if note is None:
            continue
        sizes |= note.sizes
        states = [link for link, named in links.items() if named == folder]
        states += [HELD] if hold and folder == hold.folder else []
        states += [DECLARED] if folder in wants else []
        states += [COMING] if any(model.folder == folder for model, _ in coming) else []
        versions.append(VersionLook(note.version, note.variant, note.digest, sum(note.sizes.values()), tuple(states)))
    for model, found in coming:
        if model.folder not in registry.folders(name):
            size = sum(found.get(digest, 0) for digest in set(model.files.values()))
            missing = sum(found.get(one, 0) for one in set(model.files.values()) if not places.blob(one).is_file())
            versions.append(VersionLook(model.version, model.variant, model.digest, size, (COMING,), missing))
    return ModelLook(name, tuple(versions), hold.sentence() if hold else "", _rollout(places, name, declared))


def rollouts(places: Places) -> list[str]:
    """Say in a sentence each which versions stand beside others here."""
    declared, registry = _declared(places), Registry(places)
    looks = ((name, _rollout(places, name, declared)) for name in rollout.names(registry))
    return [f"{name}: {'; '.join(look.sentences())}" for name, look in looks if look is not None]


def _rollout(places: Places, name: str, declared: Models) -> RolloutLook | None:
    registry = Registry(places)
    wants = next((model.folder for model in declared.current if model.name == name), None)
    begun = rollout.running(registry, name, wants, declared.rollouts.get(name)) if wants else None
    if begun is None:
        return None
    order, now = begun.order, registry.note(name, registry.linked(name, CURRENT))
    said = heard.read(places).get(name)
    said = said if said is not None and said.id == order.id else None
    return RolloutLook(
        order.strategy,
        order.version,
        now.version if now else "none",
        order.steps,
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(order.since)),
        max(order.since + order.takes_seconds - time.time(), 0.0),
        order.min_frames,
        begun.asked.promote,
        begun.who,
        said.progress if said else None,
        said.trouble if said else "",
    )


def _coming(places: Places, name: str, declared: Models) -> list[tuple[Model, dict[str, int]]]:
    """Return what is to come of a model, with the sizes of its files: a prefetch's word goes before the payload's."""
    found = expected.read(Registry(places), name)
    if found is not None:
        return [(found.model, found.sizes)]
    return [(model, declared.sizes) for model in declared.next if model.name == name]


def _declared(places: Places) -> Models:
    slots = Slots(places)
    if (slot := slots.current or slots.candidate) is not None:
        with suppress(OSError, ValueError):
            payload, _ = load(places, slot, slots.apps_of(slot))
            return payload.models or Models(())
    return Models(())
