"""What becomes of a rollout: judged by what the inference service says of it, decided once, and told.

Owns the rule and the deed. Must not know how the service is asked (watch/rollouts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.node.models import held, rollout
from edgectl.node.models.byhand import taken_over
from edgectl.node.models.declares import Declares
from edgectl.node.models.held import ITSELF, Held
from edgectl.node.models.registry import CURRENT, Registry
from edgectl.node.models.rollout import Begun
from edgectl.wire import event
from edgectl.wire.rollout import AUTO, FAILED, PASSED, Progress

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout has ended, and why."""

    passed: bool
    why: str = ""


def judged(begun: Begun, heard: Sequence[Progress], *, watched: float) -> Outcome | None:
    """Return how a rollout ends now; None where it goes on. `watched`: for how many seconds it was. Pure.

    One pod that turns it down is enough; all of them must let it pass.
    """
    own = [one for one in heard if one.id == begun.order.id]
    if bad := next((one for one in own if one.word == FAILED), None):
        return Outcome(passed=False, why=bad.reason or "the inference service turned it down")
    if own and all(one.word == PASSED for one in own):
        return Outcome(passed=True) if begun.asked.promote == AUTO else None
    if watched <= begun.asked.give_up_seconds:
        return None
    limit = begun.asked.give_up_seconds
    within = f"{limit / _HOUR:g} h" if limit >= _HOUR else f"{limit / 60:g} min"
    frames = min((one.frames for one in own), default=0)
    seen = f"{frames:,} frames, {begun.order.min_frames:,} needed" if own else "the inference service was not heard"
    return Outcome(passed=False, why=f"not judged within {within}: {seen}")


def bring_about(declares: Declares, name: str, begun: Begun, outcome: Outcome) -> str:
    """Do it; returns the sentence for whoever is told. The store's lock is held. Raises OSError.

    The decision is a file, and the links follow: whoever is killed in between finds a whole one.
    """
    registry, order = Registry(declares.places), begun.order
    now = registry.note(name, registry.linked(name, CURRENT))
    runs = now.version if now else "none"
    if outcome.passed:
        meant = registry.note(name, order.candidate)
        if meant is None:
            raise OSError(None, "its model.json cannot be read", str(registry.at(name, order.candidate)))
        why = f"its {order.strategy} has passed"
        taken_over(registry, declares, name, meant, who=begun.who or ITSELF, why=why)
        return f"{name} {order.version} runs now, {runs} before: {why}"
    if begun.is_of_declared and now is not None:
        hold = Held(runs, now.folder, order.version, order.candidate, ITSELF, outcome.why, event.now())
        held.write(registry, name, hold)
    declares.end(name)
    return f"{name} stays at {runs}: the {order.strategy} of {order.version} has failed: {outcome.why}"


def mended(declares: Declares, name: str) -> None:
    """Finish what a kill has left of a rollout. The store's lock is held. Raises OSError."""
    registry, begun = Registry(declares.places), declares.running(name)
    if begun is None:
        declares.end(name)
    elif begun.passed:
        rollout.settle(registry, name, begun)
        declares.end(name)
