"""Images on every node before anything runs there: an agent says which it holds, the lead waits for its word.

Without it, an update would move pods to a node that is still unpacking, and they would fail for want of an image.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.joined import annotation, excused, is_silent, path_of, patience
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.envelope import Envelope
from edgectl.wire.payload import Node

HOLDS = "edgectl.local/holds"  # an annotation of a Node, by its own engine: {images}


def images_of(node: Node) -> str:
    """Return the name of all images that a node should hold."""
    return digest_of(canonical(sorted(image.archive for image in node.k3s.images)))


class Announced:
    """Step of an agent: the cluster knows which images it holds."""

    id = "images-announced"
    title = "images announced"
    needs: tuple[str, ...] = ("images",)
    wait = Wait(limit_seconds=15)

    def __init__(self, node: Node) -> None:
        self._node = node

    def probe(self, read: Look) -> Observation:
        """Compare what stands on its own Node."""
        have = annotation(read.api.get(path_of(self._node.name)), HOLDS).get("images")
        if have == images_of(self._node):
            return Observation(Status.CURRENT, "as held")
        return Observation(Status.DRIFTED, "the cluster does not know them yet")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Say it."""
        del seen
        text = canonical({"images": images_of(self._node)}).decode()
        try:
            write.api.annotate(path_of(self._node.name), {HOLDS: text})
        except Denied as answer:
            raise ApplyFailed(f"the cluster does not take this node's word: {answer.message}") from answer


class Stocked:
    """Gate of the lead: a neighbour on which pods may run holds their images."""

    needs: tuple[str, ...] = ("k3s-serves",)

    def __init__(self, node: Node, tried: Envelope | None) -> None:
        self._node = node
        self._tried = tried
        self.id = f"stock-{node.name}"
        self.title = f"{node.name} images"
        self.wait = patience(tried)

    def probe(self, read: Look) -> Observation:
        """Ask for its Node object; one that is given nothing is not waited for."""
        return excused(judge(read.api.get(path_of(self._node.name)), self._node), self._node, self._tried)


def judge(found: dict[str, Any] | None, node: Node) -> Observation:
    """Judge a neighbour's Node object."""
    if found is None:
        return Observation(Status.CURRENT, "has not joined: nothing runs there")
    if is_silent(found):
        return Observation(Status.CURRENT, "is not there", absent=f"{node.name} is not there")
    if annotation(found, HOLDS).get("images") == images_of(node):
        return Observation(Status.CURRENT, f"{len(node.k3s.images)} images")
    missed = f"{node.name} does not hold the images yet"
    return Observation(Status.IN_PROGRESS, missed, absent=missed)
