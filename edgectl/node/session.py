"""The far end of the link: one process per SSH exec, speaking frames on its standard input and output.

Owns: the questions an operator may ask of a node. Changes nothing itself: a deploy is accepted (accept.py) and run
by the unit; this only follows the journal. It may die at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from edgectl.node import cancel, pause
from edgectl.node.accept import deploy, stage
from edgectl.node.converge import journal
from edgectl.node.converge.lock import holder
from edgectl.node.converge.loop import Clock, plan
from edgectl.node.converge.protocol import Gate, LookFailed, Observation, Status
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.foretell import foretell
from edgectl.node.greet import describe, greet
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.receive import absent, want
from edgectl.node.recipe import recipe
from edgectl.wire import event
from edgectl.wire.document import from_json, to_json
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import EdgectlError, NotReady
from edgectl.wire.event import Event
from edgectl.wire.frame import FrameError, Frames
from edgectl.wire.payload import Node, Payload, decode
from edgectl.wire.verdict import Verdict

_POLL_SECONDS = 0.02
_BEAT_SECONDS = 10.0
_LOST_SECONDS = 5.0
_TOKEN_SECONDS = 600.0


def serve(places: Places, *, stdin: int = 0, stdout: int = 1) -> None:
    """Greet, then answer questions until the link ends."""
    answer(places, greet(places, stdin=stdin, stdout=stdout))


def answer(places: Places, frames: Frames) -> None:
    """Answer questions until the link ends."""
    with suppress(FrameError):  # the operator is gone; what was begun goes on
        while True:
            frame = frames.receive()
            if error := _said(places, frames, frame):
                frames.send("error", **error.to_json())


def _said(places: Places, frames: Frames, frame: dict[str, Any]) -> EdgectlError | None:
    """Answer one question; returns what stands against it."""
    try:
        _answer(places, frames, frame)
    except EdgectlError as error:
        return error
    except LookFailed as failure:
        hint = "look at the node (systemctl, journalctl), then run the same command again"
        return NotReady(failure.reason, hint=hint, details=failure.evidence)
    except OSError as error:  # a full or read-only disk, say: the node's state, no bug of ours
        place = f" ({error.filename})" if error.filename else ""
        return NotReady(
            f"this node cannot go on: {error.strerror or error}{place}",
            hint="look at its disk (df -h, df -i, mount), then run the same command again",
        )
    return None


def _answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    asked = _QUESTIONS.get(frame["op"])
    if asked is None:
        hint = "use the same edgectl version everywhere"
        raise NotReady(f"this node's engine does not know {frame['op']!r}", hint=hint)
    asked(places, frames, frame)


def _deploy(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    run, sequence = deploy(places, frames, frame)
    frames.send("accepted", run=run, sequence=sequence)
    _follow(places, frames, run, 0)


def _stage(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    frames.send("staged", sequence=stage(places, frames, frame))


def _followed(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    run, offset = str(frame.get("run", "")), int(frame.get("offset", 0))
    _follow(places, frames, run, offset, wait=bool(frame.get("wait", True)))


def _plan(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    payload, node, offer = _given(frames, frame)
    wanted = want(places, {str(digest): int(size) for digest, size in frame["blobs"].items()})
    frames.send("want", blobs=wanted, **foretell(places, offer))
    _look(places, frames, payload, node, tried=offer)


def _status(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    del frame
    slots = Slots(places)
    slot = slots.current or slots.candidate
    if slot is None:
        raise NotReady("nothing has been deployed to this node yet", hint="edgectl deploy STORE")
    try:
        payload, node = load(places, slot, slots.apps_of(slot))
    except (OSError, ValueError) as error:
        raise NotReady(f"what this node should be cannot be read: {error}", hint="deploy it again") from error
    _look(places, frames, payload, node)


def _runs_kept(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    del frame
    frames.send("runs", runs=[path.name for path in journal.runs(places.journal)])


def _slots_kept(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    del frame
    frames.send("slots", slots=_history(places))


def _texts(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Tell what managed files of the host say now; those that not everybody may read are told to nobody."""
    slots, texts = Slots(places), {}
    if (slot := slots.current) is not None:
        look, wanted = Look(places), set(frame["paths"])
        for file in load(places, slot, slots.apps_of(slot))[1].host.files:
            text = look.text(places.root / file.path.lstrip("/"))
            if file.path in wanted and text is not None and int(file.mode, 8) & 0o004:
                texts[file.path] = text
    frames.send("texts", texts=texts)


