"""What tests declare of a node's operating system, and what a node of the sandbox needs for it.

A node may not set the clock, so its chronyd is told to keep its hands off it (-x); no server ever answers it.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.node import Node

DROP_IN = "/etc/systemd/system/chrony.service.d/10-sandbox.conf"
NOBODY = "10.77.0.9"
WAIT_SECONDS = 3
_HANDS_OFF = "[Unit]\nConditionCapability=\n\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x -F 0\n"


def facts(doc: dict[str, Any]) -> None:
    """Declare modules, units, time and log limits of every node."""
    doc["defaults"]["host"] |= {
        "modules": ["overlay"],
        "services": {
            "chrony.service": "enabled",
            "dpkg-db-backup.timer": "enabled",
            "systemd-pstore.service": "masked",
        },
        "time": {"servers": [NOBODY], "wait_seconds": WAIT_SECONDS},
        "logs": {"journal": "64MiB"},
        "files": [{"path": DROP_IN, "text": _HANDS_OFF}],
    }


def prepare(node: Node) -> None:
    """Tell the node what its kernel has built in: a container has neither /lib/modules nor /sys/module."""
    node.sh("d=/lib/modules/$(uname -r); mkdir -p $d; echo kernel/fs/overlayfs/overlay.ko > $d/modules.builtin")
