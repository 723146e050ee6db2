"""From a machine without a driver to inference that answers: one press, one restart, no hand in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.conftest import PREFIX, STORES_UP, Shop
from tests.e2e.node import Node
from tests.e2e.operator import Operator

pytestmark = pytest.mark.e2e
_STORE = f"{PREFIX}-metal"
_NOOP_BYTES = 16 * 1024


@pytest.fixture
def metal(box: Sandbox, supplies: Supplies) -> Iterator[Shop]:
    """Yield a machine as its installer leaves it: cards that nouveau holds, no driver, no library, no toolkit."""
    STORES_UP[_STORE] = store = box.up(_STORE, gpus=1, bare=True)
    operator = Operator(_STORE, write_inventory(store, supplies))
    yield Shop(store, Node(store), operator)
    operator.end_all()
    STORES_UP.pop(_STORE)
    box.down(_STORE)


def test_from_bare_metal_to_inference_with_one_restart(metal: Shop) -> None:
    """Law: packages, restart, k3s, the GPU's proof and the vision stack by one command; a second changes nothing."""
    before = metal.node.sh("cat /proc/sys/kernel/random/boot_id")
    said = metal.operator.run("deploy", "-v", "-o", "json")
    document = said.document
    assert document["verdict"]["word"] == "ready", said
    (restart,) = document["reboots"]
    assert "nouveau" in restart["reason"], restart
    assert {"packages", "host-files", "gpu-packages", "reboot", "k3s", "gpu"} <= set(document["changed"])
    assert metal.node.answers() == ""
    now = metal.node.sh("cat /proc/sys/kernel/random/boot_id")
    assert now != before
    assert metal.node.sh("dpkg-query -W -f '${db:Status-Want}' nvidia-driver") == "hold"
    second = metal.operator.deploy()
    assert (second["changed"], second["reboots"], second["sessions"]) == ([], [], 1)
    assert second["link_bytes"] <= _NOOP_BYTES
    assert metal.node.sh("cat /proc/sys/kernel/random/boot_id") == now
