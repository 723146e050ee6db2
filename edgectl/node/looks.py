"""Looks at a node for an operator: at what is offered (plan), or at what it should be (status). Nothing is changed."""

from __future__ import annotations

import time
from typing import Any

from edgectl.node.converge.loop import Clock, plan
from edgectl.node.converge.protocol import Gate, Observation, Status
from edgectl.node.desired import deployed
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.recipe import recipe
from edgectl.node.rest import not_being_removed, rest
from edgectl.node.tail import brief
from edgectl.wire import event
from edgectl.wire.document import digest_of, from_json, to_json
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import NotReady
from edgectl.wire.event import Event
from edgectl.wire.frame import Frames
from edgectl.wire.k3s import versions_of
from edgectl.wire.payload import Node, Payload, decode
from edgectl.wire.verdict import Verdict


def look_ahead(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Answer what an offered payload lacks here and would change; nothing of it is stored."""
    from edgectl.node.foretell import foretell  # here: who asks how it stands waits for neither
    from edgectl.node.judged import may_follow
    from edgectl.node.receive import want

    payload, node, offer = _given(frames, frame)
    not_being_removed(places, offer.store)
    may_follow(places, offer.store, versions_of(payload), node.name)
    wanted = want(places, {str(digest): int(size) for digest, size in frame["blobs"].items()})
    frames.send("want", blobs=wanted, **foretell(places, offer))
    _look(places, frames, payload, node, tried=offer)


def look_over(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Answer how this node stands against what it should be. Raises NotReady where that is nothing yet."""
    del frame
    if (found := rest(places)) and found.removes:
        raise NotReady(f"this store is {found.sentence}", hint=found.hint)
    payload, node = deployed(places)
    _look(places, frames, payload, node)


def _given(frames: Frames, frame: dict[str, Any]) -> tuple[Payload, Node, Envelope]:
    """Take a payload that is only looked at: it is never stored."""
    data = bytearray()
    frames.receive_bytes(int(frame["bytes"]), data.extend)
    try:
        offer = from_json(Envelope, frame["envelope"])
        payload = decode(bytes(data))
        node = payload.node(offer.node)
    except (ValueError, KeyError) as error:
        raise NotReady(f"the payload cannot be read here: {error}", hint="use a matching edgectl") from error
    if digest_of(bytes(data)) != offer.payload:
        raise NotReady("the payload has other bytes than its digest says", hint="run the same command again")
    return payload, node, offer


def _look(places: Places, frames: Frames, payload: Payload, node: Node, *, tried: Envelope | None = None) -> None:
    began = time.monotonic()

    def say(word: str, step: Gate[Any], seen: Observation) -> None:
        stamp = event.now()
        evidence = seen.evidence if seen.status in {Status.FAILED, Status.UNKNOWN} else ()
        at = round(time.monotonic() - began, 3)
        line = Event("", event.STEP, at, stamp, step.id, step.title, word, seen.reason, seen.differences, evidence)
        frames.send("event", event=brief(to_json(line)))

    verdict = plan(
        recipe(payload, node, tried=tried, planned=tried is not None),
        Look(places),
        say,
        Clock(time.monotonic, time.sleep),
        wrong_first=tried is None,
    )
    frames.send("verdict", verdict=_verdict(verdict))


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "word": verdict.word,
        "exit": verdict.exit,
        "reason": verdict.reason,
        "looked": len(verdict.steps),
        "seconds": round(verdict.seconds, 3),
        "pending": [step.id for step in verdict.steps if step.status == Status.DRIFTED.value],
        "blocked": [step.id for step in verdict.steps if step.status == Status.BLOCKED.value],
    }
