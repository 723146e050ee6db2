"""From a stick to a store: real cloud-init takes what `edgectl image` has written, and the next press connects.

The node's disk is an image like any: cloud-init on it, no key of ours, a host key that every machine made of it has.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.disk import mount_disk, unmount_disk
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.conftest import PREFIX, STORES_UP, TIMES
from tests.e2e.node import NODE, Node
from tests.e2e.operator import Operator, Said

pytestmark = pytest.mark.e2e

_IMAGED = f"{PREFIX}-imaged"
_SEED = "var/lib/cloud/seed/nocloud"  # where cloud-init also looks, besides a medium labelled CIDATA
_MAC = "3c:ec:ef:0a:1b:2c"  # no card of the node's: what is written is looked at, and the sandbox gives the address


@dataclass(frozen=True)
class Imaged:
    """A node after its first boot from the files, and the operator that has written them."""

    node: Node
    operator: Operator
    said: Said
    files: Path
    before: dict[str, Any]


@pytest.fixture(scope="module")
def imaged(
    box: Sandbox, supplies: Supplies, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Imaged]:
    """Yield a node that came up from the files alone."""
    times = pytestconfig.stash[TIMES]
    if any(store.name == _IMAGED for store in box.stores()):
        box.down(_IMAGED)
    STORES_UP[_IMAGED] = store = box.up(_IMAGED, gpus=1, packages=("cloud-init", "netplan.io"))
    operator = Operator(_IMAGED, write_inventory(store, supplies))
    try:
        store.power_off()
        before = _declare(operator.inventory)
        files = tmp_path_factory.mktemp("stick")
        said = operator.run("image", "--to", str(files), "-o", "json")
        _make_any_machine(store, files, tmp_path_factory.mktemp("disk"))
        began = time.monotonic()
        store.power_on(wait_seconds=0)
        node = Node(store)
        _first_boot(node)
        times.append((f"{_IMAGED}: power to the end of cloud-init", time.monotonic() - began))
        yield Imaged(node, operator, said, files, before)
    finally:
        operator.end_all()
        STORES_UP.pop(_IMAGED)
        box.down(_IMAGED)


def _declare(inventory: Path) -> dict[str, Any]:
    """Say how the machine is installed, and forget the host key that it has had."""
    doc: dict[str, Any] = yaml.safe_load(inventory.read_text())
    doc["defaults"]["ssh"]["user"] = "deploy"
    doc["defaults"]["install"] = {"os": "debian-12"}
    (store,) = doc["stores"].values()
    store["timezone"] = "Europe/Berlin"
    network = {"address": "10.77.0.11/24", "gateway": "10.77.0.1", "dns": ["10.77.0.1"], "mac": _MAC}
    store["nodes"][NODE] |= {"install": {"network": network}}
    del store["nodes"][NODE]["host_key"]
    inventory.write_text(yaml.safe_dump(doc, sort_keys=False, width=120))
    return doc


def _make_any_machine(store: SandboxStore, files: Path, mount: Path) -> None:
    """Take from the disk what makes it this node's, and put the files where cloud-init finds them."""
    disk = store.machine(NODE).place.disk
    mount_disk(disk, mount)
    try:
        shutil.rmtree(mount / "root/.ssh")
        (mount / "etc/hostname").write_text("an-image\n")
        for name in ("rsa", "ed25519"):  # of the image; nothing of it may last
            (mount / f"etc/ssh/ssh_host_{name}_key").write_text("of the image\n")
        shutil.copytree(files, mount / _SEED)
    finally:
        unmount_disk(mount)


def _first_boot(node: Node) -> None:
    def done() -> bool:
        try:
            return node.sh("test -e /run/cloud-init/result.json && echo yes", check=False) == "yes"
        except Exception:  # noqa: BLE001 - it has just been powered on
            return False

    node.wait("cloud-init is done", done, seconds=120)


