"""Gate of an agent: the server runs no older k3s minor version than the one that this node is to run.

A kubelet must not be newer than its API server (kubernetes.io/releases/version-skew-policy). A server that cannot be
asked holds nothing up: what is installed here is then as it was, or this node has not joined yet.
"""

from __future__ import annotations

import json
import re

from edgectl.node.converge.protocol import LookFailed, Observation, Status, Wait
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look

_MINOR = re.compile(r"v?(\d+)\.(\d+)")


class ServerFirst:
    """Compares minor versions."""

    id = "server-first"
    title = "server's version"
    needs: tuple[str, ...] = ()
    wait = Wait(limit_seconds=600)

    def __init__(self, version: str) -> None:
        self._version = version

    def probe(self, read: Look) -> Observation:
        """Ask the API for its version."""
        try:
            said = json.loads(read.api.get_text("/version"))
            found, want = _MINOR.match(str(said.get("gitVersion", ""))), _MINOR.match(self._version)
        except (LookFailed, Denied, ValueError, AttributeError):
            return Observation(Status.CURRENT, "the server cannot be asked")
        if found and want and (int(found[1]), int(found[2])) < (int(want[1]), int(want[2])):
            return Observation(Status.IN_PROGRESS, f"the server still runs v{found[1]}.{found[2]}")
        return Observation(Status.CURRENT, f"v{found[1]}.{found[2]}" if found else "not known")
