"""Numbers and names as people read them. Pure."""

from __future__ import annotations

from typing import Any

from edgectl.report.advice import for_error
from edgectl.wire.errors import EdgectlError

_KB = 1000.0
_MBIT = 1_000_000.0
_MINUTE = 60
_HOUR = 3600
_STAMP = len("20261121T130211")


def size(count: float) -> str:
    """Return bytes as `9.1 KB`, `31.0 MB`."""
    for unit in ("B", "KB", "MB"):
        if count < _KB:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KB
    return f"{count:.2f} GB"


def rate(bytes_per_second: float) -> str:
    """Return bytes a second as lines are sold: `1.9 Mbit/s`, `500 kbit/s`."""
    bits = bytes_per_second * 8
    if bits < _MBIT - _MBIT / 2000:  # what would be 1000 kbit/s when rounded is 1.0 Mbit/s
        return f"{bits / _KB:.0f} kbit/s" if bits >= _KB else f"{bits:.0f} bit/s"
    return f"{bits / _MBIT:.1f} Mbit/s" if bits < _MBIT * _KB else f"{bits / _MBIT / _KB:.2f} Gbit/s"


def both_rates(bytes_per_second: float) -> str:
    """Return a rate in bits and in bytes, so that nobody takes the one for the other: `500 kbit/s (62.5 KB/s)`."""
    return f"{rate(bytes_per_second)} ({size(bytes_per_second)}/s)"


def duration(seconds: float) -> str:
    """Return seconds as `1.6 s`, `3 min 52 s`, `2 h 5 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"


def count(number: int, noun: str) -> str:
    """Return `1 change`, `2 changes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def remarks(asked: str, warnings: int, excused: int) -> str:
    """Say in one line what rules say of stores that may be sent as they are; "" where that is nothing."""
    parts = [count(warnings, "warning")] if warnings else []
    parts += [f"{excused} excused by an exception"] if excused else []
    return f"  rules     {', '.join(parts)}: edgectl lint {asked}" if parts else ""


def failed(error: EdgectlError) -> str:
    """Say an error: what, evidence, what to do next, the exit code."""
    lines = [f"error: {error.message}"]
    lines += [f"  {line}" for detail in error.details for line in detail.splitlines()]
    lines.append(f"  next: {for_error(error)}")
    lines.append(f"  exit {int(error.exit)}")
    return "\n".join(lines)


def run_line(name: str) -> str:
    """Say the name of a run's journal: `2026-11-21 13:02:11  deploy  8f3a1c22`."""
    stamp, _, rest = name.removesuffix(".jsonl").partition("-")
    kind, _, run = rest.partition("-")
    if len(stamp) < _STAMP or not run:
        return name
    day, clock = stamp[:8], stamp[9:15]
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:]}  {kind:<7} {run}"


def journal_line(item: dict[str, Any]) -> str:
    """Say one event of a journal on one line, its differences and evidence below it."""
    head = f"{item.get('at', 0):>8.2f} s  {item.get('word') or item.get('kind', ''):<10}"
    lines = [f"{head}{item.get('title', ''):<20} {item.get('reason', '')}".rstrip()]
    lines += [f"{'':<22}{field}: {have} -> {want}" for field, have, want in item.get("differences", ())]
    lines += [f"{'':<22}{line}" for line in item.get("evidence", ())]
    return "\n".join(lines)
