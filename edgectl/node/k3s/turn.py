"""Step of the lead: a neighbour may go to the declared k3s now, and has; one node of the store after the other.

The server is first (node/k3s/serverfirst.py), then the agents in the order of the payload: never is more than one of
them on its way, so that a version that is bad for them is met by one. The agent waits for a word on its own Node
object. One that is not there holds nothing up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.joined import STANDS, annotation, excused, is_ready, is_silent, path_of, patience
from edgectl.wire.document import canonical
from edgectl.wire.envelope import Envelope
from edgectl.wire.payload import Node

TURN = "edgectl.local/turn"  # an annotation of each agent's Node, by the lead: {k3s}


def runs(found: dict[str, Any] | None) -> str:
    """Return the version that a Node reports; "" where it does not."""
    return str((found or {}).get("status", {}).get("nodeInfo", {}).get("kubeletVersion", ""))


def has_turn(found: dict[str, Any] | None, version: str) -> bool:
    """Tell whether a node may go to a version: it runs it, has not joined yet, or the lead has said so."""
    return runs(found) in {"", version} or annotation(found, TURN).get("k3s") == version


class Turn:
    """One neighbour of the lead."""

    needs: tuple[str, ...] = ("k3s-serves",)

    def __init__(self, node: Node, tried: Envelope | None) -> None:
        self._node = node
        self._tried = tried
        self.id = f"turn-{node.name}"
        self.title = f"{node.name} k3s"
        self.wait = patience(tried)

    def probe(self, read: Look) -> Observation:
        """Ask for its Node object; one that is given nothing is not waited for."""
        seen = judge(read.api.get(path_of(self._node.name)), self._node, self._tried.sequence if self._tried else 0)
        if seen.status is Status.DRIFTED and self._tried and self._node.name in self._tried.without:
            return replace(seen, status=Status.CURRENT)
        return excused(seen, self._node, self._tried)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Say that it is its turn."""
        del seen
        try:
            text = canonical({"k3s": self._node.k3s.version}).decode()
            write.api.annotate(path_of(self._node.name), {TURN: text})
        except Denied as answer:
            raise ApplyFailed(f"the cluster does not take {self._node.name}'s turn: {answer.message}") from answer


def judge(found: dict[str, Any] | None, node: Node, tried: int = 0) -> Observation:
    """Judge a neighbour's Node object."""
    want, name = node.k3s.version, node.name
    if found is None:
        return Observation(Status.CURRENT, "has not joined")
    if is_silent(found):
        return Observation(Status.CURRENT, "is not there", absent=f"{name} is not there")
    if runs(found) == want:
        return Observation(Status.CURRENT, want) if is_ready(found) else _missed(f"{name} is not Ready")
    said = annotation(found, STANDS)
    if tried and said.get("rejected") == tried:
        return Observation(Status.FAILED, f"{name} has turned it down: {said.get('why', 'it gave no reason')}")
    if has_turn(found, want):
        return _missed(f"{name} goes from {runs(found)} to {want}")
    differences = ((name, runs(found), want),)
    return Observation(
        Status.DRIFTED,
        f"{name} runs {runs(found)}",
        absent=f"{name} runs {runs(found)}, not {want}",
        differences=differences,
    )


def _missed(sentence: str) -> Observation:
    return Observation(Status.IN_PROGRESS, sentence, absent=sentence)
