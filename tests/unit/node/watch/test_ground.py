"""What k3s stands on is kept while it runs: the network every few seconds, the time every ten minutes."""

from __future__ import annotations

import pytest

from edgectl.node import pause
from edgectl.node.startup.clock import KEEP_SECONDS, last_known
from edgectl.node.watch.ground import EVERY_SECONDS, Ground
from tests.unit.node.fake import FakeNode
from tests.unit.node.startup.test_clock import NOW, slot


@pytest.fixture
def ground(node: FakeNode) -> tuple[Ground, list[str], list[float]]:
    """Return one with an injected clock, what it has settled, and its seconds."""
    slot(node, {"nodes": [{"name": "node-1", "address": "10.77.0.11"}]})
    settled: list[str] = []
    seconds = [0.0]
    found = Ground(
        node.places,
        settle=lambda address, _: settled.append(address),
        monotonic=lambda: seconds[0],
        now=lambda: NOW + seconds[0],
    )
    return found, settled, seconds


def test_each_at_its_time(node: FakeNode, ground: tuple[Ground, list[str], list[float]]) -> None:
    """At once, and then as often as it must be."""
    found, settled, seconds = ground
    for _ in range(int(KEEP_SECONDS) * 2 + 1):
        found.tick()
        seconds[0] += 1.0
    assert len(settled) == KEEP_SECONDS * 2 / EVERY_SECONDS + 1
    assert last_known(node.places) == NOW + KEEP_SECONDS * 2


def test_who_works_by_hand_has_the_network_to_himself(
    node: FakeNode, ground: tuple[Ground, list[str], list[float]]
) -> None:
    """A pause is kept to; the time goes on."""
    found, settled, seconds = ground
    pause.begin(node.places, who="me", why="a new switch", seconds=3600)
    found.tick()
    assert (settled, last_known(node.places)) == ([], NOW)
    pause.end(node.places)
    seconds[0] = 1.0
    found.tick()
    assert settled == ["10.77.0.11"]


def test_a_bare_node_has_nothing_to_stand_on(node: FakeNode) -> None:
    """And it is no trouble."""
    settled: list[str] = []
    Ground(node.places, settle=lambda address, _: settled.append(address), now=lambda: NOW).tick()
    assert settled == []
