"""A reader of a store's cluster, as its operator holds it: asked for over a session, and given back.

Owns the question. Must not know ports or files.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from edgectl.control.deploy.answered import need
from edgectl.control.link.secret import Secret
from edgectl.control.link.session import Session
from edgectl.wire.errors import NotReady

_GOODBYE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Access:
    """Who we are to the cluster until when (RFC 3339), and by what its API is known."""

    name: str
    token: Secret
    until: str
    ca: str
    port: int
    server_name: str


def ask(session: Session, *, who: str, seconds: float) -> Access:
    """Have the node make a reader; NotReady when there is no cluster yet, Refused when it may not be made."""
    name = f"edgectl-reader-{secrets.token_hex(8)}"
    session.frames.send("reader", deed="open", name=name, who=who, key=session.key, seconds=seconds)
    frame = session.frames.receive()
    need(frame, "reader")
    try:
        return Access(
            name=name,
            token=Secret(str(frame["token"])),
            until=str(frame["until"]),
            ca=str(frame["ca"]),
            port=int(frame["port"]),
            server_name=str(frame["server_name"]),
        )
    except (KeyError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error


def give_back(session: Session, access: Access) -> None:
    """Have the node take the reader away: from now on its token opens nothing. Raises when that is not sure."""
    session.channel.patience_seconds = _GOODBYE_SECONDS
    session.frames.send("reader", deed="close", name=access.name)
    need(session.frames.receive(), "reader")