def test_the_machine_is_what_the_inventory_says(imaged: Imaged) -> None:
    """Account, keys, rights, name, host key, time zone and network are as declared; cloud-init has no complaint."""
    node = imaged.node
    result = yaml.safe_load(node.sh("cat /run/cloud-init/result.json"))
    assert [one for one in result["v1"]["errors"] if "udevadm" not in one] == []  # the sandbox has no udev
    assert "DataSourceNoCloud" in result["v1"]["datasource"]
    public = node.store.key.with_suffix(".pub").read_text().strip()
    assert node.sh("cat ~deploy/.ssh/authorized_keys") == public
    assert node.sh("stat -c '%U %a' ~deploy/.ssh/authorized_keys") == "deploy 600"
    assert node.sh("passwd -S deploy").split()[1] == "L"
    roots = node.sh("cat /root/.ssh/authorized_keys 2>/dev/null || true").splitlines()
    assert all("command=" in line and line.startswith("no-") for line in roots), "root is told who logs in, no more"
    assert node.sh("su deploy -c 'sudo -n id -u'") == "0"
    assert node.sh("hostname; cat /etc/hostname").split() == [f"{_IMAGED}-{NODE}"] * 2
    assert node.sh("getent hosts $(hostname)").startswith("127.0.1.1")
    assert node.sh("readlink -f /etc/localtime").endswith("Europe/Berlin")
    network = yaml.safe_load(node.sh("cat /etc/netplan/50-cloud-init.yaml"))["network"]
    declared = yaml.safe_load((imaged.files / "network-config").read_text())
    assert network == declared
    assert node.sh("cloud-init schema --config-file /var/lib/cloud/seed/nocloud/user-data").startswith("Valid")


def test_its_host_key_is_the_pinned_one_and_no_other(imaged: Imaged) -> None:
    """What the inventory pins is what the machine shows; those of the image are gone; others cannot read it there."""
    node, document = imaged.node, imaged.said.document
    assert node.sh("ls /etc/ssh/ssh_host_*") == "/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_ed25519_key.pub"
    public = " ".join(node.sh("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
    after = yaml.safe_load(imaged.operator.inventory.read_text())
    (store,) = after["stores"].values()
    assert store["nodes"][NODE]["host_key"] == public == document["host_key"]["public"]
    assert node.sh("stat -c '%U %a' /etc/ssh/ssh_host_ed25519_key") == "root 600"
    assert node.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key").split()[1] == document["host_key"]["fingerprint"]
    del store["nodes"][NODE]["host_key"]
    assert after == imaged.before


def test_the_next_press_makes_it_a_store(imaged: Imaged, pytestconfig: pytest.Config) -> None:
    """No hands between: a deploy logs in with the pinned key as the declared account, and the store is ready."""
    imaged.operator.run("plan")
    said = imaged.operator.run("deploy", "-o", "json", seconds=400)
    pytestconfig.stash[TIMES].append((f"{_IMAGED}: the deploy after it", said.seconds))
    assert said.document["verdict"]["word"] == "ready", said
    assert imaged.node.answers() == ""
    again = imaged.operator.deploy()
    assert (again["verdict"]["word"], again["changed"]) == ("ready", [])


def test_without_its_stick_it_stays_the_same_machine(imaged: Imaged) -> None:
    """The medium is taken out and the power comes back: cloud-init does nothing any more, and nothing is another."""
    node = imaged.node
    same = "cat /etc/ssh/ssh_host_*; hostname; cat /etc/netplan/*; id deploy"
    before = node.sh(same)
    node.sh("rm -rf /var/lib/cloud/seed/nocloud")
    node.store.reboot(NODE)
    node.wait("it has healed itself", node.has_healed, seconds=180)
    assert node.sh(same) == before
    assert node.sh("test -e /run/cloud-init/result.json || echo idle") == "idle"
    assert imaged.operator.run("status").code == 0
