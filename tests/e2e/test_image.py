"""From a stick to a store: real cloud-init takes what `edgectl image` has written, and the next press connects.

The node's disk is an image like any: cloud-init on it, no key of ours, a host key that every machine made of it has.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.base import base_image
from edgectl.sandbox.machine.disk import mount_disk, unmount_disk
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.wire.errors import NotReady
from tests.e2e.conftest import PREFIX, STORES_UP, TIMES
from tests.e2e.node import NODE, Node
from tests.e2e.operator import Operator, Said
from tests.e2e.test_stick import make_key, trusting, write_trust

pytestmark = pytest.mark.e2e

Change = Callable[[dict[str, Any], str], None]  # of the inventory; given the operator's public key
_IMAGED = f"{PREFIX}-imaged"
_PACKAGES = ("cloud-init", "netplan.io")  # as Debian's cloud images have them
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
    seconds: float


@contextmanager
def first_boot(box: Sandbox, supplies: Supplies, folder: Path, change: Change, system: str = "") -> Iterator[Imaged]:
    """Give a node that came up from the files alone; `change` says in the inventory who logs in."""
    if any(store.name == _IMAGED for store in box.stores()):
        box.down(_IMAGED)
    STORES_UP[_IMAGED] = store = box.up(_IMAGED, gpus=1, system=system, packages=_PACKAGES)
    operator = Operator(_IMAGED, write_inventory(store, supplies))
    try:
        store.power_off()
        before = _declare(operator.inventory, change, system)
        said = operator.run("image", "--to", str(folder / "stick"), "-o", "json")
        _make_any_machine(store, folder / "stick", folder / "disk")
        began = time.monotonic()
        store.power_on(wait_seconds=0)
        node = Node(store)
        _first_boot(node)
        yield Imaged(node, operator, said, folder / "stick", before, time.monotonic() - began)
    finally:
        operator.end_all()
        STORES_UP.pop(_IMAGED)
        box.down(_IMAGED)


@pytest.fixture(scope="module")
def imaged(
    box: Sandbox, supplies: Supplies, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Imaged]:
    """Yield a node to which a deploy user logs in, who brings what is signed: nothing on it was root's deploy."""
    folder = tmp_path_factory.mktemp("imaged")
    key = make_key(folder / "config/edgectl/keys")
    write_trust(key)

    def change(doc: dict[str, Any], public: str) -> None:
        trusting(key)(doc)
        doc["defaults"]["ssh"]["user"] = "edge"
        doc["defaults"]["host"]["users"] = {"edge": {"keys": [public]}}

    with pytest.MonkeyPatch.context() as patch, first_boot(box, supplies, folder, change) as found:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        pytestconfig.stash[TIMES].append((f"{_IMAGED}: power to the end of cloud-init", found.seconds))
        yield found


def _declare(inventory: Path, change: Change, system: str) -> dict[str, Any]:
    """Say how the machine is installed, and forget the host key that it has had."""
    doc: dict[str, Any] = yaml.safe_load(inventory.read_text())
    change(doc, inventory.with_name("id_ed25519.pub").read_text().strip())
    doc["defaults"]["install"] = {"os": system or "debian-12"}
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
    mount.mkdir()
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


def as_declared(imaged: Imaged) -> None:
    """Name, time zone and network are as declared, root is closed, and cloud-init has no complaint."""
    node = imaged.node
    result = yaml.safe_load(node.sh("cat /run/cloud-init/result.json"))
    assert [one for one in result["v1"]["errors"] if "udevadm" not in one] == []  # the sandbox has no udev
    assert "DataSourceNoCloud" in result["v1"]["datasource"]
    roots = node.sh("cat /root/.ssh/authorized_keys 2>/dev/null || true").splitlines()
    assert all("command=" in line and line.startswith("no-") for line in roots), "root is told who logs in, no more"
    assert node.sh("hostname; cat /etc/hostname").split() == [f"{_IMAGED}-{NODE}"] * 2
    assert node.sh("getent hosts $(hostname)").startswith("127.0.1.1")
    assert node.sh("readlink -f /etc/localtime").endswith("Europe/Berlin")
    network = yaml.safe_load(node.sh("cat /etc/netplan/50-cloud-init.yaml"))["network"]
    assert network == yaml.safe_load((imaged.files / "network-config").read_text())
    assert node.sh(f"cloud-init schema --config-file /{_SEED}/user-data").startswith("Valid")


