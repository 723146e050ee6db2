"""An event as it comes from the bus: as much of it as the uplink must know, and its bytes as they are.

Owns: what is no event. All else in it is the business of whoever made it and of the sink.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from edgectl.stack.ops.event import CANARY

MAX_BYTES = 256 * 1024
_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Parcel:
    """`body` has no line break. `seen`: when the camera had it, by the machine's clock; 0.0 where it does not say."""

    id: str
    source: str
    body: bytes
    canary: bool = False
    trace: str = ""
    seen: float = 0.0


def read(data: bytes) -> Parcel:
    """Return an event; ValueError says why this is none."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"an event of {len(data):,} bytes (at most {MAX_BYTES:,})")
    try:
        doc = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(doc, dict):
        raise ValueError("no JSON object")
    source = _name(doc, "source")
    if any(letter in source for letter in "+#\0"):
        raise ValueError(f"source {source!r} is no part of a topic")
    hops = doc.get("hops")
    seen = hops.get("camera") if isinstance(hops, dict) else None
    trace = doc.get("trace")
    return Parcel(
        _name(doc, "id"),
        source,
        # JSON has line breaks only between its parts, never within one.
        data.replace(b"\n", b" ").replace(b"\r", b" "),
        canary=doc.get("kind") == CANARY,
        trace=trace if isinstance(trace, str) else "",
        seen=_seconds(seen),
    )


def _seconds(value: Any) -> float:
    """Return a time; 0.0 for what is none, or is none that a number can hold."""
    try:
        seconds = float(value) if isinstance(value, (int, float)) else 0.0
    except OverflowError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def _name(doc: dict[str, Any], key: str) -> str:
    value = doc.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _NAME or not value.isprintable():
        raise ValueError(f"no {key} of 1 to {_NAME} letters")
    return value
