"""Hand-edited units are seen by every look, and put back by the next run."""

from __future__ import annotations

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.units.install import TIMERS, Units
from tests.unit.node.fake import FakeNode, ran

STEP = Units()


@pytest.fixture
def installed(node: FakeNode) -> FakeNode:
    """Return a node with our units, enabled."""
    STEP.apply(node, STEP.probe(node))
    wants = node.places.root / "etc/systemd/system/timers.target.wants"
    wants.mkdir(parents=True)
    for timer in TIMERS:
        (wants / timer).symlink_to(f"../{timer}")
    assert STEP.probe(node).status is Status.CURRENT
    node.changes.clear()
    return node


@pytest.mark.parametrize("name", ["edgectl-converge.service", "edgectl-heal.timer"])
def test_an_edited_unit_is_put_back(installed: FakeNode, name: str) -> None:
    """Its text, and systemd reads it; the others are not written."""
    path = installed.places.root / "etc/systemd/system" / name
    other = installed.places.root / "etc/systemd/system/edgectl-boot.timer"
    text, inode = path.read_text(), other.stat().st_ino
    path.write_text(text + "\n[Service]\nExecStart=/bin/true\n")
    seen = STEP.probe(installed)
    assert seen.reason == f"{name} changed by hand"
    STEP.apply(installed, seen)
    assert path.read_text() == text
    assert other.stat().st_ino == inode
    assert installed.changes[0] == ("systemctl", "daemon-reload")


def test_a_disabled_timer_is_enabled(installed: FakeNode) -> None:
    """Without it the store does not heal itself."""
    (installed.places.root / "etc/systemd/system/timers.target.wants" / TIMERS[1]).unlink()
    seen = STEP.probe(installed)
    assert seen.differences[0][1:] == ("not enabled", "enabled")
    STEP.apply(installed, seen)
    assert installed.changes[1][:3] == ("systemctl", "enable", "--now")


def test_a_command_that_lost_its_mode_is_no_command(installed: FakeNode) -> None:
    """The unit would not start it."""
    path = installed.places.root / "usr/local/sbin/edgectl-node"
    path.chmod(0o644)
    STEP.apply(installed, STEP.probe(installed))
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_systemd_that_refuses_is_a_failed_apply(node: FakeNode) -> None:
    """With its words."""
    node.on_change = lambda *argv: ran(code=1, err="Access denied", argv=argv)
    with pytest.raises(ApplyFailed, match="units could not be installed: Access denied"):
        STEP.apply(node, STEP.probe(node))
