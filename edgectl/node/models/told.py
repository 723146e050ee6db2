"""What this node says of its models, and what a person lets it do with them over the link.

Owns the answers to `models`. Must not know how versions are switched (turn.py).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io.places import Places
from edgectl.node.models import expected, held
from edgectl.node.models.registry import CANDIDATE, CURRENT, PREVIOUS, Registry
from edgectl.node.models.turn import release, rollback
from edgectl.wire.document import to_json
from edgectl.wire.payload import Model, Models
from edgectl.wire.registry import ModelLook, ModelsLook, VersionLook

HELD, DECLARED, COMING = "held", "declared", "coming"


def answer(places: Places, frame: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked (look, rollback, release), and say how the models are. Raises Locked or NotReady."""
    deed, name, hold = str(frame.get("deed", "")), str(frame.get("name", "")), None
    if deed == "rollback":
        hold = rollback(places, name, who=str(frame["who"]), why=str(frame["why"]))
    elif deed == "release":
        hold = release(places, name)
    return {"look": to_json(looked(places)), **({"hold": to_json(hold)} if hold else {})}


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
    return ModelLook(name, tuple(versions), hold.sentence() if hold else "")


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
