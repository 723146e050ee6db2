"""Two versions of a store, between the real operator and the real node: the second costs what is new."""

from __future__ import annotations

from edgectl.wire.delta import DELTA
from edgectl.wire.errors import Exit
from tests.sim import stock
from tests.sim.histories import given, histories, state


def test_a_new_version_of_a_store_costs_what_is_new() -> None:
    """Fewer bytes on the line than without names, the same store at the end; counted apart from the content."""
    costs = {}
    for name, offer in (("named", stock.named(stock.B)), ("nameless", stock.offer(stock.B))):
        with given(("A",)) as kept, kept.world(is_thin=True) as world:
            pressed = world.deploy(offer)
            world.settle()
            assert (pressed.exit, state(world)) == (Exit.OK, "B")
            assert (name == "named") == any(DELTA in pipe.forms for pipe in world.pipes)
            assert pressed.outcome is not None
            costs[name] = pressed.outcome.wire_bytes
            assert pressed.outcome.blob_bytes == sum(
                size for digest, size in offer.blobs.items() if digest not in stock.A.blobs
            )
    assert costs["named"] < costs["nameless"] * 0.6


def test_both_forms_have_a_row_in_the_table() -> None:
    """Law: every fault is tried on what travels as a delta and on what travels packed."""
    assert {history.travels for history in histories()} == {"", "delta", "zlib"}
