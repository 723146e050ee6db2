"""One node is asked what is wrong with it; what only the asker sees comes beside it.

Owns: the conversation, one session a node, and how slow a line is told to be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.look import Open, speaking
from edgectl.control.link.session import Session
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.document import from_json
from edgectl.wire.errors import NotReady

_MOST_BUNDLE = 6_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node says of itself, and what its answering shows. `seconds`: a question's way there and back."""

    diagnosis: Diagnosis
    hello: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    bundle: bytes = b""


def ask(connect: Open, *, bundle_bytes: int = 0) -> Answer:
    """Ask one node; with `bundle_bytes` for its bundle, too. Raises Unreachable, NotReady, Refused."""
    with speaking(connect) as session:
        hello = session.frames.receive()
        need(hello, "hello")
        began = time.monotonic()
        session.frames.send("journal")  # the smallest question there is: its time is the line's
        need(session.frames.receive(), "runs")
        took = time.monotonic() - began
        if bundle_bytes:
            session.frames.send("doctor-bundle", most=bundle_bytes)
            return replace(_bundled(session), hello=hello, seconds=took)
        session.frames.send("doctor")
        frame = _answered(session)
        need(frame, "doctor")
        return Answer(_read(frame), hello, took)


def _bundled(session: Session) -> Answer:
    frame, data = _answered(session), bytearray()
    need(frame, "bundle")
    if not 0 < int(frame["bytes"]) <= _MOST_BUNDLE:
        raise NotReady("the node's bundle is larger than any can be", hint="use a matching edgectl")
    session.frames.receive_bytes(int(frame["bytes"]), data.extend)
    return Answer(_read(frame), bundle=bytes(data))


def _answered(session: Session) -> dict[str, Any]:
    while (frame := session.frames.receive())["op"] == "beat":
        pass
    return frame


def _read(frame: dict[str, Any]) -> Diagnosis:
    try:
        return from_json(Diagnosis, frame["diagnosis"])
    except (KeyError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error
