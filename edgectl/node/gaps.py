"""How long workloads did not serve while their pods were replaced: measured by the run that has done it, and kept.

Owns a file beside the slots, with the last few of each workload: what this node announces the next time. Of inference,
as a client sees it; of others from the moment at which their release is as declared to the gate that sees their pods
run. And of k3s, while it is started anew: from its stop until systemd has heard of it that its API answers. Must not
know which workloads stop before new ones start: the operator tells that from their manifests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from edgectl.node.converge.slots import Slot
from edgectl.node.desired import load
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.vision.client import Client, client_of
from edgectl.node.vision.inference import Answers
from edgectl.wire import event
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.payload import Payload, Release
from edgectl.wire.workload import key_of, pods_of, template_of

K3S = "k3s"  # what k3s's own pause is called among the workloads', which have slashes
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
        self._stopped: float | None = None  # when k3s began to start anew
        self._away: float | None = None  # how long that took, the last time
        self._asks: dict[str, Callable[[], Client | None]] = {}  # from which step on, and who
        self._client: Client | None = None
        self._unanswered: float | None = None  # how long it was without an answer

    def watch(self, read: Look, payload: Payload) -> None:
        """Let a client ask inference while the release that serves it changes."""
        asked = payload.inference
        for release in payload.releases:
            if asked is not None and _selector(release, payload) is not None:
                self._asks[f"release-{release.name}"] = partial(client_of, read, asked)

    def saw(self, word: str, step: str) -> None:
        """Take a word of a step."""
        if step == K3S:
            self._k3s(word)
        if word == event.CHANGING and step in self._asks and self._client is None:
            self._client = self._asks[step]()
        if word == event.CHANGED and step.startswith("release-"):
            self._since[step.removeprefix("release-")] = self._monotonic()
            self._served.clear()
        elif word in {event.OK, event.CHANGED}:
            self._served[step] = self._monotonic()
            if step == Answers.id and self._client is not None and self._unanswered is None:
                self._unanswered = self._client.away()

    def _k3s(self, word: str) -> None:
        if word == event.CHANGING:
            self._stopped = self._monotonic()
        elif word == event.CHANGED and self._stopped is not None:
            self._away = self._monotonic() - self._stopped

    def between(self, before: Payload, after: Payload) -> dict[str, float]:
        """Return seconds by workload, of those whose pods have become others in this run."""
        had, has = pods_of(before.releases), pods_of(after.releases)
        found = {} if self._away is None else {K3S: round(self._away, 1)}
        for release in after.releases:
            selector = _selector(release, after)
            gate = f"workload-{release.name}" if selector is None else Answers.id
            since, served = self._since.get(release.name), self._served.get(gate)
            if since is None or served is None:
                continue
            for manifest in release.manifests:
                name = "/".join((release.name, *key_of(manifest)))
                if name in had and name in has and had[name]["template"] != has[name]["template"]:
                    seconds = self._unanswered if selector and _is_behind(manifest, selector) else None
                    found[name] = round(max(served - since, 0.0) if seconds is None else seconds, 1)
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
    import statistics  # here: it takes longer to load than all of this module

    return {name: statistics.median(kept[name]) for name in names if kept.get(name)}


def _read(places: Places) -> dict[str, tuple[float, ...]]:
    try:
        return from_json(_Kept, json.loads((places.state / _FILE).read_bytes())).seconds
    except (OSError, ValueError):
        return {}


def _selector(release: Release, payload: Payload) -> dict[str, str] | None:
    """Return which pods the Service of inference chooses; None where it is not of this release."""
    asked = payload.inference
    for item in release.manifests:
        if asked is not None and key_of(item) == ("Service", asked.service):
            return dict((item.get("spec") or {}).get("selector") or {})
    return None


def _is_behind(manifest: Mapping[str, Any], selector: Mapping[str, str]) -> bool:
    labels = ((template_of(manifest) or {}).get("metadata") or {}).get("labels") or {}
    return selector.items() <= labels.items()
