"""Models that come ahead to a store of two nodes: each byte crosses the line once. Real engines, real TLS, loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from edgectl.control.deploy.line import Line
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.prefetch import Came, prefetch
from edgectl.node.models.registry import Registry
from edgectl.wire.envelope import Sender
from edgectl.wire.payload import Model, Models
from tests.link.nodes import Heard, Store, store


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """Yield a store of two nodes that were never deployed to."""
    found = store(tmp_path, sizes=(2_000_000,))
    yield found
    for node in found.nodes:
        node.end()


def test_the_second_node_takes_it_from_the_first(shop: Store) -> None:
    """Law: the line carries a model to come once; then it is the candidate of both nodes."""
    ((digest, data),) = shop.shared.items()
    models = Models((), (Model("detector", "1.4", {"model.onnx": digest}),), sizes={digest: len(data)})
    offer = Offer(
        "store-042",
        "node-1",
        "sha256:" + "0" * 64,
        "sha256:" + "1" * 64,
        models.sizes,
        dict(shop.shared),
        Sender("ada", "laptop"),
        models=models,
    )
    offers = {node.name: (replace(offer, node=node.name), node.connect) for node in shop.nodes}
    addresses = {node.name: node.address for node in shop.nodes}
    heard = Heard()
    answers = prefetch(offers, cast("Listener", heard), Line(), lambda: True, addresses)
    came = [answer for answer in answers.values() if isinstance(answer, Came)]
    assert [one.stopped for one in came] == [False, False]
    assert shop.lead.line_bytes >= len(data) > shop.agent.line_bytes + 1_500_000
    assert came[1].outcome.neighbour_bytes == len(data)
    for node in shop.nodes:
        assert node.holds(shop.shared)
        assert Registry(node.places).linked("detector", "candidate").startswith("1.4-")
