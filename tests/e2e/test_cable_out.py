"""A store boots with its cable out: no carrier, address, route, DNS or time. It comes up, GPUs and vision too.

The cut survives the reboot, since what sets the node's address is masked. Whoever looks, looks at the node's keyboard.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Clones, Shop
from tests.e2e.declared import NOBODY, facts, prepare
from tests.e2e.node import MARKER, Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

DEGRADED = 9
ADDRESS = "10.77.0.11"
PULL = """set -e
mkdir -p /etc/systemd/system/sandbox-net.service.d
printf '[Unit]\\nConditionPathExists=!/root/cable-out\\n' > /etc/systemd/system/sandbox-net.service.d/cable.conf
mv /etc/resolv.conf /root/cable-out
sync
"""
PLUG = "mv /root/cable-out /etc/resolv.conf; systemctl start sandbox-net.service"


@pytest.fixture
def declared(clones: Clones) -> Iterator[tuple[Shop, Operator]]:
    """Yield a store of its own that asks for the time, and is never told."""
    clones.drop()
    shop = clones.take()
    prepare(shop.node)
    operator = shop.operator.with_(change=facts)
    operator.deploy(code=DEGRADED)
    yield shop, operator
    clones.drop()


@pytest.mark.parametrize("hard", [pytest.param(False, marks=pytest.mark.long), True], ids=["in-order", "power-cut"])
def test_a_store_boots_with_its_cable_out(declared: tuple[Shop, Operator], *, hard: bool) -> None:
    """Law: k3s, the GPU's proof and vision come up; when the cable is in again nothing is restarted for it."""
    shop, operator = declared
    node = shop.node
    boot = node.sh("cat /proc/sys/kernel/random/boot_id")
    node.sh(PULL)
    shop.sandbox.link.cut()
    shop.sandbox.reboot(hard=hard, wait_seconds=0)
    node.wait("it has booted again", lambda: _boot(node) not in {"", boot}, seconds=60)
    took = node.wait("a run of this boot has ended", lambda: bool(_ended(node)), seconds=240)
    card = node.sh("ip -o link show dev host0; ip -o -4 addr show dev host0; ls /etc/resolv.conf", check=False)
    assert ("state DOWN" in card, len(card.splitlines())) == (True, 1), "a card that is down, no address, no resolver"
    assert f"edgectl0 inet {ADDRESS}/32" in " ".join(node.sh("ip -o -4 addr show dev edgectl0").split())
    assert "default dev edgectl0" in node.sh("ip route show default")
    verdict = _ended(node)
    assert (verdict["word"], verdict["exit"]) == ("degraded", DEGRADED), verdict
    assert verdict["reason"] == f"the clock is not synchronised (no server answers: {NOBODY})", "all else is there"
    assert node.answers() == ""
    assert node.sh(f"cat {MARKER}") == _boot(node)
    assert [pod["metadata"]["name"] for pod in node.objects("pods", "-A") if pod["status"]["phase"] != "Running"] == []
    assert _restarts(node) == 0, "CoreDNS among them, without a resolver that answers"
    assert took < 150

    steady, frames = node.steady(), _frames(node)
    node.sh(PLUG)
    node.wait("the stand-in has given back", lambda: node.sh("ip -o -4 addr show dev edgectl0") == "", seconds=60)
    assert "edgectl0" not in node.sh("ip route show default")
    assert "eth0" in node.sh(f"ip -o -4 addr show to {ADDRESS}")
    shop.sandbox.link.heal()
    shop.sandbox.wait()
    again = operator.deploy(code=DEGRADED)
    assert again["changed"] == []
    assert node.steady() == steady, "the same k3s, the same containers, no reload"
    node.wait("frames go on", lambda: _frames(node) > frames, seconds=30)

    # Pulled while it runs: the kubelet's address is there again before anybody misses it.
    node.sh("ip addr flush dev eth0; ip link set eth0 down")
    node.wait("something stands in", lambda: ADDRESS in node.sh("ip -o -4 addr show dev edgectl0"), seconds=40)
    assert node.answers() == ""
    node.sh(
        "systemctl restart sandbox-net.service || true; . /etc/sandbox-net.env; ip link set eth0 up; "
        "ip addr replace $ADDRESS dev eth0; ip route replace default via $GATEWAY"
    )
    node.wait("it has given back", lambda: node.sh("ip -o -4 addr show dev edgectl0") == "", seconds=40)
    assert node.steady() == steady


def _boot(node: Node) -> str:
    return node.run("cat", "/proc/sys/kernel/random/boot_id", check=False).out.strip()


def _ended(node: Node) -> dict[str, Any]:
    """Return the first verdict of this boot that can stand; {} as long as there is none."""
    boot = _boot(node)
    for run in node.runs():
        events = node.events(run)
        if events and events[0].get("data", {}).get("boot") == boot and (found := node.verdict(run)):
            return found
    return {}


def _restarts(node: Node) -> int:
    pods = [pod for pod in node.objects("pods", "-A") if "coredns" in pod["metadata"]["name"]]
    assert pods
    waiting = [one for pod in pods for one in pod["status"]["containerStatuses"] if not one["ready"]]
    return len(waiting)


def _frames(node: Node) -> int:
    return int(node.ops("camera")["facts"]["cameras"]["entrance"]["frames"])
