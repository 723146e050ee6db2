"""Questions to a node that change nothing: plan, status, gpu, chain, which runs are kept; and pause and resume.

Owns: one session per question.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.caps import Forecast
from edgectl.control.deploy.foresight import pauses_of
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.operator import asker
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.session import Session
from edgectl.control.payload.effects import Pause
from edgectl.wire import event
from edgectl.wire.chainlook import ChainLook
from edgectl.wire.document import from_json, to_json
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import Exit, NotReady
from edgectl.wire.frame import FrameError
from edgectl.wire.gpu import GpuLook

Open = Callable[[], Session]
CONTENT = "blobs"  # the id of the gate that a deploy makes true by sending


@dataclass(slots=True)
class Seen:
    """What a look has shown, and what it cost."""

    hello: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    verdict: dict[str, Any] = field(default_factory=dict)
    missing_blobs: int = 0
    missing_bytes: int = 0
    neighbour_bytes: int = 0  # that nodes of the store can take from each other, and that do not cross the line
    missing: dict[str, int] = field(default_factory=dict)  # blobs that the node lacks -> bytes of them
    offered: frozenset[str] = frozenset()  # blobs that it was asked about
    pauses: tuple[Pause, ...] = ()
    link_bytes: int = 0
    seconds: float = 0.0

    @property
    def exit(self) -> int:
        """The exit code of a plan: content that is not there yet is a change, not a fault."""
        code = int(self.verdict.get("exit", Exit.NOT_READY))
        wrong = [item for item in self.events if item.get("word") in {event.FAILED, event.UNKNOWN, event.WAITING}]
        if (self.missing_bytes or self.neighbour_bytes) and all(item.get("step") == CONTENT for item in wrong):
            return int(Exit.PENDING)
        return code

    def document(self, forecast: Forecast | None = None) -> dict[str, Any]:
        """Return it for `--output json`; a plan's with how long the missing bytes will take."""
        foreseen = {} if forecast is None else _foreseen(self, forecast)
        return {
            "verdict": self.verdict,
            **{key: self.hello.get(key) for key in ("current", "candidate", "newest", "sequence", "pause", "holder")},
            "held": self.hello.get("held", []),
            "rollouts": self.hello.get("rollouts", []),
            "steps": self.events,
            "missing_blobs": self.missing_blobs,
            "missing_bytes": self.missing_bytes,
            **foreseen,
            "link_bytes": self.link_bytes,
            "seconds": round(self.seconds, 3),
        }


def _foreseen(seen: Seen, forecast: Forecast) -> dict[str, Any]:
    return {
        "bytes_missing": seen.missing_bytes,
        "neighbour_bytes": seen.neighbour_bytes,
        "seconds_estimate": forecast.seconds,
        "rate_estimate": forecast.rate,  # bytes a second
        "estimate_from": forecast.why,
        "pauses": [asdict(pause) for pause in seen.pauses],
    }


def plan(offer: Offer, payload: bytes, connect: Open, listener: Listener) -> Seen:
    """Ask the node what it would change to become this; the payload is not stored there."""
    envelope = Envelope(offer.store, offer.node, offer.payload, offer.runtime, "", 0, "", offer.sender)

    def ask(session: Session) -> None:
        signed = offer.signed.fields() if offer.signed else {}
        session.frames.send("plan", envelope=to_json(envelope), blobs=offer.blobs, bytes=len(payload), **signed)
        session.frames.send_bytes(payload)

    seen = _look(connect, listener, ask, lambda frame: pauses_of(frame, offer.sources.get(offer.payload)))
    seen.offered = frozenset(offer.blobs)
    return seen


def status(connect: Open, listener: Listener) -> Seen:
    """Ask the node whether it is what it should be by its own last accepted deploy."""
    return _look(connect, listener, lambda session: session.frames.send("status"))


def runs(connect: Open) -> list[str]:
    """Return the names of the runs that the node has kept, newest first."""
    return [str(name) for name in ask(connect, "journal")["runs"]]


def join_token(connect: Open, *, seconds: float) -> str:
    """Return what the store's agents join with; waits for the lead's k3s to make it. The caller keeps it secret."""
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        session.frames.send("join-token", seconds=seconds, who=asker(), key=session.key)
        while True:
            frame = session.frames.receive()
            if frame["op"] == "join-token":
                return str(frame["token"])
            if frame["op"] != "beat":
                need(frame, "join-token")


def cancel(connect: Open, who: str) -> dict[str, Any] | None:
    """Drop what is being deployed; returns the last event of its run, {} when none ran, None when nothing is deployed.

    Raises NotReady when the run ends without a verdict.
    """
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        session.frames.send("cancel", who=who)
        found = session.frames.receive()
        need(found, "cancelling")
        if not found["run"]:
            return None if found["run"] is None else {}
        while True:
            frame = session.frames.receive()
            if frame["op"] == "event" and frame["event"].get("kind") == event.VERDICT:
                return dict(frame["event"])
            if frame["op"] == "lost":
                raise NotReady("the run ended without a verdict", hint="edgectl status STORE")
            if frame["op"] not in {"event", "beat", "end"}:
                need(frame, "event")


def gpus(connect: Open) -> GpuLook:
    """Ask the node what it sees of its GPUs."""
    answer = ask(connect, "gpu")
    try:
        return from_json(GpuLook, answer["look"])
    except (KeyError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error


def chain(connect: Open) -> ChainLook:
    """Ask the node how the store's chain is."""
    answer = ask(connect, "chain")
    try:
        return from_json(ChainLook, answer["look"])
    except (KeyError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error


def ask(connect: Open, op: str, /, **fields: object) -> dict[str, Any]:
    """Ask one question and return the answer; one that says who asks says with which key they came, too."""
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        session.frames.send(op, **fields, **({"key": session.key} if "who" in fields else {}))
        while (frame := session.frames.receive())["op"] == "beat":
            pass
        if frame["op"] == "error":
            need(frame, "")
        return frame


def _look(
    connect: Open,
    listener: Listener,
    ask_it: Callable[[Session], None],
    pauses: Callable[[dict[str, Any]], tuple[Pause, ...]] = lambda _: (),
) -> Seen:
    began = time.monotonic()
    seen = Seen()
    with speaking(connect) as session:
        seen.hello = session.frames.receive()
        need(seen.hello, "hello")
        listener.connected(seen.hello)
        ask_it(session)
        while True:
            frame = session.frames.receive()
            if frame["op"] == "want":
                seen.pauses = pauses(frame)
                seen.missing_blobs = len(frame["blobs"])
                seen.missing = {item["digest"]: int(item["size"]) - int(item["have_bytes"]) for item in frame["blobs"]}
                seen.missing_bytes = sum(seen.missing.values())
            elif frame["op"] == "event":
                seen.events.append(frame["event"])
                listener.event(frame["event"])
            elif frame["op"] == "verdict":
                seen.verdict = frame["verdict"]
                break
            else:
                need(frame, "event")
        seen.link_bytes = session.link_bytes
    seen.seconds = time.monotonic() - began
    return seen


class speaking:  # noqa: N801 - used as a statement: with speaking(connect) as session
    """A session that ends with the block; a broken conversation is a lost link."""

    def __init__(self, connect: Open) -> None:
        self._connect = connect

    def __enter__(self) -> Session:
        self._session = self._connect()
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._session.close()
        if isinstance(error, FrameError):
            raise LinkLost("the link broke off", details=(str(error),)) from error
