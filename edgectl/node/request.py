"""What a deploy asks of the next run of the engine: a file on tmpfs, taken by whichever run begins first.

Owns: /run/edgectl/request.json. Without a request, a run is a heal.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field

from edgectl.node.converge.lock import holder
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import LATER, canonical, from_json, to_json
from edgectl.wire.envelope import Sender

DEPLOY = "deploy"
HEAL = "heal"
YIELD = "yield"  # a mark beside the lock, while a deploy asks others to step aside


@dataclass(frozen=True)
class Request:
    """One run that is asked for: its id, its kind, who asks, since when (the node's clock)."""

    run: str
    kind: str
    sender: Sender
    since: str
    may_reboot: bool = field(default=False, metadata=LATER)  # also outside the store's hours


def leave(places: Places, request: Request) -> None:
    """Ask the next run to be this one."""
    write_atomic(places.run / "request.json", canonical(to_json(request)))


def put_back(places: Places, request: Request) -> None:
    """Leave what was taken to the next run, unless something newer waits."""
    kept = places.run / "request.kept"
    write_atomic(kept, canonical(to_json(request)))
    with suppress(FileExistsError):
        os.link(kept, places.run / "request.json")
    kept.unlink()


def deploy_comes(places: Places) -> bool:
    """Tell whether a deploy waits to go first: one that lives; the mark alone may be left by one that was killed."""
    return (places.run / YIELD).exists() and holder(places.run / "sending") is not None


def take(places: Places) -> Request | None:
    """Take what is asked for."""
    taken = places.run / "request.taken"
    try:
        (places.run / "request.json").replace(taken)
        return from_json(Request, json.loads(taken.read_bytes()))
    except (OSError, ValueError):
        return None
