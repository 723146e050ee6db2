"""The laws, judged from two logs on the node's tmpfs and from what was seen of its pods: no store, no clock, no I/O.

Owns: when a start of inference counts as proven, and when a storm has held. Must not know how anything was read.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MEDIAN_SECONDS = 30.0
NANO = 1_000_000_000
_DEVICE = ("GPU-", "MIG-")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log: nanoseconds of CLOCK_MONOTONIC, a word, and of what."""

    at: int
    word: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """One inference entrypoint, and why it must not have been there ("": it was proven)."""

    at: int
    pod: str
    wrong: str


@dataclass(frozen=True, slots=True)
class Row:
    """One event and what came of it. Seconds count from the event's beginning; None: it did not come to that."""

    number: int
    event: str
    hardware: float | None = None
    serving: float | None = None
    interrupted: bool = True  # the container that served is not the one that serves now
    starts: tuple[Start, ...] = ()
    dead_seen: int = 0
    dead_left: tuple[str, ...] = ()
    note: str = ""
    failed: str = ""  # why it was given up

    @property
    def unproven(self) -> tuple[Start, ...]:
        """Return the entrypoints that must not have been."""
        return tuple(start for start in self.starts if start.wrong)

    @property
    def gap(self) -> float | None:
        """Return the seconds from ready hardware to serving."""
        if self.hardware is None or self.serving is None:
            return None
        return max(0.0, self.serving - self.hardware)

    @property
    def broken(self) -> tuple[str, ...]:
        """Name the laws that this event has broken."""
        found = [self.failed] if self.failed else []
        found += [f"{start.pod} started {start.wrong}" for start in self.unproven]
        if self.interrupted and not self.failed and len(self.starts) == len(self.unproven):
            found.append("no proven entrypoint after it")
        if self.dead_left:
            found.append(f"left dead: {', '.join(self.dead_left)}")
        return tuple(found)


def lines(text: str) -> tuple[Line, ...]:
    """Read a log; a line that a power cut or a reader has torn counts as not there."""
    found = []
    for raw in text.splitlines():
        words = raw.replace(",", " ").split()
        if len(words) >= 2 and words[0].isdecimal():
            found.append(Line(int(words[0]), words[1], tuple(words[2:])))
    return tuple(found)


def judge_starts(proofs: Iterable[Line], starts: Iterable[Line], *, not_before: int = 0) -> tuple[Start, ...]:
    """Judge the entrypoints of one boot by the proof's log of the same boot.

    The last line before a start decides, for each of its GPUs; a line that names no GPU speaks of all. `not_before`:
    when the hardware was there, in nanoseconds: nothing can be proven earlier, whatever the log says.
    """
    known = sorted(proofs, key=lambda line: line.at)
    judged = []
    for start in sorted(starts, key=lambda line: line.at):
        pod, devices = (*start.what, "-")[0], tuple(word for word in start.what[1:] if word.startswith(_DEVICE))
        wrong = _wrong([line for line in known if line.at < start.at], devices)
        if start.at < not_before:
            wrong = wrong or f"{(not_before - start.at) / NANO:.1f} s before the hardware was ready"
        judged.append(Start(start.at, pod, wrong))
    return tuple(judged)


def _wrong(before: Sequence[Line], devices: tuple[str, ...]) -> str:
    if not any(line.word == "proven" for line in before):
        return "before any proof of its boot"
    for device in devices or ("",):
        own = [line for line in before if not device or device in line.what or not _names(line)]
        if not own:
            return f"on {device}, which was never proven in its boot"
        if own[-1].word != "proven":
            return f"after its proof was {own[-1].word}" + (f" ({device})" if device else "")
    return ""


def _names(line: Line) -> bool:
    """Tell whether a line speaks of GPUs by name."""
    return any(word.startswith(_DEVICE) for word in line.what)


def gaps(rows: Sequence[Row]) -> list[float]:
    """Return the seconds from ready hardware to serving of the events that have ended an entrypoint."""
    return [row.gap for row in rows if row.interrupted and row.gap is not None]


def broken(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return every law that a storm has broken, in sentences."""
    found = [f"event {row.number} ({row.event}): {what}" for row in rows for what in row.broken]
    took = gaps(rows)
    if took and statistics.median(took) > MEDIAN_SECONDS:
        median = statistics.median(took)
        found.append(f"median from ready hardware to serving: {median:.1f} s, {MEDIAN_SECONDS:.0f} at most")
    return tuple(found)
