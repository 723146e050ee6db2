"""Whether what began on a GPU began after its proof: judged from two logs of one boot. No store, no clock, no I/O.

Owns: when a start counts as proven. Must not know how anything was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def lines(text: str) -> tuple[Line, ...]:
    """Read a log; a line that a power cut or a reader has torn counts as not there."""
    found = []
    for raw in text.splitlines():
        words = raw.replace(",", " ").split()
        if words[1:] and words[0].isdecimal():
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
