"""What of a payload the chain is judged by, and what of it lies on the node's disk: the models.

Owns: whether the registry holds what `current` names. Must not ask anybody.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timezone, tzinfo
from typing import Any

from edgectl.node.desired import deployed
from edgectl.node.io.places import Places
from edgectl.node.models.registry import CURRENT, Registry
from edgectl.node.vision.chain.said import Said
from edgectl.wire.chain import MODEL, NOT_READY, READY, RESOURCE, Chain
from edgectl.wire.errors import NotReady
from edgectl.wire.payload import Gpu, Inference, Model, Node, Payload


@dataclass(frozen=True)
class Declared:
    """One store's chain with all that it is held against."""

    node: str
    chain: Chain
    gpu: Gpu | None = None
    models: tuple[str, ...] = ()
    question: Inference | None = None
    zone: tzinfo = timezone.utc


def of(payload: Payload, node: Node) -> Declared | None:
    """Return what is declared for a node; None where it has no chain to ask: the lead alone asks."""
    if payload.chain is None or node.name != payload.lead.name:
        return None
    models = tuple(model.name for model in payload.models.current) if payload.models else ()
    zone = zone_of(payload.facts.get("timezone"))
    return Declared(node.name, payload.chain, node.gpu, models, payload.inference, zone)


def here(places: Places) -> Declared:
    """Return what was deployed here; NotReady says what is missing."""
    payload, node = deployed(places)
    found = of(payload, node)
    if found is None:
        hint = "a release with a Service `camera` has one; else declare chain: (docs/chain.md)"
        raise NotReady(f"what runs on {node.name} has no chain", hint=hint)
    return found


def zone_of(name: Any) -> tzinfo:
    """Return a time zone; UTC where it is not known here."""
    from zoneinfo import ZoneInfo  # here: most runs need none

    with suppress(KeyError, ValueError, OSError):  # its ZoneInfoNotFoundError is a KeyError
        return ZoneInfo(name) if isinstance(name, str) and name else timezone.utc
    return timezone.utc


def kept(places: Places, models: tuple[str, ...]) -> Said | None:
    """Judge what the registry holds of the models that run; None where it holds none by declaration."""
    registry, versions = Registry(places), []
    for name in models:
        try:
            folder = registry.linked(name, CURRENT)
            note = registry.note(name, folder) if folder else None
            if note is None:
                return Said(NOT_READY, f"no version of {name} is in the registry", MODEL)
            wrong = registry.wrong(Model(note.name, note.version, note.files, note.variant))
        except OSError as error:
            return Said(NOT_READY, f"{name} cannot be looked at: {error.strerror} ({error.filename})", RESOURCE)
        if wrong:
            what, have, want = wrong[0]
            return Said(NOT_READY, f"{what} is {have}, not {want}", MODEL)
        versions.append(f"{name} {note.version}")
    return Said(READY, ", ".join(versions)) if versions else None
