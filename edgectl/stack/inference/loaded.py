"""A version of a model that answers: where it lies, what it takes and gives, its tiers. Must not know ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.stack.inference.golden import Golden
from edgectl.stack.inference.job import Answered, Failed, Job
from edgectl.stack.inference.protocol import Tensor
from edgectl.stack.inference.tiers import Arrays, Tiers


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version lies; `folder` is its name among all."""

    name: str
    version: str
    path: Path

    @property
    def folder(self) -> str:
        """Return its name among the versions of its model."""
        return self.path.name


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Loaded:
    """A version that answers."""

    place: Place
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    provider: str
    tiers: Tiers
    golden: Golden | None
    blank: Arrays  # a question without a known answer
    size_bytes: int

    @property
    def name(self) -> str:
        """The model's name."""
        return self.place.name

    @property
    def version(self) -> str:
        """Which one it is."""
        return self.place.version

    def answer(self, jobs: Sequence[Job], *, candidate: bool = False) -> list[Answered | Failed]:
        """Answer questions as one, or say of each why not."""
        said = self.tiers.answer([job.arrays for job in jobs], [job.full for job in jobs])
        where = (self.name, self.version, self.place.folder, candidate)
        return [one if isinstance(one, Failed) else Answered(one.outputs, one.tier, *where, one.fast) for one in said]

    def audited(self, job: Job, said: Answered) -> Answered:
        """Return a sure answer with what the full tier says of it; raises what a runtime may raise."""
        return replace(said, fast=self.tiers.audit(job.arrays, said.outputs))