def _join_token(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Give what the store's agents join with, as soon as k3s has made it. It is in no journal."""
    deadline = time.monotonic() + min(float(frame["seconds"]), _TOKEN_SECONDS)
    while (token := Look(places).text(places.k3s_data / "server/token")) is None:
        if time.monotonic() > deadline:
            raise NotReady("k3s has not made its join token yet", hint="edgectl journal STORE says how far it is")
        frames.send("beat")
        time.sleep(1)
    frames.send("join-token", token=token.strip())


def _cancel(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    run = cancel.ask(places, str(frame["who"]))
    frames.send("cancelling", run=run)
    if run:
        _follow(places, frames, run, 0)


def _pause(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    seconds = float(frame["seconds"])
    begun = pause.begin(places, who=str(frame["who"]), why=str(frame["why"]), seconds=seconds)
    frames.send("paused", sentence=begun.sentence())


def _resume(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    del frame
    was = pause.read(places)
    pause.end(places)
    frames.send("resumed", was=was.sentence() if was else "")


def _gpu(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    del frame
    from edgectl.node.gpu.looked import patiently  # here: nobody else waits for what it needs

    frames.send("gpu", look=to_json(patiently(places, lambda: frames.send("beat"), every_seconds=_BEAT_SECONDS)))


_QUESTIONS: dict[str, Callable[[Places, Frames, dict[str, Any]], None]] = {
    "deploy": _deploy,
    "stage": _stage,
    "follow": _followed,
    "plan": _plan,
    "status": _status,
    "gpu": _gpu,
    "journal": _runs_kept,
    "history": _slots_kept,
    "cancel": _cancel,
    "texts": _texts,
    "join-token": _join_token,
    "pause": _pause,
    "resume": _resume,
}


def _history(places: Places) -> list[dict[str, Any]]:
    """Return every kept slot, newest first: what it is to this store, and whether its content is still here."""
    slots = Slots(places)
    linked = {"current": slots.current, "previous": slots.previous, "candidate": slots.candidate}
    state = {slot.folder: name for name, slot in linked.items() if slot}
    rows = []
    for slot in slots.all():
        try:
            payload, node = load(places, slot)
            here = not absent(places, payload.blobs_of(node))
        except (OSError, ValueError):
            here = False
        rows.append({**(describe(slots, slot) or {}), "state": state.get(slot.folder, ""), "here": here})
    return rows


def _given(frames: Frames, frame: dict[str, Any]) -> tuple[Payload, Node, Envelope]:
    """Take a payload that is only looked at: it is never stored."""
    data = bytearray()
    frames.receive_bytes(int(frame["bytes"]), data.extend)
    try:
        payload = decode(bytes(data))
        offer = from_json(Envelope, frame["envelope"])
        return payload, payload.node(offer.node), offer
    except (ValueError, KeyError) as error:
        raise NotReady(f"the payload cannot be read here: {error}", hint="use a matching edgectl") from error


def _look(places: Places, frames: Frames, payload: Payload, node: Node, *, tried: Envelope | None = None) -> None:
    began = time.monotonic()

    def say(word: str, step: Gate[Any], seen: Observation) -> None:
        stamp = event.now()
        evidence = seen.evidence if seen.status in {Status.FAILED, Status.UNKNOWN} else ()
        at = round(time.monotonic() - began, 3)
        line = Event("", event.STEP, at, stamp, step.id, step.title, word, seen.reason, seen.differences, evidence)
        frames.send("event", event=_brief(to_json(line)))

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


def _follow(places: Places, frames: Frames, run: str, offset: int, *, wait: bool = True) -> None:
    """Send a run's events from an offset on, until its verdict (or, without `wait`, as far as it is).

    `lost` says that there is no such run, or that it ended without a verdict.
    """
    path = journal.find(run, *places.journals) if run else journal.newest(*places.journals)
    if path is None:
        frames.send("lost", run=run, found=False)
        return
    beat = quiet = time.monotonic()
    while True:
        events = journal.follow(path, offset)
        for item, behind in events:
            offset = behind  # how far the operator is, also if the link breaks at this event
            frames.send("event", event=_brief(item), offset=offset)
            if item.get("kind") == event.VERDICT:
                frames.send("end", run=run, offset=offset)
                return
        if not wait:
            frames.send("end", run=run, offset=offset)
            return
        now = time.monotonic()
        if events:
            beat = quiet = now
            continue
        if now - quiet > _LOST_SECONDS and not _runs(places, path):
            frames.send("lost", run=run, found=True)
            return
        if now - beat > _BEAT_SECONDS:
            frames.send("beat")
            beat = now
        time.sleep(_POLL_SECONDS)


def _runs(places: Places, path: Any) -> bool:
    found = holder(places.run)
    return found is not None and path.name.endswith(f"-{found.get('run')}.jsonl")


def _brief(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty, and the run id that both sides know: a no-op costs a few kilobytes."""
    return {key: value for key, value in item.items() if value not in ("", [], {}) and key not in {"run", "time"}}
