"""How edgectl itself stands on this node: slots, pause, the run that runs, the last verdict, its units and telling.

Owns: these looks. What a person or a run has decided is a note, no fault.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from edgectl.node import pause
from edgectl.node.converge import journal
from edgectl.node.converge.lock import holder
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.doctor.symptom import FINE, NOTE, UNSEEN, WRONG, Symptom
from edgectl.node.io.look import Look
from edgectl.node.outbox import told
from edgectl.node.units.install import RESIDENT, TIMERS
from edgectl.wire import event

CHANGED, SILENT = "E-ENG-01", "E-ENG-02"  # units that are not as installed; units that do not run
_TRIES_ARE_SILENCE = 5
_HEAL = TIMERS[1]
_LONGEST_RUN_SECONDS = 3600.0  # more than the waits of any recipe come to, with pauses of minutes for large images
_SANE_YEAR = 2025  # as in host/preflight.sh


def symptoms(look: Look, *, deployed: bool) -> Iterator[Symptom]:
    """Look, and say it."""
    with suppress(OSError, ValueError):
        yield from _slots(look)
    with suppress(OSError):
        if (paused := pause.read(look.places)) is not None:
            yield Symptom("units", NOTE, "E-RUN-03", f"{paused.sentence()}; nothing heals by itself meanwhile")
        if (held := holder(look.places.run)) is not None:
            yield running(held, time.time())
    if deployed:
        yield from units(look)
        yield _telling(look)


def running(held: Mapping[str, Any], now: float) -> Symptom:
    """Judge who holds the lock: for some time it is told; beyond all its deadlines it is a fault. Pure."""
    sender = held.get("sender") or {}
    kind, since = held.get("kind", "run"), str(held.get("since", "now"))
    by = f" of {sender['user']}" if sender.get("user") else ""
    said = f"a {kind}{by} runs since {since}"
    began = _began(since)
    if began is None or now - began < _LONGEST_RUN_SECONDS:
        return Symptom("units", NOTE, "E-RUN-04", f"{said}: what it works on may not be ready yet")
    pid = f", process {held['pid']}" if held.get("pid") else ""
    hours = (now - began) / 3600
    how_long = f"{hours:.0f} hours" if hours >= 1.5 else f"{(now - began) / 60:.0f} minutes"  # noqa: PLR2004
    evidence = (f"lock: {kind} {held.get('run', '')}{by} since {since}{pid}",)
    told = f"{said}, for {how_long}: nothing else can deploy or heal meanwhile"
    return Symptom("run", WRONG, "E-RUN-06", told, evidence, stops=False, own=True)


def _began(since: str) -> float | None:
    """Return the time of a lock's note; None where it says none, or a clock that was not set has written it."""
    with suppress(ValueError):
        at = datetime.strptime(since, "%Y-%m-%dT%H:%M:%S%z")
        return at.timestamp() if at.year >= _SANE_YEAR else None
    return None


def units(look: Look) -> Iterator[Symptom]:
    """Ask systemd whether what heals and watches runs; those that do not are one cause."""
    said, evidence = [], []
    for name, what in ((_HEAL, "self-healing"), (RESIDENT[0], "the watchdog")):
        try:
            unit = look.unit(name)
        except LookFailed as failure:
            yield Symptom("units", UNSEEN, says=failure.reason, stops=False)
            continue
        if unit.get("ActiveState") in {"active", "activating", "reloading"}:
            yield Symptom("units", FINE)
            continue
        state = f"{unit.get('ActiveState', 'unknown')} ({unit.get('SubState', '')}), {unit.get('LoadState', '')}"
        said.append(f"{name} ({what}) is {state}")
        evidence.append(f"systemctl show {name}: {state}")
    if said:
        yield Symptom("units", WRONG, SILENT, ", ".join(said), tuple(evidence), stops=False, own=True)


def once(found: Iterable[Symptom]) -> tuple[Symptom, ...]:
    """Return the symptoms without a second word about a unit that was switched off: its file differs, too. Pure."""
    symptoms = tuple(found)
    off = " ".join(one.says for one in symptoms if one.code == SILENT)
    return tuple(one for one in symptoms if one.code != CHANGED or not all(name in off for name in _names(one.says)))


def _names(said: str) -> Sequence[str]:
    """Return which files a step has named: `NAME, NAME changed by hand`."""
    return said.removesuffix(" changed by hand").split(", ")


def last_run(look: Look) -> dict[str, Any]:
    """Return the last verdict that a run left, {} where there is none; `run` is its file's name."""
    with suppress(OSError):
        for folder in look.places.journals:
            ran = (path for path in journal.runs(folder) if path.name.split("-")[1] in {"deploy", "heal"})
            for path in itertools.islice(ran, 3):
                events = journal.read(path, 0)[0]
                found = next((one for one in reversed(events) if one.get("kind") == event.VERDICT), None)
                if found is not None:
                    return {**found, "run": path.name, "ended": path.stat().st_mtime}
    return {}


def settled(look: Look, up_seconds: float | None) -> bool:
    """Tell whether a run of this boot has come to a verdict."""
    ended = float(last_run(look).get("ended", 0.0))
    return up_seconds is not None and ended > time.time() - up_seconds


def _slots(look: Look) -> Iterator[Symptom]:
    slots = Slots(look.places)
    newest = next(iter(slots.all()), None)
    current = slots.current
    if newest is None:
        said = "nothing has been deployed to this node yet"
        yield Symptom("deployed", WRONG, "E-RUN-01", said, (f"no envelope in {look.places.slots}",), own=True)
        return
    if current is None and slots.candidate is None:
        said = "no deploy has succeeded here yet"
        yield Symptom("deployed", WRONG, "E-RUN-01", said, (f"no slot is current in {look.places.slots}",), own=True)
    if (no := newest.rejected) is not None and (current is None or newest.folder != current.folder):
        runs = f"; sequence {current.envelope.sequence} runs" if current else ""
        said = f"sequence {newest.envelope.sequence} was rejected: {no.get('reason', '')}{runs}"
        yield Symptom("deployed", NOTE, "E-RUN-02", said)


def _telling(look: Look) -> Symptom:
    """Say whether what waits upward arrives. Nobody's store stops because of it."""
    try:
        known = told.read(look.places)
    except (OSError, ValueError, LookFailed):
        return Symptom("telling", UNSEEN, says="its notes cannot be read", stops=False)
    if known.fails >= _TRIES_ARE_SILENCE and known.why:
        said = f"nothing is told upward since {known.since} ({known.fails} tries): {known.why}; it waits in the outbox"
        return Symptom("telling", NOTE, "E-TEL-01", said)  # a store may be offline for days, and sells
    return Symptom("telling", FINE)
