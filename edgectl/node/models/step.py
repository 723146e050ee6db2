"""Step: the declared versions of models are in the registry, and `current` names them.

Brings all versions in before it switches any. What a person holds stays where it is; what comes by a rollout stands
beside it (rollout.py); what has come ahead becomes the candidate. Versions that nobody names go after the promotion
(collect.py), since a deploy that fails goes back to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.models import held, rollout
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
                for one in (model, self._kept(registry, model)):
                    self._bring(registry, one) if one else None
            coming = {name: self._coming(write, name) for name in self._all(registry)}
            for found in coming.values():
                if found is not None:
                    self._bring(registry, found)
            declared = {model.name: model for model in self.models.current}
            for name in self._all(registry):
                if name not in declared:
                    registry.point(name, CURRENT, "")
                elif self._rolls_out(registry, declared[name]):
                    continue
                else:
                    switch(registry, name, declared[name].folder, tried=self.tried)
                rollout.end(registry, name)
                found = coming[name]
                registry.point(name, CANDIDATE, found.folder if found else "")
        except FileNotFoundError as error:
            raise ApplyFailed(f"{error.filename} is not on this node; a deploy sends it") from error
        except OSError as error:
            raise ApplyFailed(
                f"the models under {places.models} cannot be put in place: {error.strerror} ({error.filename})"
            ) from error

    def _all(self, registry: Registry) -> list[str]:
        return sorted({*registry.names(), *(model.name for model in (*self.models.current, *self.models.next))})

    def _rolls_out(self, registry: Registry, model: Model) -> bool:
        """Begin what is due, or let all follow from what has begun; says whether a rollout goes on."""
        name, asked = model.name, self.models.rollouts.get(model.name)
        begun = rollout.running(registry, name, model.folder, asked)
        if begun is None and asked is not None and rollout.is_due(registry, name, model.folder, asked):
            begun = rollout.begin(registry, name, model.folder, asked, declared=model.folder)
        if begun is None:
            return False
        if not begun.is_of_declared:
            switch(registry, name, model.folder, tried=False)
        rollout.settle(registry, name, begun)
        return not begun.passed

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
        declared = {model.name: model for model in self.models.current}
        for model in self.models.current:
            found += registry.wrong(model)
            kept = self._kept(registry, model)
            found += registry.wrong(kept) if kept else []
            found += _link(registry, model.name, CURRENT, self._target(registry, model), model.name)
        for name in self._all(registry):
            if name not in declared and (has := registry.linked(name, CURRENT)):
                found.append((name, _version(registry, name, has), "retired"))
            coming = self._coming(read, name)
            if coming is not None:
                found += registry.wrong(coming)
            wants, rolls = self._candidate(registry, name, coming)
            found += _link(registry, name, CANDIDATE, wants, f"{name} {CANDIDATE}")
            found += rolls
        return found

    def _candidate(self, registry: Registry, name: str, coming: Model | None) -> tuple[str, list[Difference]]:
        """Return what `candidate` should name, and what differs of its rollout."""
        model = next((model for model in self.models.current if model.name == name), None)
        asked, what = self.models.rollouts.get(name), f"{name} rollout"
        begun = rollout.running(registry, name, model.folder, asked) if model else None
        if begun is not None and not begun.passed:
            differs = rollout.wrong(registry, name, begun)
            return begun.order.candidate, [(what, "not told", begun.words())] if differs else []
        had = rollout.read(registry, name)
        has = had.words() if had else "left over" if rollout.wrong(registry, name, None) else "none"
        if model and asked and rollout.is_due(registry, name, model.folder, asked):
            return model.folder, [(what, has, f"{asked.strategy} of {model.version}")]
        return coming.folder if coming else "", [] if has == "none" else [(what, has, "none")]

    def _target(self, registry: Registry, model: Model) -> str:
        """Return the version that `current` should name."""
        asked, now = self.models.rollouts.get(model.name), registry.linked(model.name, CURRENT)
        begun = rollout.running(registry, model.name, model.folder, asked)
        if begun is not None and begun.passed:
            return begun.order.candidate
        if begun is not None and begun.is_of_declared:
            return now
        if begun is None and rollout.is_due(registry, model.name, model.folder, asked):
            return now
        return held.target(registry, model.name, model.folder)

    def _kept(self, registry: Registry, model: Model) -> Model | None:
        """Return the version that runs in the place of a declared one, as its own note has it."""
        folder = self._target(registry, model)
        note = registry.note(model.name, folder) if folder != model.folder else None
        return Model(note.name, note.version, note.files, note.variant) if note else None

    def _said(self, registry: Registry) -> str:
        said = []
        for model in self.models.current:
            hold = held.holds(registry, model.name, model.folder)
            begun = rollout.running(registry, model.name, model.folder, self.models.rollouts.get(model.name))
            stands = hold.sentence() if hold else model.version
            if begun is not None:
                runs = _version(registry, model.name, registry.linked(model.name, CURRENT))
                beside = begun.beside(runs)
                stands = f"{stands}; {model.name} {beside}" if hold else beside
            said.append(f"{model.name} {stands}")
        return "; ".join(said) or "none"


def _link(registry: Registry, name: str, link: str, folder: str, what: str) -> list[Difference]:
    has = registry.linked(name, link)
    if has == folder:
        return []
    return [(what, _version(registry, name, has), folder.rpartition("-")[0] or "none")]


def _version(registry: Registry, name: str, folder: str) -> str:
    note = registry.note(name, folder) if folder else None
    return note.version if note else "none"
