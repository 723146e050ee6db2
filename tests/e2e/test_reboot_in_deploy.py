"""A restart of the machine inside a deploy: one command, no hand, and the deploy goes on by itself after the boot.

What asks for it is planted: a package of ours that has left its wish in /run/reboot-required, as a kernel's does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.conftest import PREFIX, STORES_UP, Shop
from tests.e2e.node import Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
_STORE = f"{PREFIX}-restart"
_PACKAGE = "sandbox-module"
_REASON = f"packages: {_PACKAGE}"
_NOOP_BYTES = 16 * 1024


def _declares(doc: dict[str, Any]) -> None:
    """Let the inventory say something of the system."""
    doc["defaults"]["host"]["most_reboots"] = 3


def _wish(node: Node) -> None:
    """Be the package that has just been installed."""
    owned = "/var/lib/edgectl/owned"
    node.sh(
        f"mkdir -p {owned} && echo '[\"{_PACKAGE}\"]' > {owned}/packages.json && "
        f"echo '*** System restart required ***' > /run/reboot-required && "
        f"echo {_PACKAGE} > /run/reboot-required.pkgs"
    )


def _boot(node: Node) -> str:
    return node.sh("cat /proc/sys/kernel/random/boot_id")


def _one_run(node: Node, run: str) -> list[str]:
    """Return the boots of a deploy's one run, from its one journal; it is whole."""
    (path,) = [name for name in node.runs() if run in name]
    events = node.events(path)
    assert [item["kind"] for item in events].count("verdict") == 1
    assert events[-1]["kind"] == "verdict"
    assert [item["at"] for item in events] == sorted(item["at"] for item in events)
    assert not [name for name in node.runs() if "-deploy-" in name and run not in name]
    return [item["data"]["boot"] for item in events if item["kind"] == "run"]


@pytest.fixture
def bare(box: Sandbox, supplies: Supplies) -> Iterator[tuple[Node, Operator]]:
    """Yield a bare node of its own store, and its operator."""
    STORES_UP[_STORE] = store = box.up(_STORE, gpus=1)
    operator = Operator(_STORE, write_inventory(store, supplies)).with_(change=_declares)
    yield Node(store), operator
    operator.end_all()
    STORES_UP.pop(_STORE)
    box.down(_STORE)


@pytest.mark.long  # as test_bare_metal, which is in CI
def test_from_bare_to_converged_over_a_restart(bare: tuple[Node, Operator]) -> None:
    """Law: one command; it shows the restart, re-attaches, and ends ready; a second restarts nothing, in 16 KB."""
    node, operator = bare
    _wish(node)
    before = _boot(node)
    said = operator.run("deploy", "-v", "-o", "json")
    said.has(f"  restart   node-1 restarts: {_REASON}", "node-1 is back after ")
    assert "link lost" not in said.err
    document = said.document
    (restart,) = document["reboots"]
    assert (restart["node"], restart["reason"]) == ("node-1", _REASON)
    assert document["verdict"]["word"] == "ready"
    assert "reboot" in document["changed"]
    now = _boot(node)
    assert _one_run(node, document["run"]) == [before, now]
    assert node.answers() == ""
    second = operator.deploy()
    assert (second["changed"], second["reboots"], second["sessions"]) == ([], [], 1)
    assert second["link_bytes"] <= _NOOP_BYTES
    assert _boot(node) == now


def test_a_power_cut_in_the_restart_changes_nothing(bare: tuple[Node, Operator]) -> None:
    """Law: the same command, still running, comes to the same end; the run is the same one."""
    node, operator = bare
    _wish(node)
    before = _boot(node)
    pressed = operator.start("deploy", "-v", "-o", "json")
    pressed.until("restart   node-1 restarts", seconds=120)
    node.store.cut_power()
    node.store.power_on()
    said = pressed.finish(seconds=240)
    assert said.code == 0, said
    document = said.document
    assert document["verdict"]["word"] == "ready"
    assert [one["reason"] for one in document["reboots"]] == [_REASON]
    assert _one_run(node, document["run"]) == [before, _boot(node)]
    assert node.answers() == ""


def test_a_store_that_serves_comes_back_and_the_deploy_with_it(settled: Shop) -> None:
    """With k3s, pods and GPU: proven anew in this boot, nothing else changed; its next heal restarts nothing."""
    node, operator = settled.node, settled.operator.with_(change=_declares)
    _wish(node)
    document = operator.deploy()
    (restart,) = document["reboots"]
    assert 0 < restart["seconds"] < 120
    assert document["changed"][0] == "reboot"
    assert node.answers() == ""
    now = _boot(node)
    assert "reboot" not in node.heal()["changed"]
    assert _boot(node) == now
