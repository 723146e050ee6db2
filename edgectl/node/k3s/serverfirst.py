"""Gate of an agent: the server runs no older k3s than the one that this node is to run, and it is this node's turn.

A kubelet must not be newer than its API server (kubernetes.io/releases/version-skew-policy); of a patch version, too,
the server is to have shown that it serves. A server that cannot be asked holds nothing up: what is installed here is
then as it was, or this node has not joined yet.
"""

from __future__ import annotations

import json
from contextlib import suppress

from edgectl.node.converge.protocol import LookFailed, Observation, Status, Wait
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.node.k3s.joined import path_of
from edgectl.node.k3s.turn import has_turn
from edgectl.wire.k3s import parse


class ServerFirst:
    """Compares versions."""

    id = "server-first"
    title = "server's version"
    needs: tuple[str, ...] = ()
    wait = Wait(limit_seconds=1800)  # others may be before it, each for minutes

    def __init__(self, node: str, version: str) -> None:
        self._node = node
        self._version = version

    def probe(self, read: Look) -> Observation:
        """Ask the API for its version, then for this node."""
        try:
            said = str(json.loads(read.api.get_text("/version")).get("gitVersion", ""))
        except (LookFailed, Denied, ValueError, AttributeError):
            return Observation(Status.CURRENT, "the server cannot be asked")
        found, want = parse(said), parse(self._version)
        if found and want and found < want:
            return Observation(Status.IN_PROGRESS, f"the server still runs {said}")
        with suppress(LookFailed, Denied):
            if not has_turn(read.api.get(path_of(self._node)), self._version):
                return Observation(Status.IN_PROGRESS, "waits for its turn: one node after the other")
        return Observation(Status.CURRENT, said or "not known")
