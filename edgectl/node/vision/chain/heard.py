"""What services answer at /status and /canary, read with mercy: they may be anybody's own.

Owns: which fields count; others are passed over, texts are one printable line, unknown words are no answer. Pure.
"""

from __future__ import annotations

import json
import math
from typing import Any

from edgectl.wire.chain import HOPS, KINDS, WORST, Crossing, State, Status

MOST_LINKS = 64
_LONGEST = 300


def status(body: bytes) -> Status:
    """Return what a service says of itself; ValueError says what cannot be read."""
    doc = _object(body)
    links = doc.get("links", {})
    if not isinstance(links, dict):
        raise ValueError("links is no object")
    found = {text(name): _state(link, f"links.{text(name)}") for name, link in list(links.items())[:MOST_LINKS]}
    return Status(text(doc.get("service")), text(doc.get("version")), _state(doc.get("state"), "state"), found)


def crossing(body: bytes) -> Crossing:
    """Return what became of a canary frame; ValueError says what cannot be read."""
    doc = _object(body)
    ms = doc.get("ms", {})
    if not isinstance(ms, dict):
        raise ValueError("ms is no object")
    times = {hop: number for hop in HOPS if (number := _number(ms.get(hop))) is not None}
    reached, stopped = text(doc.get("reached")), text(doc.get("stopped"))
    if reached and reached not in HOPS:
        raise ValueError(f"reached is no hop: {reached}")
    if not reached and not stopped:
        raise ValueError("it does not say how far it came")
    return Crossing(text(doc.get("id")), reached, times, stopped)


def text(value: Any) -> str:
    """Return one printable line of bounded length."""
    line = " ".join(str("" if value is None else value)[: 4 * _LONGEST].split())
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:_LONGEST]


def _state(doc: Any, where: str) -> State:
    if not isinstance(doc, dict) or doc.get("word") not in WORST:
        raise ValueError(f"{where} has none of the words {', '.join(WORST)}")
    kind = doc.get("kind")
    return State(doc["word"], text(doc.get("reason")), kind if kind in KINDS else "", _number(doc.get("since")) or 0.0)


def _object(body: bytes) -> dict[str, Any]:
    try:
        doc = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no JSON") from error
    if not isinstance(doc, dict):
        raise ValueError("it is no object")
    return doc


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
