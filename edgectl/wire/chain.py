"""The inference chain: what a service says of itself, what one canary frame has met, what a store's chain is made of.

Owns: these shapes, shared by the store's pods (they write `/status` and answer `/canary`), the node (it asks and
judges) and the operator (who declares and draws). Must not know how anything is asked or drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

READY, DEGRADED, NOT_READY = "ready", "degraded", "not ready"
WORST = (READY, DEGRADED, NOT_READY)

# What kind of fault a state is. NETWORK heals itself and is believed only when it lasts; MODEL is believed at once.
NETWORK, MODEL, INPUT, RESOURCE, CONFIG, CLOCK = KINDS = ("network", "model", "input", "resource", "config", "clock")

# Where a frame comes by, in order: what `Crossing.reached` and `Crossing.ms` name.
HOPS = ("camera", "inference", "bus", "uplink", "sink")


@dataclass(frozen=True, slots=True)
class State:
    """How one thing is. `reason` is a sentence for a person, `since` seconds since 1970 by the store's clock."""

    word: str = READY
    reason: str = ""
    kind: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """What a service answers at GET /status: itself, what it needs (by name), and figures for people."""

    service: str
    version: str
    state: State
    links: dict[str, State] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Crossing:
    """What became of one canary frame. `ms`: by hop, how long it took from the hop before; `reached`: the last hop."""

    id: str
    reached: str = ""
    ms: dict[str, float] = field(default_factory=dict)
    stopped: str = ""  # why it went no further, in one sentence; "" when the sink has acknowledged it

    @property
    def total_ms(self) -> float:
        """All hops together."""
        return sum(self.ms.values())


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service of the chain says how it is: a Kubernetes Service and its port of operations."""

    service: str
    port: int


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something else that a store needs, as its users declare it; asked by the node."""

    name: str
    kind: str  # http | tcp | mqtt | exec
    target: str = ""  # http(s)://..., HOST:PORT; HOST may be NAME.NAMESPACE.svc of the store's own cluster
    command: tuple[str, ...] = ()  # exec: a program on the node, exit 0 is well, its first line the sentence
    expect: str = ""  # http: a status, e.g. "200"; mqtt: a topic on which what is published comes back
    required: bool = False  # without it the store is not ready; else it is degraded
    after: str = ""  # the link or dependency that it rests on: broken there, this one is not asked
    timeout_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Chain:
    """One store's chain: its services by hop or part ("camera", "inference", "bus", "uplink", "drift", ...)."""

    namespace: str
    services: dict[str, Endpoint]
    required: tuple[str, ...] = ("gpu", "model", "inference", "camera", "bus")
    dependencies: tuple[Dependency, ...] = ()
    canary_seconds: float = 2.0  # how long one canary frame is waited for
    canary_ms: float = 500.0  # above it the chain is degraded: slow
