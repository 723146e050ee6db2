"""Put one question to a store: make the fault, see that it is there, ask, unmake it; then ask a store that is well.

Owns: the order of that. Must not know what the answer means.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgectl.wire.errors import EdgectlError
from tests.doctor.fault import Fault, Ground, Question
from tests.doctor.ground import let_time_pass, make_ready

Ask = Callable[[Ground], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question."""

    question: Question
    text: str  # what was answered, as it came
    showed: float  # seconds from the first deed until all of it was there
    mended: float = 0  # seconds from unmaking it until the store was ready
    after: str = ""  # what was answered of the store that was ready again


def put(ground: Ground, question: Question, ask: Ask) -> Asked:
    """Put a question to a store that is ready; afterwards its faults are unmade, and `recovered` is next."""
    let_time_pass(ground)
    began = time.monotonic()
    # What lies under another fault is made first, and so is what needs a deploy: the other one may stand in its way.
    order = tuple(reversed(question.faults))
    made: list[Fault] = []
    try:
        for fault in order:
            made.append(fault)
            fault.seed(ground)
            await_effect(ground, fault)
        if not question.hidden:
            for fault in order[:-1]:
                await_effect(ground, fault)
        showed = time.monotonic() - began
        text = ask(ground)
    finally:
        for fault in reversed(made):
            undo(ground, fault)
    return Asked(question, text, showed)


def recovered(ground: Ground, asked: Asked, ask: Ask) -> Asked:
    """Let the store become ready by its own heals, and ask again: now nothing is wrong."""
    began = time.monotonic()
    make_ready(ground)
    return replace(asked, mended=time.monotonic() - began, after=ask(ground))


def await_effect(ground: Ground, fault: Fault) -> None:
    """Wait until a fault shows."""
    ground.node.wait(f"{fault.name} shows", lambda: _seen(ground, fault), seconds=fault.within, every=0.5)


def undo(ground: Ground, fault: Fault) -> None:
    """Unmake a fault; Kubernetes may still be on its way back from another one."""
    end = time.monotonic() + 60
    while True:
        try:
            fault.undo(ground)
        except EdgectlError:
            if time.monotonic() > end:
                raise
            time.sleep(1)
        else:
            return


def _seen(ground: Ground, fault: Fault) -> bool:
    try:
        return fault.seen(ground)
    except (EdgectlError, ValueError, KeyError):
        return False
