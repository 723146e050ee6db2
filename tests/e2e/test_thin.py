"""A new version of an image over a thin line that dies in the middle: it costs what is new, and the store has it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.sandbox.gpu.archive import Start, write_archive
from tests.e2e.conftest import Shop
from tests.e2e.node import Node
from tests.e2e.operator import Change
from tests.e2e.stock import copy_bundle

pytestmark = pytest.mark.e2e
_SIZE = 24_000_000
_BLOCK = 50_000
_EACH = 20  # of so many blocks one is new: 5 %
_NEW_BYTES = _SIZE // _EACH
_RTT_MS, _RATE_BITS = 150.0, 2_000_000
_CUT_COSTS_BYTES = (1 << 20) + int(_RATE_BITS / 8 * _RTT_MS / 1000)


@pytest.fixture(autouse=True)
def _whole_line(shop: Shop) -> Iterator[None]:
    yield
    shop.sandbox.link.restore()


def _versions(shop: Shop, folder: Path) -> tuple[Change, Change, str]:
    """Return changes of the inventory to a version of an image and to its next, and the next one's digest."""
    bundle = copy_bundle(shop.sandbox, "thin")
    data = bytearray(os.urandom(_SIZE))
    changes, newest = [], ""
    for number in (1, 2):
        tree = folder / f"tree-{number}"
        tree.mkdir()
        (tree / "ballast").write_bytes(data)
        archive = folder / f"{number}.tar"
        name = write_archive(archive, tree, repository="edgectl.local/thin", start=Start(("/ballast",)))
        Bundle.open(bundle).add(archive, kind="image", name="thin", version=name.rpartition(":")[2], refs=(name,))
        newest = hashlib.sha256(archive.read_bytes()).hexdigest()

        def change(doc: dict[str, Any], name: str = name) -> None:
            doc["bundle"] = str(bundle)
            doc["defaults"]["images"] = [name]

        changes.append(change)
        for at in range(0, _SIZE, _BLOCK * _EACH):
            data[at : at + _BLOCK] = os.urandom(_BLOCK)
    return changes[0], changes[1], newest


def _staged_bytes(node: Node) -> int:
    return int(node.sh("cat /var/lib/edgectl/staging/*.part 2>/dev/null | wc -c"))


def test_a_new_version_costs_what_is_new_through_a_cut(shop: Shop, tmp_path: Path) -> None:
    """Law: 5 % of an image are new and the line dies in the middle; what travels is that, and 1 MiB for the cut."""
    first, second, digest = _versions(shop, tmp_path)
    assert shop.operator.with_(change=first).deploy()["verdict"]["word"] == "ready"
    line = shop.sandbox.link
    line.set(rtt_ms=_RTT_MS, rate_bits=_RATE_BITS)
    sending = shop.operator.with_(change=second).start("deploy", "-o", "json")
    sending.until("send ", seconds=60)
    shop.node.wait("a part of the image is there", lambda: _staged_bytes(shop.node) > _SIZE // 5, every=0.05)
    line.cut()
    sending.until("link lost", seconds=20)
    kept = _staged_bytes(shop.node)
    line.heal()
    sending.until("link back", seconds=30)
    said = sending.finish(seconds=180)
    assert said.code == 0, said
    outcome = said.document
    assert outcome["verdict"]["word"] == "ready"
    assert outcome["sessions"] == 2
    assert _SIZE // 5 < kept < _SIZE, "it was cut in the middle of the image"
    assert outcome["wire_bytes"] <= _NEW_BYTES * 1.05 + _CUT_COSTS_BYTES
    assert outcome["blob_bytes"] >= _SIZE
    assert shop.node.sh(f"sha256sum < /var/lib/edgectl/blobs/sha256/{digest}").split()[0] == digest
    assert shop.node.answers() == ""
