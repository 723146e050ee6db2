"""A program in /usr/local/bin: its bytes are compared, its names point to it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.k3s.binary import Binary
from edgectl.wire.document import digest_of
from tests.unit.node.fake import FakeNode
from tests.unit.node.faults import Disk, Killed, sweep

DATA = b"\x7fELF" + b"k3s" * 1000
STEP = Binary("k3s-binary", "k3s binary", "k3s", "v1.36.3+k3s1", digest_of(DATA), names=("kubectl", "ctr"))


def fill(node: FakeNode) -> FakeNode:
    """Put the blob on a node."""
    node.places.blobs.mkdir(parents=True)
    node.places.blob(STEP.digest).write_bytes(DATA)
    return node


def program(node: FakeNode, name: str = "k3s") -> Path:
    """Return a program's place."""
    return node.places.root / "usr/local/bin" / name


def test_installed_with_its_names(node: FakeNode) -> None:
    """Bytes, mode and names; a second look finds nothing to do."""
    fill(node)
    seen = STEP.probe(node)
    assert (seen.status, seen.reason) == (Status.DRIFTED, "k3s is not installed")
    STEP.apply(node, seen)
    assert STEP.probe(node).status is Status.CURRENT
    assert program(node, "kubectl").readlink() == Path("k3s")
    assert program(node).stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("harm", ["bytes", "mode", "name", "dangling"])
def test_each_harm_is_seen_and_repaired(node: FakeNode, harm: str) -> None:
    """Other bytes of the same length, a lost mode, a removed or dangling name."""
    STEP.apply(fill(node), STEP.probe(node))
    if harm == "bytes":
        program(node).write_bytes(DATA[:-1] + b"x")
    elif harm == "mode":
        program(node).chmod(0o644)
    else:
        program(node, "ctr").unlink()
    if harm == "dangling":
        program(node, "ctr").symlink_to("gone")
    seen = STEP.probe(node)
    assert seen.status is Status.DRIFTED
    STEP.apply(node, seen)
    assert STEP.probe(node).status is Status.CURRENT


def test_a_running_program_keeps_its_file(node: FakeNode) -> None:
    """Replaced by rename: the old inode lives as long as the old k3s."""
    program(node).parent.mkdir(parents=True)
    program(node).write_bytes(b"old")
    with program(node).open("rb") as running:
        STEP.apply(fill(node), STEP.probe(node))
        assert running.read() == b"old"
    assert program(node).read_bytes() == DATA


def test_another_s_program_of_that_name_is_left_alone(node: FakeNode) -> None:
    """A kubectl that a person has put there works: it is not replaced."""
    fill(node)
    program(node).parent.mkdir(parents=True)
    program(node, "kubectl").write_text("their own")
    STEP.apply(node, STEP.probe(node))
    assert program(node, "kubectl").read_text() == "their own"
    assert STEP.probe(node).status is Status.CURRENT


def test_no_blob_is_a_failed_apply(node: FakeNode) -> None:
    """A sentence, not a crash."""
    with pytest.raises(ApplyFailed, match="k3s could not be installed"):
        STEP.apply(node, STEP.probe(node))


def test_killed_anywhere_the_next_apply_finishes(tmp_path: Path) -> None:
    """Fail or kill the N-th operation until none is left: the program is old, new or absent, never half."""

    def attempt(disk: Disk, number: int) -> bool:
        node = fill(FakeNode(tmp_path / f"{number}-{disk._kill}"))
        with disk.armed(), suppress(ApplyFailed, OSError, Killed):
            STEP.apply(node, STEP.probe(node))
        assert not program(node).exists() or program(node).read_bytes() == DATA
        STEP.apply(node, STEP.probe(node))
        assert STEP.probe(node).status is Status.CURRENT
        return disk.reached

    assert sweep(attempt) > 6
