"""Killed at any moment, link or engine: the node goes on or starts again, and the same command reaches the end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.sandbox.gpu.archive import Start, write_archive
from tests.e2e.conftest import Shop
from tests.e2e.node import CONVERGE, Node
from tests.e2e.operator import Change
from tests.e2e.stock import copy_bundle
from tests.e2e.test_second_deploy import greeting

pytestmark = pytest.mark.e2e
_BALLAST_BYTES = 5_000_000
_IN_FLIGHT_BYTES = 1_000_000  # handed to the line when it was cut, and not on the node's disk

_KILL_IN_HELM = Path(__file__).with_name("kill_in_helm.py")


@pytest.fixture(autouse=True)
def _whole_line(shop: Shop) -> Iterator[None]:
    yield
    shop.sandbox.link.restore()


def _ballast(shop: Shop, folder: Path) -> Change:
    """Return a change of the inventory that adds an image, which nothing uses and whose bytes must be sent."""
    (folder / "tree").mkdir()
    (folder / "tree/ballast").write_bytes(os.urandom(_BALLAST_BYTES))
    archive = folder / "ballast.tar"
    name = write_archive(archive, folder / "tree", repository="edgectl.local/ballast", start=Start(("/ballast",)))
    bundle = copy_bundle(shop.sandbox, "ballast")
    Bundle.open(bundle).add(archive, kind="image", name="ballast", version=name.rpartition(":")[2], refs=(name,))

    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        doc["defaults"]["images"] = [name]

    return change


def _staged_bytes(node: Node) -> int:
    return int(node.sh("cat /var/lib/edgectl/staging/*.part 2>/dev/null | wc -c"))


def test_a_cut_in_the_middle_of_sending_costs_only_what_was_under_way(shop: Shop, tmp_path: Path) -> None:
    """The operator comes back by itself and sends on from the last byte that the node has."""
    line = shop.sandbox.link
    line.set(rate_bits=8_000_000)
    sending = shop.operator.with_(change=_ballast(shop, tmp_path)).start("deploy", "-o", "json")
    sending.until("send ", seconds=60)
    shop.node.wait("a part of the blob is there", lambda: _staged_bytes(shop.node) > 1_500_000, every=0.05)
    line.cut()
    sending.until("link lost", seconds=20)
    assert _staged_bytes(shop.node) > 1_500_000
    line.restore()
    sending.until("link back", seconds=30)
    said = sending.finish(seconds=120)
    assert said.code == 0, said
    outcome = said.document
    assert outcome["sessions"] == 2
    assert _BALLAST_BYTES <= outcome["blob_bytes"] <= _BALLAST_BYTES + _IN_FLIGHT_BYTES
    assert outcome["verdict"]["word"] == "ready"


def test_a_cut_after_the_start_stops_nothing(settled: Shop) -> None:
    """The node finishes with nobody watching; the operator re-attaches, hears the whole run, and ends with 0."""
    watching = settled.operator.with_(change=greeting("cut")).start("deploy", "-o", "json")
    watching.until("the node goes on by itself", seconds=60)
    settled.sandbox.link.cut()
    watching.until("link lost", seconds=20)
    settled.node.wait("the run has its verdict", lambda: settled.node.verdict(settled.node.runs()[-1]) != {})
    assert settled.node.answers() == ""
    settled.sandbox.link.heal()
    said = watching.finish(seconds=60)
    assert said.code == 0, said
    assert said.document["sessions"] == 2
    assert (said.document["verdict"]["word"], said.document["changed"]) == ("ready", ["release-vision-stack"])
    assert len([line for line in said.err.splitlines() if "changed   vision-stack" in line]) == 1


@pytest.mark.long  # in CI by tests/link/test_silence.py, on a real sshd, and after the cut above it goes on as here
def test_a_silent_line_is_noticed_and_left(settled: Shop) -> None:
    """A line that swallows everything, without a word, is given up within 20 s; then as after a cut."""
    watching = settled.operator.with_(change=greeting("silence")).start("deploy", "-o", "json")
    watching.until("the node goes on by itself", seconds=60)
    settled.sandbox.link.black_hole()
    began = time.monotonic()
    assert watching.until("link lost", seconds=30) - began <= 20
    settled.sandbox.link.heal()
    said = watching.finish(seconds=60)
    assert said.code == 0, said
    assert said.document["verdict"]["word"] == "ready"


def test_an_engine_killed_in_the_helm_step_is_made_good(settled: Shop) -> None:
    """Helm's half-done revision blocks nothing; nothing of the killed run lives on; the same command ends with 0."""
    other = settled.operator.with_(change=greeting("killed"))
    before = settled.node.revisions()
    watching = other.start("deploy")
    settled.node.run("python3", "-", seconds=90, stdin=_KILL_IN_HELM.read_text())
    left = watching.finish(seconds=60)
    assert left.code == 6, left
    left.has("without a verdict")
    settled.node.wait("the unit is done with the killed run", settled.node.idle)
    assert settled.node.sh("ps -eo comm= | grep -xE 'helm|kubectl' || true") == ""
    assert settled.node.sh("k3s kubectl get secrets -n vision -o name -l owner=helm,status=pending-upgrade")
    outcome = other.deploy()
    assert outcome["changed"] == ["release-vision-stack"]
    assert settled.node.revisions() == {**before, "vision-stack": before["vision-stack"] + 1}
    assert settled.node.sh("k3s kubectl get secrets -n vision -o name -l owner=helm,status=pending-upgrade") == ""
    assert settled.node.sh(f"systemctl show -P NRestarts {CONVERGE}") == "0"
    assert settled.node.answers() == ""
