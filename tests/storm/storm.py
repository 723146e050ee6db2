"""One storm on one store: strike, wait until it serves again, judge; and the loss of one GPU of two.

Owns: the order of an event and its deadlines. Must not know how a store is made, nor how anything is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgectl.wire.errors import EdgectlError
from tests.storm.events import Event
from tests.storm.eye import Eye, Seen, TooLate
from tests.storm.judge import Row
from tests.storm.prepare import REQUIRED, Ground
from tests.storm.strikes import REGISTER_SECONDS, Strikes, Struck

SERVE_SECONDS = 400.0  # the timer's run comes within six minutes: slower than that is never
DEAD_SECONDS = 20.0  # from serving again until the dead must be gone
STATUS_SECONDS = 120.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Degraded:
    """What was seen while one of two GPUs was unhealthy. `wrong` is "" when all of it was as it should be."""

    device: str
    told_after: float = 0.0
    whole_after: float = 0.0
    wrong: str = ""


def storm(on: Ground, drawn: Sequence[Event], say: Say) -> list[Row]:
    """Strike with each event in turn. Ends early when the store does not come back: no more could be proven."""
    strikes = Strikes(on.node, on.eye, on.operator, on.images["gate"])
    rows: list[Row] = []
    _, seen = on.eye.until_serving(seconds=SERVE_SECONDS)
    since, served = time.monotonic(), seen.serving()
    for event in drawn:
        say(f"event {event.number}: {event}")
        row, served = _event(strikes, event, since=since, served=served)
        since = time.monotonic()
        rows.append(row)
        if row.broken:
            say(f"event {event.number} ({event}) has broken a law: {'; '.join(row.broken)}\n{on.node.evidence()}")
        else:
            new = ", ".join(start.pod for start in row.starts) or "the same container"
            say(f"event {event.number}: serves after {row.serving or 0:.1f} s ({new})")
        if row.failed:
            break
    return rows


def _event(strikes: Strikes, event: Event, *, since: float, served: str) -> tuple[Row, str]:
    """Let one event happen; return what came of it, and the container that serves now. `served`: the one before."""
    eye = strikes.eye
    eye.dead_seen.clear()
    began = time.monotonic()
    row, serves = Row(event.number, str(event)), served
    boot, there = "", 0.0
    try:
        struck = strikes.strike(event)
        boot, there = struck.boot, _hardware(eye, event, struck, began)
        ready = max(there, struck.ended)
        row = replace(row, hardware=ready - began, note=struck.note)
        serving, seen = eye.until_serving(seconds=SERVE_SECONDS)
        serves = seen.serving()
        row = replace(row, serving=max(serving, ready) - began, interrupted=serves != served)
    except (AssertionError, EdgectlError) as error:
        row = replace(row, failed=f"{error}"[:600])
    finally:
        strikes.mend()
    left = tuple(_left(eye))
    starts = eye.starts(since=since, hardware=there, boot=boot)
    return replace(row, dead_seen=len(eye.dead_seen), dead_left=left, starts=starts), serves


def _hardware(eye: Eye, event: Event, struck: Struck, began: float) -> float:
    """Wait until nothing of the hardware is missing any more; return when that was."""
    if not event.registers:
        return struck.over
    seen = eye.until("the plugin has registered again", lambda one: one.registered > began, seconds=REGISTER_SECONDS)
    return max(struck.over, seen.registered)


def _left(eye: Eye) -> list[str]:
    """Return the pods that are dead still, after a little while."""
    deadline = time.monotonic() + DEAD_SECONDS
    while True:
        seen = eye.look()
        left = [f"{name} ({why})" for name, why in seen.dead(eye.namespaces).items()]
        if seen.current and not left:
            return []
        if time.monotonic() > deadline:
            return left or ["the API does not answer: it is not known who is dead"]
        time.sleep(0.5)


def degraded(on: Ground, say: Say) -> Degraded:
    """Let the GPU that inference holds become unhealthy: the other serves, exit 9 with its name; then whole again."""
    strikes = Strikes(on.node, on.eye, on.operator, on.images["gate"])
    device = _held(on.eye.look(), on.eye)
    say(f"one of two GPUs becomes unhealthy: {device}")
    found = Degraded(device)
    try:
        _status(on, 0, time.monotonic())  # what the last event has left is over, or 9 would not be the device's
        strikes.knob("unhealthy", str(int(device.rsplit("-", 1)[1])))
        began = time.monotonic()
        told = _status(on, 9, began)
        found = replace(found, told_after=time.monotonic() - began)
        if device not in told:
            found = replace(found, wrong=f"status does not name {device}: {told.strip()[-300:]}")
        on.eye.until_serving(seconds=SERVE_SECONDS)
        if on.eye.look().allocatable() < REQUIRED:
            found = replace(found, wrong="fewer GPUs are allocatable than required")
        strikes.knob("unhealthy")
        began = time.monotonic()
        _status(on, 0, began)
        found = replace(found, whole_after=time.monotonic() - began)
        on.eye.until_serving(seconds=SERVE_SECONDS)
    except (AssertionError, EdgectlError, ValueError) as error:
        say(on.node.evidence())
        found = replace(found, wrong=found.wrong or f"{error}"[:600])
    finally:
        strikes.mend()
    return found


def _held(seen: Seen, eye: Eye) -> str:
    """Return the GPU of the last entrypoint of this boot, by its own environment."""
    starts = eye.boots[seen.boot].starts if seen.boot in eye.boots else ()
    if not starts or not starts[-1].what[1:]:
        raise TooLate("no entrypoint of this boot is known")
    return starts[-1].what[-1]


def _status(on: Ground, code: int, began: float) -> str:
    """Ask `edgectl status` until it ends with this exit code; return what it said."""
    while True:
        said = on.operator.start("status").finish(seconds=60)
        if said.code == code:
            return said.out + said.err
        if time.monotonic() - began > STATUS_SECONDS:
            raise TooLate(f"status does not end with {code}: {said}")
        time.sleep(1)
