"""A removal that a power cut has cut short: it stays one, everybody who asks is told, and the same command ends it."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Clones, Shop
from tests.e2e.node import CONVERGE

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_a_removal_that_was_cut_is_not_healed_and_can_be_ended(shop: Shop, clones: Clones) -> None:
    """Cut at its first word, when its timers may still be on: nothing heals at boot, nor later, nor by a deploy."""
    node, operator = shop.node, shop.operator
    try:
        pressed = operator.start("remove", "--yes-remove", operator.store)
        pressed.until("timers and its watchdog", seconds=60)
        shop.sandbox.cut_power()
        operator.end_all()
        shop.sandbox.power_on()
        said = "this store is being removed since 2"
        node.wait("it is up", lambda: said in node.run("edgectl-node", "status", check=False).err, seconds=90)
        runs = node.runs()
        node.run("systemctl", "start", CONVERGE, check=False)
        assert node.runs() == runs, "what the timer starts does nothing, and says why in its log"
        assert "being removed since" in node.sh(f"journalctl -q -b -o cat -u {CONVERGE}")
        again = f"run `edgectl remove {operator.store}` again to finish it"
        operator.run("status", code=5).has(said, again)
        operator.run("deploy", code=7).has("is being removed since", again)
        operator.run("doctor", code=5).has("E-RUN-07")
        assert "E-RUN-07" in node.run("edgectl-node", "doctor", check=False).out
        operator.run("remove", "--yes-remove", operator.store, seconds=300).has("is removed")
        assert node.sh("ls /usr/local/bin/k3s /usr/local/sbin/edgectl-node 2>/dev/null || true") == ""
        operator.deploy()
    finally:
        clones.drop()
