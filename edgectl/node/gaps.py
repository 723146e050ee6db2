"""How long workloads did not serve while their pods were replaced: measured by the run that has done it, and kept.

Owns a file beside the slots, with the last few of each workload: what this node announces the next time. From the end
of the old pods, which is when their release is as declared, to the gate that sees the new ones serve. Must not know
which workloads stop before new ones start: the operator tells that from their manifests.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from edgectl.node.converge.slots import Slot
from edgectl.node.desired import load
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire import event
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.payload import Payload, Release
from edgectl.wire.workload import key_of, pods_of

_FILE = "gaps.json"
_KEPT = 5
_MOST = 200  # workloads; of those that are no more, the oldest go


@dataclass(frozen=True, slots=True)
class _Kept:
    """Seconds by release/kind/name, the newest last."""

    seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)


class Gaps:
    """One run's. It is told each word of each step, as the journal is."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since: dict[str, float] = {}  # release -> when its change was done
        self._served: dict[str, float] = {}  # gate -> when it was true after that

    def saw(self, word: str, step: str) -> None:
        """Take a word of a step."""
        if word == event.CHANGED and step.startswith("release-"):
            self._since[step.removeprefix("release-")] = self._monotonic()
            self._served.clear()
        elif word in {event.OK, event.CHANGED}:
            self._served[step] = self._monotonic()

    def between(self, before: Payload, after: Payload) -> dict[str, float]:
        """Return seconds by workload, of those whose pods have become others in this run."""
        had, has = pods_of(before.releases), pods_of(after.releases)
        found = {}
        for release in after.releases:
            gate = "inference" if _serves_inference(release, after) else f"workload-{release.name}"
            since, served = self._since.get(release.name), self._served.get(gate)
            if since is None or served is None:
                continue
            for manifest in release.manifests:
                name = "/".join((release.name, *key_of(manifest)))
                if name in had and name in has and had[name]["template"] != has[name]["template"]:
                    found[name] = round(max(served - since, 0.0), 1)
        return found


def settle(places: Places, seen: Gaps, before: tuple[Slot, Slot], after: Slot) -> dict[str, float]:
    """Return what a run has measured, from one slot and its apps to another, and keep it.

    Without it, the next change is announced less exactly, and no more.
    """
    try:
        found = seen.between(load(places, *before)[0], load(places, after)[0])
    except (OSError, ValueError):
        return {}
    keep(places, found)
    return found


def keep(places: Places, found: dict[str, float]) -> None:
    """Keep the last few of each workload."""
    if not found:
        return
    kept = dict(_read(places))
    for name, seconds in found.items():
        kept[name] = (*kept.pop(name, ()), seconds)[-_KEPT:]
    with suppress(OSError):
        write_atomic(places.state / _FILE, canonical(to_json(_Kept(dict(list(kept.items())[-_MOST:])))))


def measured(places: Places, names: Iterable[str]) -> dict[str, float]:
    """Return how long these workloads did not serve: the middle of the last times, of those that were measured."""
    kept = _read(places)
    return {name: statistics.median(kept[name]) for name in names if kept.get(name)}


def _read(places: Places) -> dict[str, tuple[float, ...]]:
    try:
        return from_json(_Kept, json.loads((places.state / _FILE).read_bytes())).seconds
    except (OSError, ValueError):
        return {}


def _serves_inference(release: Release, payload: Payload) -> bool:
    asked = payload.inference
    return asked is not None and any(key_of(item) == ("Service", asked.service) for item in release.manifests)
