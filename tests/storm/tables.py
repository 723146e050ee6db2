"""What a storm says: markdown for people and docs/storm.md, JSON for machines. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tests.storm.judge import MEDIAN_SECONDS, Row, broken, gaps

DEFINITION = (
    "Hardware ready: the last of (1) the node runs a new boot, where the event boots it; (2) the injected delay is "
    "over, the injected fault mended, the operator's deploy ended; (3) the device plugin has registered with the "
    "kubelet, by its own log, where it had to. Serving: inference answers the known question right, and again 3 s "
    "later from the same container."
)


def table(rows: Sequence[Row]) -> str:
    """Return the events as a markdown table."""
    head = (
        "| # | event | hardware ready after | serving after | from ready to serving | entrypoints | unproven "
        "| dead seen | left dead | ok |\n|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_row(row) for row in rows)


def _row(row: Row) -> str:
    gap = "went on" if not row.interrupted and not row.failed else _seconds(row.gap)
    cells = (
        str(row.number),
        row.event + (f" ({row.note})" if row.note else ""),
        _seconds(row.hardware),
        _seconds(row.serving),
        gap,
        str(len(row.starts)),
        str(len(row.unproven)),
        str(row.dead_seen),
        str(len(row.dead_left)),
        "NO: " + "; ".join(row.broken) if row.broken else "yes",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def summary(rows: Sequence[Row]) -> str:
    """Return the storm in numbers."""
    took, whole = gaps(rows), [row.serving for row in rows if row.interrupted and row.serving is not None]
    starts = sum(len(row.starts) for row in rows)
    lines = [
        "| law | found |",
        "|---|---|",
        f"| entrypoints without proof: 0 | {sum(len(row.unproven) for row in rows)} of {starts} |",
        f"| pods left dead: 0 | {sum(len(row.dead_left) for row in rows)} ({sum(r.dead_seen for r in rows)} seen) |",
        f"| events after which it did not serve again: 0 | {sum(bool(row.failed) for row in rows)} of {len(rows)} |",
        "| human actions: 0 | 0: the storm injects and looks |",
    ]
    if took:
        law = f"from ready hardware to serving, median: {MEDIAN_SECONDS:.0f} s at most"
        of = f"of {len(took)} events that ended an entrypoint"
        lines.append(f"| {law} | {statistics.median(took):.1f} s (worst {max(took):.1f} s, {of}) |")
        begun = f"{statistics.median(whole):.1f} s (worst {max(whole):.1f} s)"
        lines.append(f"| from the event's beginning, median | {begun} |")
    return "\n".join(lines) + "\n"


def beside(guarded: Sequence[Row], bare: Sequence[Row]) -> str:
    """Return guard on and guard off, side by side, for events in which the node boots."""
    out = "| where the node boots | events | pods left dead | entrypoints before their proof |\n|---|---|---|---|\n"
    for title, rows in (("guard on", guarded), ("guard off", bare)):
        dead = sum(len(row.dead_left) for row in rows)
        unproven = f"{sum(len(row.unproven) for row in rows)} of {sum(len(row.starts) for row in rows)}"
        out += f"| {title} | {len(rows)} | {dead} | {unproven} |\n"
    return out


def document(rows: Sequence[Row], *, seed: int, **more: Any) -> dict[str, Any]:
    """Return the storm as JSON data."""
    events = [{**asdict(row), "gap": row.gap, "broken": list(row.broken)} for row in rows]
    return {"seed": seed, "events": events, "broken": list(broken(rows)), **more}
