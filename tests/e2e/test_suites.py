"""A node of another suite than this machine's: the whole way from bare metal, and back from a power cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.mirror import SYSTEMS, host_suite, mirror_of
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.wire.errors import EdgectlError
from tests.e2e.conftest import PREFIX, STORES_UP, Shop
from tests.e2e.node import MARKER, Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.long]
STORE = f"{PREFIX}-suite"
NAMES = {
    "bookworm": "Debian GNU/Linux 12 (bookworm)",
    "trixie": "Debian GNU/Linux 13 (trixie)",
    "noble": "Ubuntu 24.04",
}


@pytest.fixture(params=["debian-12", "debian-13"])
def other(request: pytest.FixtureRequest, box: Sandbox, supplies: Supplies) -> Iterator[tuple[str, Shop]]:
    """Yield a suite and a node of it, on which nothing was deployed yet."""
    suite = SYSTEMS[request.param]
    try:
        mirror_of(suite)
    except EdgectlError as missing:
        pytest.skip(f"NOT TRIED: {missing.message}")
    if suite == host_suite():
        pytest.skip("this machine's own suite is what all other tests stand on")
    for left in box.stores():
        if left.name == STORE:
            box.down(STORE)
    STORES_UP[STORE] = store = box.up(STORE, gpus=1, system=request.param)
    operator = Operator(STORE, write_inventory(store, supplies))
    try:
        yield suite, Shop(store, Node(store), operator)
    finally:
        operator.end_all()
        STORES_UP.pop(STORE)
        box.down(STORE)


def test_the_whole_way_on_another_suite(other: tuple[str, Shop]) -> None:
    """From bare to inference that answers; again: no change; and it comes back from a power cut by itself."""
    suite, shop = other
    first = shop.operator.run("deploy", "-v", "-o", "json")
    first.has(NAMES[suite])
    assert first.document["verdict"]["word"] == "ready"
    assert shop.node.answers() == ""
    assert shop.operator.deploy()["changed"] == []
    boot = shop.node.sh("cat /proc/sys/kernel/random/boot_id")
    shop.sandbox.reboot(hard=True)
    shop.node.wait("the store has healed itself", shop.node.has_healed, seconds=180)
    assert shop.node.answers() == ""
    assert shop.node.sh(f"cat {MARKER}") not in {"", boot}
