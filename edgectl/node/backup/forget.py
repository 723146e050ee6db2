"""A machine that died is taken out of its cluster: its Node object, and the password by which k3s knows it.

Owns: the answer to the question `forget-node`, on the lead. One that still answers to the cluster is not forgotten
unless a person has said so.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.backup.take import lead_of
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.k3s.joined import is_silent, path_of
from edgectl.wire.errors import NotReady, Refused, UsageError
from edgectl.wire.frame import Frames


def answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Forget one node of this store's cluster. Raises Refused, NotReady, LookFailed."""
    name = str(frame["name"])
    payload = lead_of(places)
    if name not in {node.name for node in payload.nodes} or name == payload.lead.name:
        raise UsageError(f"{name} is no node that follows {payload.lead.name}", hint="deploy the store first")
    gone = forget(Hands(places), name, anyway=bool(frame.get("anyway")))
    frames.send("forgotten", gone=gone)


def forget(hands: Hands, name: str, *, anyway: bool) -> list[str]:
    """Delete both; returns what was there. The password goes last: killed in between, nothing is found amiss."""
    found = hands.api.get(path_of(name))
    if found is not None and not is_silent(found) and not anyway:
        raise Refused(
            f"{name} still answers to its cluster: the machine that was there is alive",
            hint="switch it off and wait a minute, or say --anyway",
        )
    secret = f"/api/v1/namespaces/kube-system/secrets/{name}.node-password.k3s"
    gone = []
    try:
        for what, path, there in (
            (f"Node {name}", path_of(name), found is not None),
            (f"k3s's password of {name}", secret, hands.api.get(secret) is not None),
        ):
            if there:
                hands.api.delete(path)
                gone.append(what)
    except Denied as error:
        raise NotReady(f"the cluster does not forget {name}: {error}", hint="run the same command again") from error
    return gone
