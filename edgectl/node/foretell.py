"""What a deploy may replace, said before it begins: pods and k3s that run now, and how long such a change took here.

Owns that one answer. Changes nothing; the operator compares.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.gaps import K3S, measured
from edgectl.node.io.places import Places
from edgectl.wire.envelope import Envelope
from edgectl.wire.k3s import starts_with
from edgectl.wire.workload import pods_of


def foretell(places: Places, offer: Envelope) -> dict[str, Any]:
    """Return what is said beside what lacks here for an offer: the pods and the k3s that run, if it may replace any.

    And for how many seconds they did not serve the last times, where that was measured here.
    """
    found = _runs(places, offer)
    if not found:
        return {}
    known = measured(places, (*found["pods"], K3S))
    return {**found, **({"gaps": known} if known else {})}


def _runs(places: Places, offer: Envelope) -> dict[str, Any]:
    """Return what runs and what the offer may replace; nothing where the same is offered again."""
    slots = Slots(places)
    current = slots.current
    if current is None:
        return {}
    apps = slots.apps_of(current)
    same = {current.envelope.payload, apps.envelope.payload} == {offer.payload}
    if offer.lead or same:  # releases and the API are the lead's alone
        return {}
    with suppress(OSError, ValueError):  # what cannot be read is repaired by the deploy
        payload, node = load(places, current, apps)
        k3s = {"node": node.name, "version": node.k3s.version, "starts": starts_with(node.k3s)}
        return {"pods": pods_of(payload.releases), "k3s": k3s}
    return {}
