"""The reboot is the product: nobody helps, and inference answers again, never before this boot's GPUs were seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.node import INFERENCE, MARKER, Node

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@pytest.fixture(autouse=True)
def _nobody_is_there(settled: Shop) -> Iterator[None]:
    """Cut the line: no operator can have helped."""
    settled.sandbox.link.cut()
    yield
    settled.sandbox.link.heal()


@pytest.mark.parametrize("hard", [pytest.param(False, marks=pytest.mark.long), True], ids=["in-order", "power-cut"])
def test_the_store_comes_back_by_itself(shop: Shop, *, hard: bool) -> None:
    """Law 7: the container started after the marker of this boot was written; no pod is left dead."""
    node = shop.node
    boot = _boot(node)
    revisions = node.revisions()
    shop.sandbox.reboot(hard=hard, wait_seconds=0)
    node.wait("the node has booted again", lambda: _boot(node) not in {"", boot}, seconds=60)
    node.wait("the store has healed itself", node.has_healed, seconds=180)
    assert node.answers() == ""
    assert node.sh(f"cat {MARKER}") == _boot(node), "the marker must be of this boot"
    written = float(node.sh(f"stat -c %.Y {MARKER}"))
    assert _started(node) >= int(written), "inference started before the GPU was seen in this boot"
    dead = [pod["metadata"]["name"] for pod in node.objects("pods", "-A") if pod["status"]["phase"] != "Running"]
    assert dead == []
    assert node.revisions() == revisions, "a reboot is no reason for a new revision"


def _boot(node: Node) -> str:
    return node.run("cat", "/proc/sys/kernel/random/boot_id", check=False).out.strip()


def _started(node: Node) -> float:
    """Return when the running inference container started (whole seconds, as the API has them)."""
    (pod,) = node.objects("pods", "-n", "vision", "-l", INFERENCE)
    (container,) = pod["status"]["containerStatuses"]
    return datetime.fromisoformat(container["state"]["running"]["startedAt"]).timestamp()
