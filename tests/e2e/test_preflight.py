"""`edgectl preflight` on real nodes: seeded faults are found all at once; nothing is written, nor on a wrong box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.conftest import PREFIX, STORES_UP, Shop
from tests.e2e.node import Node
from tests.e2e.operator import Change, Operator

pytestmark = pytest.mark.e2e
_NAME = f"{PREFIX}-look"
_UNIT = "/etc/systemd/system/k3s.service"
# A package as an interrupted dpkg leaves it.
_HALF = """cp -p /var/lib/dpkg/status /run/status.whole
printf '\\nPackage: nvidia-dkms-580\\nStatus: install ok half-configured\\nVersion: 580-1\\n' >> /var/lib/dpkg/status
"""
# As any apt does: it holds the lock as long as it lives.
_LOCK = """import fcntl, time
with open("/var/lib/dpkg/lock-frontend", "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def bare(box: Sandbox, supplies: Supplies) -> Iterator[Shop]:
    """Yield a node on which nothing of edgectl has ever been."""
    for store in box.stores():
        if store.name == _NAME:
            box.down(_NAME)
    STORES_UP[_NAME] = store = box.up(_NAME, gpus=1)
    operator = Operator(_NAME, write_inventory(store, supplies))
    yield Shop(store, Node(store), operator)
    operator.end_all()
    STORES_UP.pop(_NAME)
    box.down(_NAME)


def _identified(**identity: object) -> Change:
    def changed(doc: dict[str, Any]) -> None:
        (store,) = doc["stores"].values()
        store["nodes"]["node-1"]["identity"] = identity

    return changed


def _words(document: dict[str, Any]) -> dict[str, str]:
    (store,) = document["stores"].values()
    found: dict[str, str] = {}
    for one in store["nodes"]["node-1"]["findings"]:
        if one["word"] != "ok":
            assert one["hint"], one
            found[one["about"]] = one["word"]
    return found


def test_a_bare_node_that_is_well_is_ready_for_a_deploy(bare: Shop) -> None:
    """Exit 0, and nothing on the node but the engine."""
    before = bare.node.listing()
    said = bare.operator.run("preflight", "-v")
    said.has(f"{_NAME} is READY for a deploy", "ok        others-k3s", "ok        packages-lock")
    assert bare.node.listing() == before


def test_all_seeded_faults_are_found_at_once(bare: Shop) -> None:
    """Exit 5; each by its name; nothing is written; when all is put right, the node is as it was before."""
    node = bare.node
    well = _words(bare.operator.run("preflight", "-o", "json").document)
    node.sh(_HALF)
    node.sh(
        f"printf '[Service]\\nExecStart=/usr/local/bin/k3s server\\n' > {_UNIT}; cp -L /etc/resolv.conf /run/resolv"
    )
    node.sh("rm -f /etc/resolv.conf; echo nameserver 192.0.2.53 > /etc/resolv.conf")
    node.sh('systemd-run -q --unit seeded-apt python3 -c "$0"'.replace("$0", _LOCK.replace('"', '\\"')))
    node.sh("fallocate -l $(($(df --output=avail -B1 /var/lib | tail -1) - 300000000)) /var/lib/filler", seconds=120)
    node.wait(
        "the lock is held", lambda: "seeded" in node.sh("cat /proc/$(systemctl show -P MainPID seeded-apt)/cgroup")
    )
    before = node.listing()
    wrong = bare.operator.with_(change=_identified(macs=["02:00:00:00:00:99"]))
    try:
        said = wrong.run("preflight", code=5)
        document = wrong.run("preflight", "-o", "json", code=5).document
        assert node.listing() == before
    finally:
        node.sh(f"systemctl stop seeded-apt; rm -f /var/lib/filler {_UNIT}; mv /run/status.whole /var/lib/dpkg/status")
        node.sh("rm -f /etc/resolv.conf; cp /run/resolv /etc/resolv.conf")
    found = {about: word for about, word in _words(document).items() if about not in well}
    assert {**found, "network-names": _words(document)["network-names"]} == {  # a sandbox may be without names itself
        "machine-macs": "stop",
        "disk-room": "stop",
        "others-k3s": "stop",
        "packages-half": "warn",  # this store declares no packages: its deploy would go on
        "packages-lock": "warn",
        "network-names": "warn",
    }
    said.has("is NOT READY for a deploy", "02:00:00:00:00:99", "nvidia-dkms-580", "the name server 192.0.2.53")
    said.has("holds /var/lib/dpkg/lock-frontend")
    assert _words(bare.operator.run("preflight", "-o", "json").document) == well


@pytest.mark.parametrize(
    "identity", [{"macs": ["02:00:00:00:00:99"]}, {"gpus": ["GPU-00000000-0000-4000-8000-000000000099"]}]
)
def test_nothing_at_all_is_written_on_the_wrong_box(bare: Shop, identity: dict[str, list[str]]) -> None:
    """Law: exit 11, and every file is as it was; not even a lock on tmpfs is made."""
    before, run = bare.node.listing(), bare.node.sh("ls -A /run/edgectl 2>/dev/null || true")
    said = bare.operator.with_(change=_identified(**identity)).run("deploy", code=11)
    (meant,) = next(iter(identity.values()))
    said.has(f"the inventory means {meant}; nothing was changed", "next: swap the boxes")
    assert bare.node.listing() == before
    assert bare.node.sh("ls -A /run/edgectl 2>/dev/null || true") == run


def test_somebody_elses_k3s_is_refused(bare: Shop) -> None:
    """Exit 11 by name, and nothing is changed: not its unit, either."""
    bare.node.sh(f"printf '[Service]\\nExecStart=/bin/true\\n' > {_UNIT}")
    before = bare.node.listing()
    try:
        said = bare.operator.run("deploy", code=11)
        said.has("a k3s that edgectl has not installed is on this node; nothing was changed", "--take-over")
        assert bare.node.listing() == before
    finally:
        bare.node.sh(f"rm {_UNIT}")


def test_a_store_that_runs_can_be_asked_at_any_time(settled: Shop) -> None:
    """Its own k3s, ports, releases and charts are nobody else's; what it has become is not touched."""
    before = settled.node.steady()
    said = settled.operator.run("preflight", "-o", "json")
    assert {about for about in _words(said.document) if about.startswith("others")} == set()
    settled.operator.run("preflight", "-v").has("ok        k3s-certificates", "ok        gpu-driver")
    settled.node.run("edgectl-node", "preflight", "-v")
    assert settled.node.steady() == before


def test_a_k3s_that_is_taken_over_becomes_the_stores(settled: Shop) -> None:
    """A node without our record, and a k3s that runs: refused; with --take-over what runs in it goes on."""
    node, kept = settled.node, "/var/lib/edgectl/slots"
    pods = node.sh("k3s kubectl get pods -n vision -o name | sort")
    node.wait("no run is going on", node.idle)
    node.sh(f"systemctl stop edgectl-heal.timer edgectl-watchdog; mv {kept} /run/slots.away")
    said = settled.operator.run("preflight", code=5)
    said.has("stop      others-k3s")
    settled.operator.run("deploy", code=11).has("a k3s that edgectl has not installed")
    found = settled.operator.run("deploy", "--take-over", "-o", "json").document
    assert (found["verdict"]["word"], found["sequence"]) == ("ready", 1)
    assert node.sh("k3s kubectl get pods -n vision -o name | sort") == pods
    node.sh("systemctl start edgectl-heal.timer edgectl-watchdog")
    assert node.answers() == ""
