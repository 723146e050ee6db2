"""What a node tells of its models: crosses the link, and is printed at the rack.

Owns the shape and its lines for people. Must not know where it was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.wire.rollout import RolloutLook

_MB, _GB = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class VersionLook:
    """One version on a node. `states`: current, previous, candidate, held, declared, coming."""

    version: str
    variant: str
    digest: str
    size: int
    states: tuple[str, ...]
    missing: int = 0  # bytes that have not come yet


@dataclass(frozen=True, slots=True)
class ModelLook:
    """One model on a node; `held` is the sentence of a hold, "" where nobody holds it."""

    name: str
    versions: tuple[VersionLook, ...]
    held: str = ""
    rollout: RolloutLook | None = None


@dataclass(frozen=True, slots=True)
class ModelsLook:
    """All models of a node; `budget` is 0 where there is none."""

    models: tuple[ModelLook, ...]
    used: int
    budget: int

    @property
    def versions(self) -> int:
        """How many versions are here whole."""
        return sum(not one.missing for model in self.models for one in model.versions)


def lines(look: ModelsLook) -> list[str]:
    """Return what people read: one line a version, one a hold."""
    of = f" of {amount(look.budget)}" if look.budget else ""
    plural = "" if look.versions == 1 else "s"
    said = [f"{look.versions} version{plural}, {amount(look.used)}{of}"]
    for model in look.models:
        for place, one in enumerate(model.versions):
            name = "" if place else model.name
            states = ", ".join(one.states) or "kept"
            if one.missing:
                states += f", {amount(one.missing)} have not come"
            digest = one.digest.removeprefix("sha256:")[:12]
            said.append(
                f"  {name:<12} {one.version:<10} {one.variant:<8} {amount(one.size):>9}  {digest}  {states}".rstrip()
            )
        if model.held:
            said.append(f"  {'':<12} {model.held}")
        if model.rollout is not None:
            said += [f"  {'':<12} {sentence}" for sentence in model.rollout.sentences()]
    return said


def amount(count: float) -> str:
    """Return bytes as `26.0 MB`."""
    if count >= _GB:
        return f"{count / _GB:.2f} GB"
    return f"{count / _MB:.1f} MB" if count >= _MB else f"{count / 1e3:.1f} KB"
