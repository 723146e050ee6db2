"""All that is edgectl's off this machine, for a person who has named its store. Backups and the audit file stay.

Owns: the answer to the question `remove`, and the order of it. Each part can be done again: killed anywhere in here,
the same question goes on. When the operator has gone, it is done all the same. Its first act, under both locks, is the
note, on the disk: from then on nothing here heals what goes (node/rest.py). The second is that the timers are off, on
the disk, too: they start the engine of what runs, and an older one knows no note.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from edgectl.node import pause
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.slots import Slots
from edgectl.node.io.files import sync_dir
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.remove import cluster, system
from edgectl.node.remove.note import Note, keep, read
from edgectl.node.request import DEPLOY
from edgectl.node.sending import has_ended
from edgectl.node.units.install import AT_BOOT, CONVERGE, RESIDENT, TIMERS, installed, links
from edgectl.node.working import working
from edgectl.wire import event
from edgectl.wire.errors import Locked, Refused
from edgectl.wire.frame import FrameError, Frames

_SECONDS = 120.0
_END_SECONDS = 30.0
_STAYS = ("saved", "audit")  # names of what is kept begin so; copies from before an upgrade are of this cluster alone


def answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Say what would go, or take it. Raises Refused, Locked, StepFailed, LookFailed, OSError."""
    store, note = str(frame["store"]), read(places)
    if note is None:
        frames.send("removed", nothing=True, left=[], kept=_kept(places))
        return
    if note.store != store:
        raise Refused(
            f"this machine belongs to {note.store}, and not to {store}; it is left as it is",
            hint="look at its address in the inventory",
        )
    if frame.get("look"):
        frames.send("removable", node=note.node, folders=list(note.folders), kept=_kept(places))
        return

    def say(what: str) -> None:
        with suppress(FrameError, OSError):
            frames.send("removing", what=what)

    left = working(frames, lambda: remove(places, note, say))
    frames.send("removed", nothing=False, left=left, kept=_kept(places))


def remove(places: Places, note: Note, say: Callable[[str], None]) -> list[str]:
    """Take everything off; returns what was left, since it may be somebody else's."""
    mine = {"kind": "remove", "pid": os.getpid(), "since": event.now(), "sender": {"user": "someone", "host": "remove"}}
    with Lock(places.run / "sending", mine) as sending, Lock(places.run, mine) as engine:
        if not sending.acquire():
            raise Locked(f"somebody sends to {note.store} now", hint="run the same command again when that has ended")
        _free(places, note.store)
        hands = Hands(places)
        _alone(hands, engine)
        keep(places, replace(note, since=note.since or event.now(), sequence=Slots(places).sequence))
        say("edgectl's timers and its watchdog")
        _quiet(hands)
        say("k3s, with all that runs in it")
        cluster.take_off(hands, note)
        say("files, services, packages and accounts")
        system.put_back(hands)
        left = system.pods_data(hands, note.folders)
        say("edgectl itself")
        _units(hands)
        _state(places)
    shutil.rmtree(places.run, ignore_errors=True)
    places.removing.unlink(missing_ok=True)
    with suppress(OSError):  # backups or the audit file are there
        places.state.rmdir()
    return left


def _free(places: Places, store: str) -> None:
    paused = pause.read(places)
    if paused:
        raise Locked(f"{store} is {paused.sentence()}", hint=f"edgectl resume {store}")
    until = time.monotonic() + _END_SECONDS
    while (found := holder(places.run) or {}).get("kind") == DEPLOY:
        if time.monotonic() > until or not has_ended(places, str(found.get("run", ""))):
            raise Locked(f"{store} is being deployed", hint=f"edgectl cancel {store}, then run the same command again")
        time.sleep(0.1)  # it has said its verdict, and puts its papers in order


def _alone(hands: Hands, engine: Lock) -> None:
    """Hold this node, before anything says that it is being removed. A self-heal ends: what it mends goes anyway."""
    until = time.monotonic() + _END_SECONDS
    while True:
        hands.change("systemctl", "stop", CONVERGE, limit_seconds=_SECONDS)
        if engine.acquire():
            return
        if time.monotonic() > until:
            raise Locked("a run holds this node", hint="run the same command again in a minute")
        time.sleep(0.5)  # the watchdog does something, or a timer has started the next self-heal


def _quiet(hands: Hands) -> None:
    """Nothing of ours starts by itself any more, after a power cut neither."""
    there = [name for name in (*TIMERS, *RESIDENT) if hands.unit(name).get("LoadState") == "loaded"]
    if there:
        hands.change("systemctl", "disable", "--now", *there, limit_seconds=_SECONDS)
    hands.change("systemctl", "stop", CONVERGE, limit_seconds=_SECONDS)  # one that a timer had started, and waits
    wanted = {link.parent for link in links(hands.places.root)}
    for folder in sorted({*wanted, *(path.parent for path in wanted)}):
        if folder.is_dir():  # systemctl takes those away that are empty
            sync_dir(folder)


def _units(hands: Hands) -> None:
    for link in links(hands.places.root):
        hands.remove(link)
    for path in installed(hands.places.root):
        hands.remove(path)
    hands.change("systemctl", "daemon-reload", limit_seconds=_SECONDS)
    names = (CONVERGE, *TIMERS, *AT_BOOT, *RESIDENT, *cluster.UNITS)
    hands.change("systemctl", "reset-failed", *names, limit_seconds=_SECONDS)


def _state(places: Places) -> None:
    """Take the state away, what says whose machine this was last of all."""
    for path in sorted(places.state.iterdir()):
        if path.name.startswith(_STAYS) or path == places.removing:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # there are none in it
        (places.saved / ".lock").unlink(missing_ok=True)
        places.saved.rmdir()
    sync_dir(places.state)


def _kept(places: Places) -> list[str]:
    """Return what stays on the machine."""
    if not places.state.is_dir():
        return []
    found = sorted(path for path in places.state.iterdir() if path.name.startswith(_STAYS))
    return [str(path) for path in found if not path.is_dir() or any(path.iterdir())]
