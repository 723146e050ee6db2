"""A rollout on this node: a version beside the one that runs, until it is judged.

Owns NAME/begun.json, the decision, and NAME/rollout.json, what the inference service reads of it; NAME/watched ends
with them. A rollout counts only as long as what is declared is what was declared when it began. begun.json is written
before anything else of a rollout and goes before anything else of it: whoever is killed in between finds a whole
decision.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgectl.node.io.files import unlink_synced, write_atomic
from edgectl.node.models import held
from edgectl.node.models.registry import BEFORE, CANDIDATE, CURRENT, PREVIOUS, Registry
from edgectl.node.models.switch import switch
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.rollout import CANARY, Order, Rollout

_BEGUN, _ORDER, WATCHED = "begun.json", "rollout.json", "watched"


@dataclass(frozen=True, slots=True)
class Begun:
    """A rollout that has begun. `declared` is the folder that was declared then, `asked` how it was declared."""

    order: Order
    declared: str
    asked: Rollout
    who: str = ""  # the person that has begun it; "": a deploy
    passed: bool = False  # decided: the candidate takes over

    @property
    def is_of_declared(self) -> bool:
        """Tell whether it is about the version that is declared."""
        return self.order.candidate == self.declared

    def words(self) -> str:
        """Say what it is: `canary of 1.4, 5 %`."""
        percent = f", {self.order.steps[0]} %" if self.order.strategy == CANARY and self.order.steps else ""
        return f"{self.order.strategy} of {self.order.version}{percent}"

    def beside(self, version: str) -> str:
        """Say how it stands beside what runs."""
        order = self.order
        if self.passed:
            return f"{order.version} takes over from {version}"
        percent = f" ({order.steps[0]} %)" if order.strategy == CANARY and order.steps else ""
        return f"{order.version} is {order.strategy} beside {version}{percent}"


def read(registry: Registry, name: str) -> Begun | None:
    """Return the rollout of a model, whether it still counts or not; None where there is none."""
    try:
        return from_json(Begun, json.loads((registry.of(name) / _BEGUN).read_bytes()))
    except (OSError, ValueError):
        return None


def running(registry: Registry, name: str, declared: str, asked: Rollout | None) -> Begun | None:
    """Return the rollout that counts: of what is declared now, as it is declared now, and not turned down."""
    begun, hold = read(registry, name), held.holds(registry, name, declared)
    if begun is None or begun.declared != declared or (not begun.who and begun.asked != asked):
        return None
    if hold is not None and hold.from_folder == begun.order.candidate:
        return None
    now = registry.linked(name, CURRENT)
    is_over = not now or (now == begun.order.candidate and not begun.passed)
    return None if is_over or not registry.at(name, begun.order.candidate).is_dir() else begun


def is_due(registry: Registry, name: str, declared: str, asked: Rollout | None) -> bool:
    """Tell whether the declared version is to come by a rollout that has not begun.

    The first version runs at once, since nothing stands beside it; so does the one that ran before: it is gone back to.
    """
    now, before = registry.linked(name, CURRENT), registry.linked(name, PREVIOUS)
    if asked is None or not now or declared in {now, before}:
        return False
    return held.holds(registry, name, declared) is None


def begin(
    registry: Registry,
    name: str,
    folder: str,
    asked: Rollout,
    *,
    declared: str,
    who: str = "",
    clock: Callable[[], float] = time.time,
) -> Begun:
    """Begin a rollout of a version that is here; another one of this model ends with it."""
    note = registry.note(name, folder)
    order = Order(
        secrets.token_hex(4),
        asked.strategy,
        folder,
        note.version if note else folder.rpartition("-")[0],
        asked.steps,
        asked.soak_seconds,
        asked.thresholds,
        asked.min_frames,
        float(int(clock())),
    )
    begun = Begun(order, declared, asked, who)
    write_atomic(registry.of(name) / _BEGUN, canonical(to_json(begun)))
    settle(registry, name, begun)
    return begun


def settle(registry: Registry, name: str, begun: Begun) -> None:
    """Let all else follow from what has begun; one that has passed is finished."""
    if begun.passed:
        if registry.linked(name, CURRENT) != begun.order.candidate:
            switch(registry, name, begun.order.candidate, tried=True)
        registry.point(name, BEFORE, "")
        end(registry, name)
        return
    if wrong(registry, name, begun):
        write_atomic(registry.of(name) / _ORDER, canonical(to_json(begun.order)))
    registry.point(name, CANDIDATE, begun.order.candidate)


def decide(registry: Registry, name: str, begun: Begun) -> None:
    """Let the declared candidate take over: the decision first, then the links."""
    passed = replace(begun, passed=True)
    write_atomic(registry.of(name) / _BEGUN, canonical(to_json(passed)))
    settle(registry, name, passed)


def end(registry: Registry, name: str) -> None:
    """End a rollout, or what is left of one. What `candidate` names then is its caller's matter."""
    for file in (_BEGUN, _ORDER, WATCHED):
        unlink_synced(registry.of(name) / file)


def wrong(registry: Registry, name: str, begun: Begun | None) -> bool:
    """Tell whether what the service reads is not what has begun."""
    place = registry.of(name) / _ORDER
    if begun is None:
        return place.exists()
    try:
        return from_json(Order, json.loads(place.read_bytes())) != begun.order
    except (OSError, ValueError):
        return True


def names(registry: Registry) -> tuple[str, ...]:
    """Return the models that have a rollout, or what is left of one."""
    return tuple(
        name for name in registry.names() if any((registry.of(name) / file).exists() for file in (_BEGUN, _ORDER))
    )
