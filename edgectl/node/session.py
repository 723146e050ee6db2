"""The far end of the link: one process per SSH exec, speaking frames on its standard input and output.

Owns: the questions an operator may ask of a node. Changes nothing itself: a deploy is accepted (push.py) and run
by the unit; this only follows the journal. It may die at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from edgectl.node import audit, pause
from edgectl.node.converge import journal
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.greet import audited, describe, greet
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.launch.permits import permit
from edgectl.node.looks import look_ahead, look_over
from edgectl.node.tail import BEAT_SECONDS, tail
from edgectl.node.trouble import told
from edgectl.wire.document import from_json, to_json
from edgectl.wire.errors import EdgectlError, NotReady, Refused
from edgectl.wire.frame import FrameError, Frames

_TOKEN_SECONDS = 600.0


def serve(places: Places, *, stdin: int = 0, stdout: int = 1, account: str | None = None) -> None:
    """Greet, then answer questions until the link ends."""
    answer(places, greet(places, stdin=stdin, stdout=stdout), account=account)


def answer(places: Places, frames: Frames, *, account: str | None = None) -> None:
    """Answer questions until the link ends; those of an account that is not root only as far as it may ask them."""
    with suppress(FrameError):  # the operator is gone; what was begun goes on
        while True:
            frame = frames.receive()
            if error := _said(places, frames, frame, account):
                frames.send("error", **error.to_json())


def _said(places: Places, frames: Frames, frame: dict[str, Any], account: str | None) -> EdgectlError | None:
    """Answer one question; returns what stands against it."""
    try:
        _answer(places, frames, frame, account)
    except (EdgectlError, LookFailed, OSError) as error:
        return told(error)
    return None


def _answer(places: Places, frames: Frames, frame: dict[str, Any], account: str | None) -> None:
    asked = _QUESTIONS.get(frame["op"])
    if asked is None:
        hint = "use the same edgectl version everywhere"
        raise NotReady(f"this node's engine does not know {frame['op']!r}", hint=hint)
    if account is not None and permit(account, frame):
        _answer_signed(places, frames, frame)
        return
    with audit.deed(places, frame):
        asked(places, frames, frame)


def _answer_signed(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.launch import signed  # here: root's sessions need none of it

    vetted = signed.vetted(places, frame)
    if frame["op"] == "deploy":
        run, sequence = signed.deploy(places, frames, vetted)
        frames.send("accepted", run=run, sequence=sequence, **audited(places))
        tail(places, frames, run, 0)
    elif frame["op"] == "plan":
        look_ahead(places, frames, signed.planned(vetted, frame))
    elif frame["op"] == "stage":
        frames.send("staged", sequence=signed.staged(places, frames, vetted))
    else:
        sequence = signed.ahead_of(places, frames, vetted)
        _settled(places, frames, sequence)


def _deploy(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.push import deploy  # here, as below: whoever only looks does not wait for what this needs

    run, sequence = deploy(places, frames, frame)
    frames.send("accepted", run=run, sequence=sequence, **audited(places))
    tail(places, frames, run, 0)


def _stage(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.push import stage

    frames.send("staged", sequence=stage(places, frames, frame))


def _prefetched(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.models.ahead import expect
    from edgectl.node.push import stage

    _settled(places, frames, stage(places, frames, frame, judged=expect))


def _settled(places: Places, frames: Frames, sequence: int) -> None:
    from edgectl.node.models.ahead import settle

    settle(places)
    frames.send("staged", sequence=sequence)


def _models(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.models.told import answer as told  # here: nobody else waits for what it needs

    frames.send("models", **told(places, frame))


def _followed(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    run, offset = str(frame.get("run", "")), int(frame.get("offset", 0))
    tail(places, frames, run, offset, wait=bool(frame.get("wait", True)))


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
    from edgectl.node import cancel

    run = cancel.ask(places, str(frame["who"]))
    frames.send("cancelling", run=run)
    if run:
        tail(places, frames, run, 0)


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

    frames.send("gpu", look=to_json(patiently(places, lambda: frames.send("beat"), every_seconds=BEAT_SECONDS)))


def _chain(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    del frame
    from edgectl.node.vision.chain.declared import here  # here: nobody else waits for what it needs
    from edgectl.node.vision.chain.looked import looked, remembered

    look = Look(places)
    seen, _ = looked(look, here(places), remembered(look))
    frames.send("chain", look=to_json(seen))


def _doctor(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.doctor import told as doctor  # here: nobody else waits for what it needs

    (doctor.bundle if frame["op"] == "doctor-bundle" else doctor.answer)(places, frames, frame)


def _preflight(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.survey.looked import patiently as looked  # here: nobody else waits for what it needs
    from edgectl.wire.survey import Declared, unfit

    declared, asked = from_json(Declared, frame["declared"]), float(frame["clock"])
    if why := unfit(declared):
        raise Refused(f"this cannot be looked at: {why}", hint="use the same edgectl version everywhere")
    found = looked(places, declared, lambda: frames.send("beat"), every_seconds=BEAT_SECONDS, asked=asked)
    frames.send("findings", findings=to_json(found))


def _reader(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.reader.reader import answer as answered  # here: nobody else waits for what it needs

    frames.send("reader", **answered(places, frame))


def _kept_apart(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from importlib import import_module  # here: nobody else waits for what it needs

    import_module(_APART[frame["op"]]).answer(places, frames, frame)


def _outbox(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.outbox.handed import hand

    hand(places, frames, frame)


def _audit(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.outbox.audited import hand_audit

    hand_audit(places, frames, frame)


def _share(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    from edgectl.node.share.serve import share  # here: nobody else needs TLS

    share(places, frames, frame)


_APART = {
    "backup": "edgectl.node.backup.asked",
    "restore": "edgectl.node.backup.restore",
    "forget-node": "edgectl.node.backup.forget",
    "remove": "edgectl.node.remove.asked",
    "lab": "edgectl.node.lab.asked",
}
_QUESTIONS: dict[str, Callable[[Places, Frames, dict[str, Any]], None]] = {
    "deploy": _deploy,
    "stage": _stage,
    "share": _share,
    "prefetch": _prefetched,
    "models": _models,
    "follow": _followed,
    "plan": look_ahead,
    "status": look_over,
    "gpu": _gpu,
    "chain": _chain,
    "preflight": _preflight,
    "doctor": _doctor,
    "doctor-bundle": _doctor,
    "journal": _runs_kept,
    "history": _slots_kept,
    "cancel": _cancel,
    "texts": _texts,
    "reader": _reader,
    "join-token": _join_token,
    "outbox": _outbox,
    "audit": _audit,
    "pause": _pause,
    "resume": _resume,
    **dict.fromkeys(_APART, _kept_apart),
}


def _history(places: Places) -> list[dict[str, Any]]:
    """Return every kept slot, newest first: what it is to this store, and whether its content is still here."""
    from edgectl.node.receive import absent

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
