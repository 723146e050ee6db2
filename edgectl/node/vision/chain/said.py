"""What was asked of a chain, made into one word for each link, as of this look alone. Pure.

Owns: to which link each thing belongs that a service says. An edge between two links (the camera does not reach the
bus) lies with the one downstream, and is news only where that one is well by its own word: a broken bus is not told
five times. Must not know what was seen before (memory.py), nor what follows (judged.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgectl.node.vision.chain.links import BUS, CAMERA, GPU, INFERENCE, MODEL, ONE_CAMERA, ORDER, SINK, UPLINK, later
from edgectl.wire import chain as kinds
from edgectl.wire.chain import (
    DEGRADED,
    HOPS,
    NETWORK,
    NOT_READY,
    READY,
    WORST,
    Crossing,
    State,
    Status,
)
from edgectl.wire.chainlook import NOT_ASKED, SAYS, SILENT

AT_ONCE = frozenset({kinds.MODEL, kinds.CONFIG, kinds.CLOCK})  # kinds that no waiting mends


@dataclass(frozen=True)
class Said:
    """One word of one look. `how`: missing, silent, says, slow."""

    word: str = READY
    reason: str = ""
    kind: str = ""
    how: str = SAYS


_QUEUE = "queue"  # the uplink's
UNASKED = Said(NOT_ASKED, "who would know does not answer")


@dataclass(frozen=True)
class Heard:
    """What one service has answered at /status; without one, why, and how that is known."""

    status: Status | None = None
    fault: Said = Said(NOT_READY, "does not answer", NETWORK, SILENT)


@dataclass(frozen=True)
class Asked:
    """All that one look has brought. None is "there is none to ask"."""

    gpu: Said | None = None
    model: Said | None = None  # by the registry
    golden: Said | None = None  # the known question: of kind "model" when the answer was wrong
    services: dict[str, Heard] = field(default_factory=dict)
    bus: Said | None = None  # a message that was put in and came back
    canary: Crossing | None = None
    no_canary: Said | None = None  # why no canary frame could be sent
    dependencies: dict[str, Said] = field(default_factory=dict)


def words(asked: Asked) -> dict[str, Said]:
    """Return each link's word."""
    found = _own(asked)
    for service, heard in asked.services.items():
        for name, state in (heard.status.links if heard.status else {}).items():
            _place(found, service, name, state)
    for service, heard in asked.services.items():  # behind all that links say of themselves
        for name, state in (heard.status.links if heard.status else {}).items():
            if _is_edge(found, service, name) and state.word != READY:
                _edge(found, service, name, state)
    if asked.canary is not None:
        _canary(found, asked.canary)
    if asked.no_canary is not None and CAMERA in found:
        _worse(found, CAMERA, asked.no_canary)
    if UPLINK in found and SINK not in found:
        found[SINK] = _unsaid(asked)
    return {**found, **asked.dependencies}


def _unsaid(asked: Asked) -> Said:
    """Return what is known of a sink that the uplink says nothing of."""
    if asked.services[UPLINK].status is None:
        return UNASKED
    if asked.canary is not None and asked.canary.reached == SINK:
        return Said(READY, "a canary frame has arrived")
    return Said(DEGRADED, "the uplink does not say how it is", NETWORK)


def own_state(status: Status) -> State:
    """Return what a service says of itself alone: what it says only because of a link is told of that link."""
    state = status.state
    if state.word == DEGRADED and any(
        link.word != READY and state.reason == f"{name}: {link.reason}" for name, link in status.links.items()
    ):
        return State(READY)
    return state


def _own(asked: Asked) -> dict[str, Said]:
    """Return what each link says of itself, or is known of it."""
    found: dict[str, Said] = {}
    if asked.gpu is not None:
        found[GPU] = asked.gpu
    golden = asked.golden
    if asked.model is not None or golden is not None:
        found[MODEL] = asked.model or Said(READY, "in the service's image")
    if INFERENCE in asked.services or golden is not None:
        found[INFERENCE] = _heard(asked.services.get(INFERENCE, Heard(Status(INFERENCE, "", State()))))
    if golden is not None:
        answers = golden.kind == kinds.MODEL or golden.word != NOT_READY  # whatever it answers
        place = MODEL if answers else INFERENCE
        _worse(found, place, golden)
    for name in ORDER:
        if name in asked.services and name not in found and name != BUS:
            found[name] = _heard(asked.services[name])
    if UPLINK in found and (status := asked.services[UPLINK].status) and not found[UPLINK].reason:
        found[UPLINK] = replace(found[UPLINK], reason=status.links.get(_QUEUE, State()).reason)  # how much room is left
    if asked.bus is not None:
        found[BUS] = asked.bus
    return found


def _heard(heard: Heard) -> Said:
    if heard.status is None:
        return heard.fault
    state = own_state(heard.status)
    return Said(state.word, state.reason, state.kind)


def _place(found: dict[str, Said], service: str, name: str, state: State) -> None:
    """Lay down what a service says of something that belongs to one link alone."""
    said = Said(state.word, state.reason, state.kind)
    if service == CAMERA and name.startswith(ONE_CAMERA):
        found[name] = said
    elif service == UPLINK and name == SINK:
        found[SINK] = said
    elif service == INFERENCE and name == MODEL:
        found.setdefault(MODEL, Said())
        _worse(found, MODEL, said)
    elif not _is_edge(found, service, name) and state.word != READY:  # it works, by its own word, not whole
        _worse(found, service, replace(said, word=DEGRADED, reason=f"{name}: {state.reason}"))


def _is_edge(found: dict[str, Said], service: str, name: str) -> bool:
    if (service, name) in {(UPLINK, SINK), (INFERENCE, MODEL)}:
        return False
    return name in ORDER and name in found and name != service


def _edge(found: dict[str, Said], service: str, name: str, state: State) -> None:
    """Lay down that a service does not reach another link, which is well by its own word."""
    at = later(service, name)
    if found[name].word == READY and found[at].word == READY:
        end = f"{service} does not reach it" if at == name else f"does not reach {name}"
        found[at] = Said(state.word, f"{end}: {state.reason}", state.kind or NETWORK)


def _canary(found: dict[str, Said], canary: Crossing) -> None:
    """Lay down where a canary frame has stopped, unless what is before it explains that."""
    hops = [hop for hop in HOPS if hop in found]
    passed = hops.index(canary.reached) + 1 if canary.reached in hops else 0
    if passed >= len(hops) or not canary.stopped:
        return
    at = hops[passed]
    upstream = {*hops[:passed], *((GPU, MODEL) if INFERENCE in hops[: passed + 1] else ())}
    if any(found[name].word == NOT_READY for name in upstream if name in found):
        return
    said = found[at]
    if said.word == READY:
        found[at] = Said(NOT_READY, f"a canary frame does not get through: {canary.stopped}", NETWORK)
    elif said.word == DEGRADED and at != SINK:  # who says that of the sink has reached it: it is late
        found[at] = replace(said, word=NOT_READY)


def _worse(found: dict[str, Said], name: str, said: Said) -> None:
    """Keep the worse of two words of one link; of the same, what no waiting mends, or the first that gives a reason."""
    have = found[name]
    rank, other = WORST.index(have.word), WORST.index(said.word)
    lasts = said.kind in AT_ONCE and have.kind not in AT_ONCE
    if other > rank or (other == rank and (lasts or not have.reason)):
        found[name] = said
    elif other == rank == 0 and said.reason and said.reason != have.reason:
        found[name] = replace(have, reason=f"{have.reason}; {said.reason}")
