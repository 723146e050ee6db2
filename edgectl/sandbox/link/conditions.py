"""How the line is: the settings, and the numbers it counts. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with the line.

    CUT: connections are reset and new ones refused, as by a router that is gone.
    HOLE: nothing arrives and nobody is told; what was on its way goes on when the line is back, as TCP does.
    """

    NONE = "none"
    CUT = "cut"
    HOLE = "hole"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Round-trip time, rate and fault.

    The rate is in bit/s, for each direction, shared by all connections of the store; 0 is no limit.
    """

    rtt_ms: float = 0.0
    rate_bits: int = 0
    fault: Fault = Fault.NONE


@dataclass(frozen=True, slots=True)
class Counters:
    """Since the proxy started: payload bytes that arrived at the other end, connections, those that failed."""

    bytes_to_store: int
    bytes_from_store: int
    connections: int
    open: int
    failed: int
