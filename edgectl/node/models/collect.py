"""Which versions of models stay when a deploy is decided, and which go, the oldest first.

Owns that current, previous, candidate, what slots may go back to and what a prefetch brings are never taken, whatever
the budget says; other versions stay as long as they fit into it. Runs after a promotion, or a prefetch, only.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from edgectl.node.io.places import Places
from edgectl.node.models import expected, held, rollout
from edgectl.node.models.registry import BEFORE, CANDIDATE, CURRENT, LINKS, Registry
from edgectl.wire.payload import Models, Payload


def decide(places: Places, runs: Payload, sequence: int) -> None:
    """End what the deploy that runs, accepted as `sequence`, has decided. Raises OSError."""
    registry = Registry(places)
    for name in registry.names():
        _decided(places, name, runs.models or Models(()), sequence)


def collect(places: Places, kept: Sequence[Payload], runs: Payload) -> set[str]:
    """Take away what nobody needs; returns the digests of the blobs that models need.

    `kept` are the payloads of all slots that may be gone back to, `runs` is that of what runs. Raises OSError.
    """
    registry, declared = Registry(places), runs.models or Models(())
    wanted = [payload.models for payload in kept if payload.models]
    named = {model.name for models in wanted for model in (*models.current, *models.next)}
    for name in registry.names():
        if name not in named and expected.read(registry, name) is None:
            registry.forget(name)
    safe = {(model.name, model.folder) for models in wanted for model in models.current}
    safe |= {(name, registry.linked(name, link)) for name in registry.names() for link in LINKS}
    safe |= {(name, found.model.folder) for name in registry.names() if (found := expected.read(registry, name))}
    safe |= {(name, begun.order.candidate) for name in registry.names() if (begun := rollout.read(registry, name))}
    _fit(registry, safe, declared.budget_bytes)
    digests = {digest for models in wanted for model in models.next for digest in model.files.values()}
    for name in registry.names():
        with suppress(FileNotFoundError):
            registry.tidy(name)
        for folder in registry.folders(name):
            if note := registry.note(name, folder):
                digests |= set(note.files.values())
        if found := expected.read(registry, name):
            digests |= set(found.model.files.values())
    return digests


def brought_in(places: Places) -> set[str]:
    """Return the digests of the blobs of all versions that are here."""
    registry = Registry(places)
    notes = (registry.note(name, folder) for name in registry.names() for folder in registry.folders(name))
    return {digest for note in notes if note for digest in note.files.values()}


def _decided(places: Places, name: str, declared: Models, sequence: int) -> None:
    """End a hold, what was to come, and what would have been gone back to."""
    registry = Registry(places)
    current = {model.folder for model in declared.current if model.name == name}
    coming = {model.folder for model in declared.next if model.name == name}
    hold, found = held.read(registry, name), expected.read(registry, name)
    if hold is not None and hold.from_folder not in current:
        held.end(registry, name)
    if found is not None and (
        found.model.folder in current or (found.sequence < sequence and found.model.folder not in coming)
    ):
        expected.end(registry, name)
    if rollout.read(registry, name) is None:  # a link to what is not wanted any more would be drift to the next look
        registry.point(name, CANDIDATE, expected.ahead(places, name, declared))
    registry.point(name, BEFORE, "")
    if not current:
        registry.point(name, CURRENT, "")


def _fit(registry: Registry, safe: set[tuple[str, str]], budget: int) -> None:
    """Take the oldest of the versions that nobody needs until the rest fits; all of them where there is no budget."""
    spare: list[tuple[int, str, str]] = []
    sizes: dict[tuple[str, str], dict[str, int]] = {}
    for name in registry.names():
        for folder in registry.folders(name):
            note = registry.note(name, folder)
            sizes[name, folder] = dict(note.sizes) if note else {}
            if (name, folder) not in safe:
                spare.append((registry.at(name, folder).stat().st_mtime_ns, name, folder))
    for _, name, folder in sorted(spare):
        if (
            budget
            and sum({digest: size for files in sizes.values() for digest, size in files.items()}.values()) <= budget
        ):
            return
        registry.remove(name, folder)
        del sizes[name, folder]
