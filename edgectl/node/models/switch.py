"""The switch of a model from one version to another: what runs, and what can be gone back to.

Owns that `previous` is the last good one: what a failed deploy has tried is never gone back to. Works from any state
that its own kill has left.
"""

from __future__ import annotations

from edgectl.node.models import held
from edgectl.node.models.registry import BEFORE, CURRENT, PREVIOUS, Registry


def switch(registry: Registry, name: str, declared: str, *, tried: bool) -> None:
    """Let `current` name the declared version, or the one that a person holds.

    `tried`: by a deploy that is not decided yet. Else it is where the store returns to, or stays.
    """
    hold = held.holds(registry, name, declared)
    if hold is not None:
        if registry.linked(name, CURRENT) == hold.folder:
            return  # it never ran anything else, or has gone back already
        registry.point(name, PREVIOUS, hold.from_folder if registry.at(name, hold.from_folder).is_dir() else "")
        registry.point(name, CURRENT, hold.folder)
        return
    now, previous = registry.linked(name, CURRENT), registry.linked(name, PREVIOUS)
    if now == declared:
        return
    if tried and now:
        if previous != now:  # else it was killed just before `current` was switched
            registry.point(name, BEFORE, previous)
        registry.point(name, PREVIOUS, now)
    elif not tried and previous == declared:  # it returns from a deploy that has failed: what was previous then, is
        registry.point(name, PREVIOUS, registry.linked(name, BEFORE))
    registry.point(name, CURRENT, declared)
    if not tried:
        registry.point(name, BEFORE, "")
