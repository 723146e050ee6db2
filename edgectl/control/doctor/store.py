"""The nodes of a store put together: whose fault it is when several say that something is wrong. Pure.

Owns: that a server's fault explains what its agents lack of the cluster, that a neighbour which is missed is explained
by what is known of that neighbour, and what an unreachable node means: unknown, and what was last told of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgectl.control.doctor import way
from edgectl.control.doctor.ask import Answer
from edgectl.wire.diagnosis import Cause, Diagnosis, Unseen
from edgectl.wire.errors import EdgectlError, Exit

_OF_THE_CLUSTER = frozenset({"server", "api", "node", "k3s"})
_SLOW_SECONDS = 1.0


def together(
    store: str, lead: str, answers: Mapping[str, Answer | EdgectlError], told: Mapping[str, Mapping[str, Any]]
) -> Diagnosis:
    """Return the store's diagnosis. `told`: the newest beat of each node in the collected record."""
    several = len(answers) > 1
    causes: list[Cause] = []
    unseen: list[Unseen] = []
    notes: list[str] = []
    fine: list[frozenset[str]] = []
    order = [lead, *(name for name in answers if name != lead)] if lead in answers else list(answers)
    for name in order:
        answer, head = answers[name], f"{name}: " if several else ""
        if isinstance(answer, EdgectlError):
            causes.append(replace(way.cause(name, answer), node=name if several else ""))
            unseen.append(Unseen(name, f"not asked; {_last(told.get(name, {}))}"))
            continue
        found = answer.diagnosis
        causes += [replace(cause, node=name if several else "") for cause in found.causes]
        unseen += [replace(one, part=f"{head}{one.part}") for one in found.unseen]
        notes += [f"{head}{note}" for note in found.notes]
        if answer.seconds > _SLOW_SECONDS:
            notes.append(f"{head}the line is slow: {answer.seconds:.1f} s there and back ({way.SLOW})")
        fine.append(frozenset(found.fine))
    causes = [replace(cause, do=cause.do.replace("STORE", store)) for cause in causes]  # a page knows no store's name
    looked = [one.diagnosis for one in answers.values() if isinstance(one, Answer)]
    return Diagnosis(
        store,
        tuple(_blamed_once(causes, lead, answers) if several else causes),
        tuple(unseen),
        _fine(looked, fine),
        tuple(notes),
        sum(one.looked for one in looked),
        max((one.seconds for one in looked), default=0.0),
    )


def exit_of(found: Diagnosis, lead: str, answers: Mapping[str, Answer | EdgectlError]) -> int:
    """Return the exit code: 4 where the server could not be asked; without another node the store is degraded."""
    if isinstance(answers.get(lead), EdgectlError) or not any(isinstance(one, Answer) for one in answers.values()):
        return int(Exit.UNREACHABLE)
    silent = any(isinstance(one, EdgectlError) for one in answers.values())
    if silent and not any(cause.stops for cause in found.causes):
        return int(Exit.DEGRADED)
    return found.exit


def _blamed_once(causes: list[Cause], lead: str, answers: Mapping[str, Answer | EdgectlError]) -> list[Cause]:
    """Take away what another node's own cause explains, and name it there."""
    server = next((one for one in causes if one.node == lead and one.stops and _is_below(one.code)), None)
    dropped: dict[int, list[str]] = {}
    kept = []
    for one in causes:
        about = one.part.partition(" ")[2] if one.part.startswith("neighbour ") else ""
        why = next((other for other in causes if about and other.node == about), None)
        if (
            why is None
            and one.node != lead
            and one.part in _OF_THE_CLUSTER
            and not isinstance(answers[one.node], EdgectlError)
        ):
            why = server
        if why is None or why is one:
            kept.append(one)
        else:
            dropped.setdefault(id(why), []).append(f"{one.node} ({one.code})")
    return [replace(one, so=(*one.so, *dropped.get(id(one), ()))) for one in kept]


_BELOW = frozenset({"K3S", "API", "NOD", "DSK", "CLK", "MEM", "NET", "OWN", "SYS"})


def _is_below(code: str) -> bool:
    """Tell whether a server's cause is one for its agents, too. A cordon is none: a node takes no pods, and serves."""
    return code[2:5] in _BELOW and code != "E-NOD-05"


def _fine(looked: list[Diagnosis], fine: list[frozenset[str]]) -> tuple[str, ...]:
    """Return what is fine on every node that was asked, in the order of the first."""
    if not looked:
        return ()
    wrong = {cause.part for one in looked for cause in one.causes}
    everywhere = [name for name in looked[0].fine if name not in wrong]
    others = [name for one in looked[1:] for name in one.fine if name not in looked[0].fine]
    missing = {
        name for one, has in zip(looked, fine, strict=True) for name in others if name not in has and _broken(one)
    }
    return tuple(dict.fromkeys((*everywhere, *(name for name in others if name not in missing))))


def _broken(one: Diagnosis) -> bool:
    return bool(one.causes or one.unseen)


def _last(beat: Mapping[str, Any]) -> str:
    """Say what a node has told last, as the collected record has it."""
    if not beat:
        return "nothing was ever collected from it (edgectl collect)"
    why = f": {beat['why']}" if beat.get("why") else ""
    got = str(beat.get("got", ""))[:16].replace("T", " ")
    return f"last told {beat.get('word', '?')}{why}, sequence {beat.get('runs', '?')}, collected {got} UTC"
