"""Two versions of a store, between the real operator and the real node: the second costs what is new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.control.deploy.offer import Offer
from edgectl.node import bases
from edgectl.wire import delta
from edgectl.wire.errors import Exit
from edgectl.wire.payload import Payload
from edgectl.wire.thing import PAYLOAD, things
from tests.sim import stock
from tests.sim.faults import FAULTS
from tests.sim.histories import given, state

_EVENTS = 28  # until a deploy is accepted


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the simulated store's small blobs be worth a delta."""
    monkeypatch.setattr(bases, "LEAST_BYTES", 100)
    monkeypatch.setattr(delta, "LEAST_BYTES", 100)
    monkeypatch.setattr(delta, "_LEAST_BLOCK", 64)


def _named(payload: Payload) -> Offer:
    return replace(stock.offer(payload), names={**things(payload), payload.digest: PAYLOAD})


def test_a_new_version_of_a_store_costs_what_is_new() -> None:
    """Fewer bytes on the line than without names, the same store at the end; counted apart from the content."""
    costs = {}
    for name, offer in (("named", _named(stock.B)), ("nameless", stock.offer(stock.B))):
        with given(("A",)) as kept, kept.world() as world:
            pressed = world.deploy(offer)
            world.settle()
            assert (pressed.exit, state(world)) == (Exit.OK, "B")
            assert pressed.outcome is not None
            costs[name] = pressed.outcome.wire_bytes
            assert pressed.outcome.blob_bytes == sum(
                size for digest, size in offer.blobs.items() if digest not in stock.A.blobs
            )
    assert costs["named"] < costs["nameless"] * 0.8


@pytest.mark.parametrize("fault", ["kill session", "link reset", "power cut, unsynced lost", "disk full"])
def test_a_fault_at_any_event_of_a_delta_ends_as_without_one(fault: str) -> None:
    """Struck while it is asked, searched, sent, made or named: the same command brings the new version."""
    for at in range(_EVENTS):
        with given(("A",)) as kept, kept.world() as world:
            world.strikes_at, world.fault = at, FAULTS[fault]
            world.deploy(_named(stock.B))
            world.settle()
            assert world.struck
            world.disk.full = False
            world.deploy(_named(stock.B))
            world.settle()
            assert state(world) == "B", f"{at}: {world.struck}"
