"""Hand-edited units are seen by every look, and put back by the next run."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.gpu.boot import DRIVER_SECONDS
from edgectl.node.startup.net import BOOT_SECONDS
from edgectl.node.units import install
from edgectl.node.units.install import AT_BOOT, TIMERS, Units, links
from tests.unit.node.fake import FakeNode, ran

STEP = Units()


@pytest.fixture
def installed(node: FakeNode) -> FakeNode:
    """Return a node with our units, enabled."""
    STEP.apply(node, STEP.probe(node))
    for link in links(node.places.root):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../{link.name}")
    assert STEP.probe(node).status is Status.CURRENT
    node.changes.clear()
    return node


@pytest.mark.parametrize("name", ["edgectl-converge.service", "edgectl-heal.timer", "edgectl-gpu.service"])
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
    assert installed.changes[2][:3] == ("systemctl", "enable", "--now")


def test_a_disabled_boot_unit_is_enabled_and_not_started(installed: FakeNode) -> None:
    """Without it k3s may start before the driver; its moment is the next boot."""
    (installed.places.root / "etc/systemd/system/multi-user.target.wants/edgectl-gpu.service").unlink()
    seen = STEP.probe(installed)
    assert seen.reason == "edgectl-gpu.service changed by hand"
    STEP.apply(installed, seen)
    assert ("systemctl", "enable", *AT_BOOT) in installed.changes
    assert not any("--now" in argv and "edgectl-gpu.service" in argv for argv in installed.changes)


LONGEST = {
    "edgectl-clock.service": 600.0,  # host.time.wait_seconds at most
    "edgectl-net.service": float(BOOT_SECONDS),
    "edgectl-gpu.service": DRIVER_SECONDS,
}


@pytest.mark.parametrize("name", AT_BOOT)
@pytest.mark.parametrize("unit", ["k3s.service", "k3s-agent.service"])
def test_a_boot_unit_holds_k3s_up_and_never_for_long(name: str, unit: str) -> None:
    """Law: ordered before both, bounded, its failure is none: k3s starts anyway. None waits for the network."""
    text = Path(str(install.__file__)).with_name(name).read_text()
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert unit in said["Before"].split()
    assert said["Type"] == "oneshot"
    assert said["ExecStart"].startswith("-")
    assert LONGEST[name] < int(said["TimeoutStartSec"]) <= LONGEST[name] + 90
    assert "RemainAfterExit" not in said  # a technician can start it again
    assert "network" not in said.get("After", "") + said.get("Wants", "") + said.get("Requires", "")


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
