"""Step: the declared versions of models are in the registry, and `current` names them.

Brings all versions in before it switches any. What a person holds stays where it is; what has come ahead becomes the
candidate. Versions that nobody names go after the promotion (collect.py), since a deploy that fails goes back to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.models import held
from edgectl.node.models.budget import HINT, over
from edgectl.node.models.expected import ready
from edgectl.node.models.registry import CANDIDATE, CURRENT, Registry
from edgectl.node.models.switch import switch
from edgectl.wire.payload import Model, Models

Difference = tuple[str, str, str]


@dataclass(frozen=True)
class Registered:
    """`sizes` are those of the payload's blobs. `tried`: a deploy is tried; else the store returns to what it was."""

    models: Models
    sizes: dict[str, int]
    tried: bool = False
    id: str = "models"
    title: str = "models"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare links, and each file with its blob."""
        registry = Registry(read.places)
        try:
            differences = self._differences(read, registry)
            coming = self.models.current if self.tried else ()  # what runs is not taken back for its size
            why = over(read.places, coming, self.sizes, self.models.budget_bytes) if coming else ""
        except OSError as error:
            raise LookFailed(f"the models cannot be looked at: {error.strerror} ({error.filename})") from error
        if why:
            return Observation(Status.FAILED, why, evidence=(HINT,))
        if differences:
            names = ", ".join(dict.fromkeys(field for field, _, _ in differences))
            differ = "differs" if len(differences) == 1 else "differ"
            return Observation(Status.DRIFTED, f"{names} {differ}", differences=tuple(differences))
        return Observation(Status.CURRENT, self._said(registry))

    def apply(self, write: Hands, seen: Observation) -> None:
        """Bring versions in, then switch."""
        del seen
        registry, places = Registry(write.places), write.places
        try:
            for model in self.models.current:
                for one in (model, _held(registry, model)):
                    self._bring(registry, one) if one else None
            coming = {name: self._coming(write, name) for name in self._all(registry)}
            for found in coming.values():
                if found is not None:
                    self._bring(registry, found)
            declared = {model.name: model for model in self.models.current}
            for name in self._all(registry):
                found = coming[name]
                if name in declared:
                    switch(registry, name, declared[name].folder, tried=self.tried)
                else:
                    registry.point(name, CURRENT, "")
                registry.point(name, CANDIDATE, found.folder if found else "")
        except FileNotFoundError as error:
            raise ApplyFailed(f"{error.filename} is not on this node; a deploy sends it") from error
        except OSError as error:
            raise ApplyFailed(
                f"the models under {places.models} cannot be put in place: {error.strerror} ({error.filename})"
            ) from error

    def _all(self, registry: Registry) -> list[str]:
        return sorted({*registry.names(), *(model.name for model in (*self.models.current, *self.models.next))})

    def _bring(self, registry: Registry, model: Model) -> None:
        if registry.wrong(model):
            registry.bring(model)

    def _coming(self, read: Look, name: str) -> Model | None:
        """Return the candidate of a model: what has come ahead, and is not what is declared already."""
        found = ready(read.places, name, self.models)
        return found if found is not None and found.folder not in self._declared(name) else None

    def _declared(self, name: str) -> set[str]:
        return {model.folder for model in self.models.current if model.name == name}

    def _differences(self, read: Look, registry: Registry) -> list[Difference]:
        found: list[Difference] = []
        for model in self.models.current:
            found += registry.wrong(model)
            kept = _held(registry, model)
            found += registry.wrong(kept) if kept else []
            found += _link(registry, model.name, CURRENT, held.target(registry, model.name, model.folder), model.name)
        declared = {model.name for model in self.models.current}
        for name in self._all(registry):
            if name not in declared and (has := registry.linked(name, CURRENT)):
                found.append((name, _version(registry, name, has), "retired"))
            coming = self._coming(read, name)
            if coming is not None:
                found += registry.wrong(coming)
            found += _link(registry, name, CANDIDATE, coming.folder if coming else "", f"{name} {CANDIDATE}")
        return found

    def _said(self, registry: Registry) -> str:
        said = []
        for model in self.models.current:
            hold = held.holds(registry, model.name, model.folder)
            said.append(f"{model.name} {hold.sentence() if hold else model.version}")
        return "; ".join(said) or "none"


def _held(registry: Registry, model: Model) -> Model | None:
    """Return the version that a person holds in the place of a declared one, as its own note has it."""
    folder = held.target(registry, model.name, model.folder)
    note = registry.note(model.name, folder) if folder != model.folder else None
    return Model(note.name, note.version, note.files, note.variant) if note else None


def _link(registry: Registry, name: str, link: str, folder: str, what: str) -> list[Difference]:
    has = registry.linked(name, link)
    if has == folder:
        return []
    return [(what, _version(registry, name, has), folder.rpartition("-")[0] or "none")]


def _version(registry: Registry, name: str, folder: str) -> str:
    note = registry.note(name, folder) if folder else None
    return note.version if note else "none"
