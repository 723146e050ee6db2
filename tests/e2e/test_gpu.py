"""GPUs that are fewer than declared: the store serves with what it needs, and says what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.sandbox.gpu.knobs import Knobs
from tests.e2e.conftest import Shop
from tests.e2e.operator import Change

pytestmark = pytest.mark.e2e


def _gpus(*, count: int, required: int) -> Change:
    def change(doc: dict[str, Any]) -> None:
        (store,) = doc["stores"].values()
        store["nodes"]["node-1"]["gpu"] = {"count": count, "required": required}

    return change


def _allocatable(shop: Shop) -> str:
    return shop.node.kubectl("get", "node", "node-1", "-o", r"jsonpath={.status.allocatable.nvidia\.com/gpu}")


def _events(shop: Shop) -> str:
    return shop.node.kubectl("get", "events", "-n", "default", "-o", "jsonpath={.items[*].reason}")


def _doctor(shop: Shop) -> int:
    return shop.node.run("edgectl-node", "doctor", check=False).code


def test_one_of_two_gpus_with_one_required_is_degraded(settled: Shop) -> None:
    """Exit 9: it serves, and names what is missing; the timer's unit takes that for success, not for a failure.

    The store was whole before, so a person has to insist on it.
    """
    degraded = settled.operator.with_(change=_gpus(count=2, required=1))
    degraded.run("deploy", code=5).has(
        "1 of 2 nvidia.com/gpu; it was whole before this deploy (to insist: --accept-degraded)"
    )
    assert settled.operator.run("status").code == 0
    said = degraded.run("deploy", "--accept-degraded", code=9)
    said.has("is DEGRADED. 1 of 2 nvidia.com/gpu")
    assert settled.node.answers() == ""
    degraded.run("status", code=9).has("is DEGRADED: 1 of 2 nvidia.com/gpu")
    assert settled.node.heal()["word"] == "degraded"
    assert settled.node.sh("systemctl show -P Result edgectl-converge.service") == "success"
    knobs = Knobs(settled.node.store)
    knobs.gpus(2)
    try:
        settled.node.wait("both are seen", lambda: settled.node.heal()["word"] == "ready", seconds=60, every=2)
        degraded.run("status").has("is READY")
    finally:
        knobs.clear()
        settled.node.wait("one is seen", lambda: _allocatable(settled) == "1", seconds=60, every=1)
    settled.operator.deploy()  # which declares one, as there is: the other one's leaving is a note
    settled.node.wait("the watchdog misses it", lambda: "GpuWithdrawn" in _events(settled), seconds=60, every=2)
    settled.node.wait("the one that is left has computed again", lambda: _doctor(settled) == 0, seconds=120, every=3)
    settled.operator.run("status").has("is READY")
    settled.operator.run("doctor").has("is READY: nothing is wrong", "has computed in this boot, and is gone")


def test_fewer_gpus_than_required_is_not_ready(settled: Shop) -> None:
    """Exit 5, with how many there are and how many are needed; the store goes back and goes on serving."""
    said = settled.operator.with_(change=_gpus(count=2, required=2)).run("deploy", code=5)
    said.has("nvidia.com/gpu: 1 of 2 allocatable, 2 required")
    said.has("on the old version")
    assert settled.node.answers() == ""
