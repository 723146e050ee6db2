"""What a deploy may replace, said before it begins: the pods that run now, and how long such a change took here.

Owns that one answer. Changes nothing; the operator compares.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.gaps import measured
from edgectl.node.io.places import Places
from edgectl.wire.envelope import Envelope
from edgectl.wire.workload import pods_of


def foretell(places: Places, offer: Envelope) -> dict[str, Any]:
    """Return what is said beside what lacks here for an offer: the pods that run, if it may replace any.

    And for how many seconds they did not serve the last times, where that was measured here.
    """
    pods = _pods(places, offer)
    if not pods:
        return {}
    known = measured(places, pods)
    return {"pods": pods, **({"gaps": known} if known else {})}


def _pods(places: Places, offer: Envelope) -> dict[str, dict[str, Any]]:
    """Return the pods that run and that the offer may replace; none where the same is offered again."""
    slots = Slots(places)
    current = slots.current
    if current is None:
        return {}
    apps = slots.apps_of(current)
    if offer.lead or offer.payload == apps.envelope.payload:  # releases are the lead's alone
        return {}
    with suppress(OSError, ValueError):  # what cannot be read is repaired by the deploy
        return pods_of(load(places, current, apps)[0].releases)
    return {}
