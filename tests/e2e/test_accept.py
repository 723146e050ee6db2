"""`edgectl accept` on a sandbox's store: all parts, a whole storm, a signed file, and what stood in for what."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edgectl.control.accept.standins import GPU, K3S, LINK, MACHINE
from edgectl.control.accept.storm import KINDS
from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.node import Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.long]

STORE = "e2e-accept"
SECONDS = 1800.0


@pytest.fixture(scope="module")
def lab(box: Sandbox, supplies: Supplies) -> Iterator[tuple[Operator, Node]]:
    """Bring up a bare machine of a lab."""
    for left in [store.name for store in box.stores() if store.name == STORE]:
        box.down(left)
    store = box.up(STORE, gpus=1)
    operator = None
    try:
        path = write_inventory(store, supplies)
        doc = yaml.safe_load(path.read_text())
        doc["stores"][STORE]["lab"] = True
        path.write_text(yaml.safe_dump(doc, sort_keys=False))
        operator = Operator(STORE, path)
        yield operator, Node(store)
    finally:
        if operator is not None:
            operator.end_all()
        box.down(STORE)


def test_a_machine_is_accepted(lab: tuple[Operator, Node], tmp_path: Path) -> None:
    """Law: every kind of blow is weathered, figures hold, and the file says that nothing of it was real."""
    operator, node = lab
    key, file, html = tmp_path / "key", tmp_path / "report.json", tmp_path / "report.html"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=30)
    words = ("-y", "--storm", str(len(KINDS)), "--seed", "1", "--report", str(file), "--sign-with", str(key))
    said = operator.start("accept", *words, "--html", str(html), "-o", "json").finish(seconds=SECONDS)
    sys.stderr.write(f"{said.err}accepted in {said.seconds:.0f} s\n")
    made = said.document
    assert said.code == 0, [row for row in made["rows"] if row["word"] == "failed"]
    assert {row["title"] for row in made["rows"] if row["part"] == "storm"} == set(KINDS)
    assert {row["word"] for row in made["rows"] if row["part"] == "storm"} == {"stood in"}  # whoever is struck is one
    assert {one["what"] for one in made["stood_in"]} >= {MACHINE, GPU, LINK}
    official = "standin" not in made["hardware"]["k3s"]
    assert (K3S in {one["what"] for one in made["stood_in"]}) is not official
    assert made["real"] is False
    assert len(made["figures"]) == 3
    assert operator.run("plan").code == 0, "what is declared runs at the end"
    assert node.answers() == ""
    verify = ("accept", "--verify", str(file), "--key", f"{key}.pub")
    operator.run(*verify).has("This is no acceptance of real hardware.")
    doc = json.loads(file.read_text())
    doc["report"]["real"] = True
    file.write_text(json.dumps(doc, sort_keys=True, separators=(",", ":")) + "\n")
    operator.run(*verify, code=11)
    assert "acceptance" in html.read_text()


def test_cut_short_it_leaves_no_report(lab: tuple[Operator, Node], tmp_path: Path) -> None:
    """Law: Ctrl-C leaves no file, and the store goes on by itself."""
    operator, node = lab
    key, file = tmp_path / "key", tmp_path / "report.json"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=30)
    running = operator.start("accept", "-y", "--report", str(file), "--sign-with", str(key), "--seed", "1")
    running.until("the same press again", seconds=300)
    running.signal(2)
    said = running.finish(seconds=60)
    assert said.code == 130, said
    assert not file.exists()
    node.wait("the store serves", lambda: node.answers() == "", seconds=180)
