"""`edgectl deploy` of a bundle whose image archive would harm a store: refused, and nothing live is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.node.converge.slots import Slots
from tests.archives import canonical_archive, layer
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import MOTD, StoreNode
from tests.malformed import CASES, malformed

PAUSE = {"name": "mirrored-pause", "version": "1", "refs": ("docker.io/rancher/mirrored-pause:1",)}


def put(inventory: Path, archive: bytes) -> None:
    """Put an archive into the bundle, in the place of a good one."""
    Bundle.open(inventory.parent / "bundle").add(archive, kind="image", **PAUSE)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES[::12], ids=lambda case: case["name"])
def test_a_bad_archive_is_refused(case: dict[str, Any], inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 11 with the cause, no slot, no run; what ran before runs on, and the mended bundle goes out as ever."""
    assert edgectl("deploy", "store-042").code == 0
    put(inventory, malformed(case))
    declare(inventory, "newer")
    said = edgectl("deploy", "store-042")
    assert said.code == 11, said
    assert "of docker.io/rancher/mirrored-pause:1 is not taken: " in said.err
    assert "edgectl bundle verify" in said.err
    slots = Slots(node.places)
    assert (slots.sequence, slots.candidate, node.runs) == (1, None, 1)
    assert node.file(MOTD).read_text() == "good"
    assert not (node.places.k3s_data / "agent/images").exists()
    put(inventory, canonical_archive("docker.io/rancher/mirrored-pause:1", layer({"pause": b"newer"})))
    assert edgectl("deploy", "store-042").code == 0
    assert node.file(MOTD).read_text() == "newer"


def test_verify_says_the_same_beforehand(inventory: Path, edgectl: Edgectl) -> None:
    """What nodes would not take, a bundle does not pass with: every case."""
    for case in CASES:
        put(inventory, malformed(case))
        said = edgectl("bundle", "verify", str(inventory.parent / "bundle"))
        assert said.code == 3, case["name"]
        assert "image mirrored-pause" in said.out, case["name"]
