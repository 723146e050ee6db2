"""A stick at a real node: `edgectl bundle export --sign-with` here, `edgectl-node load` there, no line between them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.sandbox.machine.command import Completed
from tests.e2e.conftest import Shop
from tests.e2e.test_second_deploy import changed_edgectl

pytestmark = pytest.mark.e2e

STICK = "/srv/usb"


def make_key(folder: Path) -> Path:
    """Return a new signing key."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "offer_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, timeout=30)
    return path


def trusting(key: Path, env: str = "") -> Any:
    """Return a change of the inventory: it trusts a key, and gives inference another environment."""

    def change(doc: dict[str, Any]) -> None:
        doc["trust"] = str(key.with_name("trust.yaml"))
        if env:
            doc["defaults"]["releases"]["vision-stack"]["values"]["inference"]["env"] = {"GREETING": env}

    return change


def write_trust(key: Path, *, version: int = 1) -> None:
    """Write the file of trust beside a key."""
    line = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    signers = [{"who": "ada@ops", "key": line, "stores": ["*"]}]
    doc = {"version": version, "created": "2026-01-01T00:00:00Z", "signers": signers}
    key.with_name("trust.yaml").write_text(yaml.safe_dump(doc))


def plug_in(shop: Shop, folder: Path) -> None:
    """Let the node see a folder as a mounted stick: copied over its own disk, not over the line."""
    target = shop.sandbox.machine(shop.node.name).mounted / STICK.lstrip("/")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)


def load(shop: Shop) -> Completed:
    """Do what the technician does."""
    return shop.node.run("/usr/local/sbin/edgectl-node", "load", STICK, seconds=240, check=False)


def test_a_stick_brings_what_a_deploy_would(settled: Shop, tmp_path: Path) -> None:
    """With a new edgectl, too: converged, the same payload as the inventory's; again it changes nothing.

    A stick that a stranger has signed is refused (11), and nothing changes.
    """
    key = make_key(tmp_path / "keys")
    write_trust(key)
    settled.operator.with_(change=trusting(key)).deploy()
    newer = settled.operator.with_(change=trusting(key, "stick"), package=changed_edgectl(tmp_path / "new", "stick"))
    usb = tmp_path / "usb"
    newer.export(usb, key).has("  offer     ", "read back")
    plug_in(settled, usb)
    loaded = load(settled)
    assert loaded.code == 0, loaded
    assert loaded.out.rstrip().splitlines()[-1].startswith(f"{settled.operator.store} is READY. Sequence ")
    env = settled.node.inference()["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "GREETING", "value": "stick"} in env
    assert settled.node.answers() == ""
    slot = settled.node.sh("readlink /var/lib/edgectl/slots/current")
    assert "ada@ops" in settled.node.sh(f"cat /var/lib/edgectl/slots/{slot}/envelope.json")
    assert (
        settled.node.sh(f"cat /var/lib/edgectl/slots/{slot}/offer.json") + "\n"
        == (usb / f"offers/{settled.operator.store}.json").read_text()
    )
    steady = settled.node.steady()
    again = load(settled)
    assert (again.code, "changed" in again.out) == (0, False), again
    assert settled.node.steady() == steady
    deployed = newer.deploy()
    assert (deployed["changed"], deployed["blob_bytes"], str(deployed["sequence"])) == ([], 0, slot)

    stranger = make_key(tmp_path / "other")
    write_trust(stranger)
    theirs = settled.operator.with_(change=trusting(stranger, "evil"))
    theirs.export(usb, stranger)
    plug_in(settled, usb)
    refused = load(settled)
    assert (refused.code, "does not know the key" in refused.err) == (11, True), refused
    assert settled.node.steady() == steady
    assert settled.node.sh("readlink /var/lib/edgectl/slots/current") == slot
