"""Every declared blob is there, whole, or the gate names it."""

from __future__ import annotations

from edgectl.node.converge.protocol import Status
from edgectl.node.host.blobs import Blobs
from tests.unit.node.fake import FakeNode

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def test_missing_and_short_blobs_are_never(node: FakeNode) -> None:
    """The engine cannot fetch them itself: waiting would not help, so it is failed, not in progress."""
    gate = Blobs({ONE: 3, TWO: 4})
    assert gate.probe(node).status is Status.FAILED
    node.places.blobs.mkdir(parents=True)
    node.places.blob(ONE).write_bytes(b"abc")
    node.places.blob(TWO).write_bytes(b"abc")
    seen = gate.probe(node)
    assert (seen.status, seen.reason.startswith("1 of 2")) == (Status.FAILED, True)
    assert seen.evidence == ("missing: 222222222222",)
    node.places.blob(TWO).write_bytes(b"abcd")
    assert gate.probe(node).status is Status.CURRENT


def test_a_folder_is_no_blob(node: FakeNode) -> None:
    """Whatever its size reads."""
    node.places.blob(ONE).mkdir(parents=True)
    assert Blobs({ONE: node.places.blob(ONE).stat().st_size}).probe(node).status is Status.FAILED
