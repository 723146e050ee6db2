"""Put the fixed units and the `edgectl-node` command on a node, once.

Their text does not change with edgectl's version, so a new version reloads nothing. Owns these four files only.
"""

from __future__ import annotations

from pathlib import Path

from edgectl.node.io.look import Hands
from edgectl.wire.errors import StepFailed

_HERE = Path(__file__).parent
TIMERS = ("edgectl-boot.timer", "edgectl-heal.timer")
CONVERGE = "edgectl-converge.service"


def install(hands: Hands) -> bool:
    """Write what differs, let systemd read it, start the timers; returns whether anything changed."""
    root = hands.places.root
    wanted = {name: (root / "etc/systemd/system" / name, 0o644) for name in (CONVERGE, *TIMERS)}
    wanted["edgectl-node.sh"] = (root / "usr/local/sbin/edgectl-node", 0o755)
    changed = False
    for name, (path, mode) in wanted.items():
        text = (_HERE / name).read_text()
        if hands.text(path) != text or hands.mode(path) != mode:
            hands.write(path, text, mode=mode)
            changed = True
    enabled = all((root / "etc/systemd/system/timers.target.wants" / timer).is_symlink() for timer in TIMERS)
    if not changed and enabled:
        return False
    for argv in (("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", *TIMERS)):
        ran = hands.change(*argv, limit_seconds=60)
        if not ran.ok:
            raise StepFailed(f"the node's units could not be installed: {ran.last_words}", details=ran.evidence())
    return True
