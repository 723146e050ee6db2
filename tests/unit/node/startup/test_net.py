"""An address and a default route before k3s starts, by the script itself, among real interfaces."""

from __future__ import annotations

import os
import subprocess

import pytest

from edgectl.node.io.programs import Ran
from edgectl.node.startup import net
from edgectl.node.startup.net import BOOT_SECONDS, SCRIPT, net_boot, settle
from tests.unit.node.fake import FakeNode, ran
from tests.unit.node.startup.test_clock import slot

ADDRESS = "10.77.0.11"
CARD = f"ip link add eth0 type bridge; ip link set eth0 up; ip addr add {ADDRESS}/24 dev eth0\n"
GATE = "ip route add default via 10.77.0.1 dev eth0\n"
SHOW = (
    "echo ==; ip -o -4 addr show | grep -v ' lo ' | while read -r _ name _ address _; do echo $name $address; done; "
    "ip route show default | while read -r line; do echo $line; done\n"
)


def inside(script: str, address: str = ADDRESS, seconds: int = 0) -> tuple[list[str], list[str]]:
    """Run lines in a network namespace, `NET` among them; return what net.sh said, and what is there in the end."""
    text = script.replace("NET\n", f"sh {SCRIPT} {address} {seconds}\n") + SHOW
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", f"ip link set lo up\n{text}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, _, there = done.stdout.partition("==\n")
    return said.splitlines(), [line.split(" linkdown")[0].strip() for line in there.splitlines()]


real = pytest.mark.skipif(os.getuid() != 0, reason="only root makes network namespaces")
programs = pytest.mark.programs("the script is tried on real interfaces, in a network namespace of its own")
STANDS_IN = ["edgectl0 10.77.0.11/32", "default dev edgectl0 scope link metric 4000000000"]


@real
@programs
def test_with_the_cable_out_it_stands_in_and_twice_is_once() -> None:
    """Law: neither interface nor address nor route; afterwards k3s has all that it needs."""
    said, there = inside("NET\necho again\nNET\n")
    assert there == STANDS_IN
    assert said.index("again") == len(said) - 1, "what is there is not made again"


@real
@programs
def test_with_the_cable_in_nothing_is_made() -> None:
    """Law: no interface, no route, no word."""
    said, there = inside(CARD + GATE + "NET\nip link show edgectl0 2>/dev/null && echo made || true\n")
    assert (said, there) == ([], ["eth0 10.77.0.11/24", "default via 10.77.0.1 dev eth0"])


@real
@programs
def test_an_address_without_a_gateway_gets_only_the_route() -> None:
    """A switch of its own: the address stays where it is."""
    _, there = inside(CARD + "NET\n")
    assert there == ["eth0 10.77.0.11/24", STANDS_IN[1]]


@real
@programs
def test_when_the_cable_is_back_the_real_ones_have_it_alone() -> None:
    """Law: the real route wins at once, by its metric; then address and route go, and the interface stays."""
    said, there = inside(
        "NET\n" + CARD + GATE + "ip route get 192.0.2.1 | head -n 1\nNET\nip -o link show edgectl0 | cut -d: -f2\n"
    )
    assert any(line.startswith("192.0.2.1 via 10.77.0.1 dev eth0") for line in said), said
    assert said[-1].strip() == "edgectl0"
    assert there == ["eth0 10.77.0.11/24", "default via 10.77.0.1 dev eth0"]


@real
@programs
def test_a_cable_pulled_and_put_in_again_and_again() -> None:
    """Law: each time all is there; a neighbour's address that begins alike is not this node's."""
    pull = "ip link del eth0\nNET\n"
    _, there = inside("NET\n" + (CARD.replace("/24", "9/24") + "NET\n") + pull + CARD + GATE + "NET\n" + pull)
    assert there == STANDS_IN


@real
@programs
def test_an_ipv6_node_has_the_same() -> None:
    """One more family, the same ways."""
    looks = "ip -6 -o addr show dev edgectl0 | grep -o fd00::11/128\nip -6 route show default\n"
    script = f"sh {SCRIPT} fd00::11 0 >/dev/null\n{looks}"
    said, _ = inside(script)
    assert said[0] == "fd00::11/128"
    assert said[1].startswith("default dev edgectl0 metric 4000000000")


@real
@programs
def test_the_wait_ends_as_soon_as_all_is_there() -> None:
    """A card that is up after a second: it is waited for, and nothing stands in."""
    late = f"(sleep 1; {CARD.strip()}; {GATE.strip()}) &\nNET\nwait\n"
    said, there = inside(late, seconds=20)
    assert (said, there) == ([], ["eth0 10.77.0.11/24", "default via 10.77.0.1 dev eth0"])


@programs
def test_without_an_address_it_says_how_it_is_used() -> None:
    """Never, and nothing is touched."""
    done = subprocess.run(["sh", str(SCRIPT)], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (2, "usage: net.sh ADDRESS [SECONDS]\n")


def test_a_boot_asks_for_its_own_address(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the slot says that comes next; a bare node asks for nothing. What could not be done is said, too."""
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> Ran:
        asked.append(argv)
        return ran("one over edgectl0 stands in\n", code=1, err="RTNETLINK answers: Operation not permitted", argv=argv)

    monkeypatch.setattr(net, "_run", run)
    net_boot(node.places)
    assert asked == []
    slot(node, {"nodes": [{"name": "node-1", "address": ADDRESS}]})
    net_boot(node.places)
    assert asked == [("sh", str(SCRIPT), ADDRESS, str(BOOT_SECONDS))]
    said: list[str] = []
    assert not settle(ADDRESS, 0, run=run, say=said.append)
    assert said == ["one over edgectl0 stands in", "RTNETLINK answers: Operation not permitted"]
