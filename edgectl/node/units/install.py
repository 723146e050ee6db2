"""Put the fixed units, the `edgectl-node` command and the launcher of deploy users on a node, once.

Their text does not change with edgectl's version, so a new version reloads nothing. Owns these files only.
"""

from __future__ import annotations

from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.errors import StepFailed
from edgectl.wire.launch import LAUNCHER

_HERE = Path(__file__).parent
_LAUNCHER = "../launch/launcher.py"
TIMERS = ("edgectl-boot.timer", "edgectl-heal.timer")
CONVERGE = "edgectl-converge.service"
# enabled only: their moment is before k3s starts, at the next boot
AT_BOOT = ("edgectl-clock.service", "edgectl-net.service", "edgectl-gpu.service")
RESIDENT = ("edgectl-watchdog.service",)  # enabled and started: they run all the time
_WANTED_BY = {
    **dict.fromkeys(TIMERS, "timers.target"),
    **dict.fromkeys((*AT_BOOT, *RESIDENT), "multi-user.target"),
}


class Units:
    """Step: units and command are ours. A hand that has edited them is undone by the next run that still starts."""

    id = "units"
    title = "edgectl's units"
    needs: tuple[str, ...] = ()
    wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare text, mode and links."""
        differences = _differences(read)
        if differences:
            names = ", ".join(Path(path).name for path, _, _ in differences)
            return Observation(Status.DRIFTED, f"{names} changed by hand", differences=differences)
        return Observation(Status.CURRENT, "as installed")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Put them back."""
        del seen
        try:
            install(write)
        except StepFailed as failure:
            raise ApplyFailed(failure.message, evidence=failure.details) from failure


def install(hands: Hands) -> bool:
    """Write what differs, let systemd read it, start what runs from now on; returns whether anything changed."""
    differences = _differences(hands)
    if not differences:
        return False
    for path, (name, mode) in _wanted(hands.places.root).items():
        if any(path == Path(where) for where, _, _ in differences):
            hands.write(path, _text(name), mode=mode)
    for argv in (
        ("systemctl", "daemon-reload"),
        ("systemctl", "enable", *AT_BOOT),
        ("systemctl", "enable", "--now", "--no-block", *TIMERS, *RESIDENT),
    ):
        ran = hands.change(*argv, limit_seconds=60)
        if not ran.ok:
            raise StepFailed(f"the node's units could not be installed: {ran.last_words}", details=ran.evidence())
    return True


def installed(root: Path) -> tuple[Path, ...]:
    """Return the files that are put on a node."""
    return tuple(_wanted(root))


def _wanted(root: Path) -> dict[Path, tuple[str, int]]:
    units = {root / "etc/systemd/system" / name: (name, 0o644) for name in (CONVERGE, *_WANTED_BY)}
    node = {root / "usr/local/sbin/edgectl-node": ("edgectl-node.sh", 0o755)}
    return {**units, **node, root / LAUNCHER.lstrip("/"): (_LAUNCHER, 0o755)}


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _differences(read: Look) -> tuple[tuple[str, str, str], ...]:
    found = []
    for path, (name, mode) in _wanted(read.places.root).items():
        have = read.text(path)
        if have is None:
            found.append((str(path), "missing", "present"))
        elif have != _text(name):
            found.append((str(path), "another text", "ours"))
        elif read.mode(path) != mode:
            found.append((str(path), f"{read.mode(path) or 0:04o}", f"{mode:04o}"))
    found += [(str(link), "not enabled", "enabled") for link in links(read.places.root) if not link.is_symlink()]
    return tuple(found)


def links(root: Path) -> tuple[Path, ...]:
    """Return the links by which systemd starts the units: `systemctl enable` makes them."""
    return tuple(root / f"etc/systemd/system/{target}.wants/{name}" for name, target in _WANTED_BY.items())
