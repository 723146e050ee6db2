"""The links of a chain: their order, what rests on what, and how people speak of them. Pure.

Owns the order. Must not know how a link is asked, nor how it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edgectl.wire.chain import Chain

GPU, MODEL, INFERENCE, CAMERA, BUS, UPLINK, SINK, DRIFT = ORDER = (
    *("gpu", "model", "inference", "camera", "bus", "uplink", "sink", "drift"),
)
ONE_CAMERA = "camera:"
_RESTS = {INFERENCE: (GPU, MODEL), UPLINK: (BUS,), SINK: (UPLINK,), DRIFT: (BUS,)}
_WELL = {
    GPU: "gpu computes",
    MODEL: "model answers as known",
    INFERENCE: "inference answers",
    CAMERA: "cameras deliver",
    BUS: "bus delivers",
    DRIFT: "drift watches",
}
_BROKEN = {GPU: "not proven", MODEL: "not as declared", SINK: "not reached"}


@dataclass(frozen=True)
class Part:
    """One link. `rests`: where one of these is broken, this one is not asked."""

    name: str
    rests: tuple[str, ...] = ()
    required: bool = False


def parts(chain: Chain, names: Collection[str]) -> tuple[Part, ...]:
    """Return the links that there are, in order: the stack's own, each camera behind `camera`, then users' own."""
    dependencies = {dependency.name: dependency for dependency in chain.dependencies}
    own: list[str] = []
    for name in ORDER:
        own += [name] if name in names else []
        if name == CAMERA:
            own += sorted(one for one in names if one.startswith(ONE_CAMERA))
    found = [Part(name, _rests(name, names), name in chain.required) for name in own]
    for name, dependency in dependencies.items():
        if name in names:
            after = (dependency.after,) if dependency.after in names else ()
            found.append(Part(name, after, dependency.required))
    return tuple(found)


def needed(all_of_them: tuple[Part, ...]) -> frozenset[str]:
    """Return the links without which the store is not ready: the required ones, and all that these rest on."""
    by_name = {part.name: part for part in all_of_them}
    left, found = [part.name for part in all_of_them if part.required], set[str]()
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += by_name[name].rests
    return frozenset(found)


def before(all_of_them: tuple[Part, ...], name: str) -> tuple[str, ...]:
    """Return the links upstream of one, the nearest first."""
    names = [part.name for part in all_of_them]
    return tuple(reversed(names[: names.index(name)]))


def is_stack(name: str) -> bool:
    """Tell whether a link is of the stack, and not users' own."""
    return name in ORDER or name.startswith(ONE_CAMERA)


def well(name: str) -> str:
    """Say that a link does its work; "" for one that nobody speaks of so."""
    return _WELL.get(name, "")


def broken(name: str) -> str:
    """Return the words for a link that does not do its work."""
    return _BROKEN.get(name, "not ready")


def later(one: str, other: str) -> str:
    """Return the link of two that stands further downstream."""
    return max(one, other, key=ORDER.index)


def _rests(name: str, names: Collection[str]) -> tuple[str, ...]:
    if name.startswith(ONE_CAMERA):
        return (CAMERA,)
    return tuple(one for one in _RESTS.get(name, ()) if one in names)
