"""Where a run's time went: rows with bars, from the events of its journal and what the operator saw around it. Pure.

Owns: what is drawn on which scale. All numbers are drawn from are made here: none is a node's own text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgectl.control.deploy.recorded import CONNECT, CUT, RESTART, SEND, steps_of
from edgectl.report.page.plain import fields, items, number, text
from edgectl.report.words import duration
from edgectl.wire import event

WIDTH = 1000.0  # of the scale, in the drawing's own unit
_LEAST = 3.0  # a bar that is shorter cannot be seen
_TICKS = 4
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200)
_CLASSES = {
    event.OK: "ok",
    event.CHANGED: "changed",
    event.CHANGING: "changing",
    event.WAITING: "waiting",
    event.REBOOTING: "waiting",
    event.FAILED: "failed",
    event.UNKNOWN: "failed",
    event.DRIFTED: "drifted",
    event.BLOCKED: "blocked",
}
_PHASES = {CONNECT: "connect", SEND: "send content", CUT: "link lost", RESTART: "machine restarts"}
_AROUND = {CONNECT: "link", SEND: "sent", CUT: "lost", RESTART: "restart"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a row, in units of the scale."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline. `kind` is its colour; words say the same."""

    title: str
    word: str
    kind: str
    bars: tuple[Bar, ...]
    took: str
    said: str  # the whole of it in words


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows on one scale."""

    rows: tuple[Row, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()  # percent from the left, what it says
    whole: str = ""


def kind_of(word: Any) -> str:
    """Return the colour of a step's word; what is no word has that of the unknown."""
    return _CLASSES.get(word, "failed") if isinstance(word, str) else "failed"


def drawn(document: dict[str, Any]) -> Timeline:
    """Draw what a document knows of a run."""
    events = [fields(item) for item in items(document.get("events"))]
    phases = [fields(item) for item in items(document.get("phases"))]
    anchors = {node: number(at) for node, at in fields(document.get("run_began")).items() if number(at)}
    start = min([*anchors.values(), *(number(phase.get("began")) for phase in phases)], default=0.0)
    spans = [
        (phase, number(phase.get("began")) - start, max(number(phase.get("ended")) - start, 0.0)) for phase in phases
    ]
    # From here on on one scale: a run's second 0 is where the operator's clock saw it begin.
    steps = [(step, max(anchors.get(step.node, start) - start, 0.0)) for step in steps_of(events)]
    whole = max([shift + step.ended for step, shift in steps] + [ended for _, _, ended in spans], default=0.0)
    if not whole:
        return Timeline()
    scale = WIDTH / whole
    rows = [_around(phase, began, ended, scale) for phase, began, ended in spans]
    rows += [
        _row(
            text(step.item.get("title"), 80) or text(step.item.get("step"), 80),
            text(step.item.get("word"), 20),
            (kind_of(step.item.get("word")), shift + step.began, shift + step.ended),
            [(kind_of(word), shift + began, shift + ended) for word, began, ended in step.spans],
            scale,
        )
        for step, shift in sorted(steps, key=lambda found: found[0].began + found[1])
    ]
    return Timeline(tuple(rows), tuple(_ticks(whole)), duration(whole))


def _around(phase: dict[str, Any], began: float, ended: float, scale: float) -> Row:
    name = text(phase.get("name"), 20)
    title = f"{_PHASES.get(name, name)} {text(phase.get('node'), 64)}"
    failed = bool(phase.get("failed"))
    return _row(
        title, "failed" if failed else _AROUND.get(name, ""), ("failed" if failed else "link", began, ended), [], scale
    )


def _row(
    title: str, word: str, whole: tuple[str, float, float], spans: list[tuple[str, float, float]], scale: float
) -> Row:
    kind, began, ended = whole
    took = duration(max(ended - began, 0.0))
    bars = [_bar(kind, began, ended, scale), *(_bar(*span, scale) for span in spans)]
    waited = sum(end - start for what, start, end in spans if what == "waiting")
    said = f"{title}: {word}, {took} from {duration(began)} on" + (
        f", of which it waited {duration(waited)}" if waited else ""
    )
    return Row(title, word, kind, tuple(bars), took, said)


def _bar(kind: str, began: float, ended: float, scale: float) -> Bar:
    width = min(max((ended - began) * scale, _LEAST), WIDTH)
    return Bar(kind, round(min(began * scale, WIDTH - width), 1), round(width, 1))


def _ticks(whole: float) -> Iterator[tuple[float, str]]:
    """Yield a few round times."""
    step = next((each for each in _STEPS if whole / each <= _TICKS), _STEPS[-1] * max(whole // _STEPS[-1] // _TICKS, 1))
    at = 0.0
    while at <= whole:
        yield round(100 * at / whole, 2), _short(at)
        at += step


def _short(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:g} s"
    return duration(seconds).replace(" 0 s", "").replace(" 0 min", "")
