"""True power cuts around the first deploy: after the sync that comes before "done", and before it.

Before it unpacked image files are empty or cut short while containerd calls them whole: the store must see and heal it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.conftest import PREFIX, STORES_UP
from tests.e2e.node import Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
_STORE = f"{PREFIX}-cut"


@pytest.fixture
def node(box: Sandbox, supplies: Supplies) -> Iterator[Node]:
    """Yield a bare node of its own store."""
    STORES_UP[_STORE] = store = box.up(_STORE, gpus=1)
    write_inventory(store, supplies)
    yield Node(store)
    STORES_UP.pop(_STORE)
    box.down(_STORE)


def _first_look(node: Node) -> dict[str, Any]:
    """Return what the first run of this boot has said about the image files."""
    boot = node.sh("cat /proc/sys/kernel/random/boot_id")
    events = next(found for run in node.runs() if (found := node.events(run))[0]["data"]["boot"] == boot)
    (told,) = [item for item in events if item.get("step") == "image-files" and item["word"] == "changing"]
    return dict(told)


def test_a_cut_just_after_done_loses_nothing(node: Node) -> None:
    """With our sync: every unpacked file has its bytes, and inference answers again, alone."""
    operator = Operator(_STORE, node.store.inventory)
    operator.deploy()
    node.store.reboot(hard=True)
    node.wait("the store has healed itself", node.has_healed, seconds=240)
    assert "are whole; to be noted for this boot" in _first_look(node)["reason"]
    assert node.answers() == ""
    assert operator.deploy()["changed"] == []


def test_emptied_image_files_are_seen_and_unpacked_anew(node: Node) -> None:
    """Without our sync: cut when containerd has just unpacked. Nobody helps; the store comes up by itself."""
    operator = Operator(_STORE, node.store.inventory)
    pressed = operator.start("deploy", "-v")
    pressed.until("ok        images ", seconds=120)
    node.store.cut_power()
    operator.end_all()
    node.store.power_on()
    node.wait("the store has come up by itself", node.has_healed, seconds=240)
    told = _first_look(node)
    assert "image files are not whole: the power went before they reached the disk" in told["reason"]
    assert told["differences"]
    assert node.answers() == ""
    assert operator.deploy()["changed"] == []
