"""What tests declare of a node's operating system, and what a node of the sandbox needs for it.

A node may not set the clock, so its chronyd is told to keep its hands off it (-x); no server ever answers it.
"""

from __future__ import annotations

from typing import Any

DROP_IN = "/etc/systemd/system/chrony.service.d/10-sandbox.conf"
NOBODY = "10.77.0.9"
WAIT_SECONDS = 3
_HANDS_OFF = "[Unit]\nConditionCapability=\n\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x -F 0\n"


def facts(doc: dict[str, Any]) -> None:
    """Declare modules, units, time and log limits of every node."""
    doc["defaults"]["host"] |= {
        "modules": ["overlay"],
        "services": {"chrony.service": "enabled", "fstrim.timer": "enabled", "systemd-pstore.service": "masked"},
        "time": {"servers": [NOBODY], "wait_seconds": WAIT_SECONDS},
        "logs": {"journal": "64MiB"},
        "files": [{"path": DROP_IN, "text": _HANDS_OFF}],
    }