@pytest.mark.long
def test_an_account_with_sudo_comes_in(box: Sandbox, supplies: Supplies, tmp_path: Path) -> None:
    """Where ssh.user is no deploy user: an account with the key, no password, that becomes root; a plan connects.

    On Debian 13, whose cloud-init also checks the network's file.
    """

    def change(doc: dict[str, Any], _: str) -> None:
        doc["defaults"]["ssh"]["user"] = "deploy"

    try:
        base_image(print, "debian-13", _PACKAGES)
    except NotReady as missing:  # no mirror of it, from here
        if os.environ.get("CI"):
            raise
        pytest.skip(missing.message)
    with first_boot(box, supplies, tmp_path, change, "debian-13") as imaged:
        as_declared(imaged)
        node = imaged.node
        public = node.store.key.with_suffix(".pub").read_text().strip()
        assert node.sh("cat ~deploy/.ssh/authorized_keys") == public
        assert node.sh("stat -c '%U %a' ~deploy/.ssh/authorized_keys") == "deploy 600"
        assert node.sh("passwd -S deploy").split()[1] == "L"
        assert node.sh("su deploy -c 'sudo -n id -u'") == "0"
        network = f"--schema-type network-config --config-file /{_SEED}/network-config"
        assert node.sh(f"cloud-init schema {network}").startswith("Valid")
        imaged.operator.run("plan").has("would change")


def test_the_machine_is_what_the_inventory_says(imaged: Imaged) -> None:
    """Name, time zone, network; the deploy user has no password, no home of his own, and one right."""
    as_declared(imaged)
    node = imaged.node
    assert node.sh("getent passwd edge").split(":")[5:] == ["/etc/edgectl/users/edge", "/bin/sh"]
    assert node.sh("getent shadow edge").split(":")[1] == "*"
    assert node.sh("id -nG edge") == "edge"
    rights = node.sh("sudo -n -l -U edge").splitlines()
    assert [line.strip() for line in rights if line.startswith("    (")] == [
        '(root) NOPASSWD: /usr/local/sbin/edgectl-launch ""'
    ]


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
    """No hands between: a signed deploy comes in with the pinned key as the declared account, and the store is ready.

    What was laid there beforehand is as the node itself would have it: the step of accounts changes nothing.
    """
    imaged.operator.run("plan")
    said = imaged.operator.run("deploy", "-o", "json", seconds=400)
    pytestconfig.stash[TIMES].append((f"{_IMAGED}: the deploy after it", said.seconds))
    assert said.document["verdict"]["word"] == "ready", said
    assert not {"users", "trust"} & set(said.document["changed"])
    assert imaged.node.answers() == ""
    again = imaged.operator.deploy()
    assert (again["verdict"]["word"], again["changed"]) == ("ready", [])


def test_without_its_stick_it_stays_the_same_machine(imaged: Imaged) -> None:
    """The medium is taken out and the power comes back: cloud-init does nothing any more, and nothing is another."""
    node = imaged.node
    same = "cat /etc/ssh/ssh_host_*; hostname; cat /etc/netplan/*; id edge"
    before = node.sh(same)
    node.sh("rm -rf /var/lib/cloud/seed/nocloud")
    node.store.reboot(NODE)
    node.wait("it has healed itself", node.has_healed, seconds=180)
    assert node.sh(same) == before
    assert node.sh("test -e /run/cloud-init/result.json || echo idle") == "idle"
    assert imaged.operator.run("status").code == 0
