"""What a deploy may cost, and when a blow has been weathered: judgements of an acceptance. Pure.

Owns the laws and their numbers. Must not know how anything was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgectl.control.accept.row import Row, failed, not_asked
from edgectl.control.accept.starts import Start
from edgectl.control.deploy.outcome import Outcome
from edgectl.wire.errors import Exit
from edgectl.wire.registry import amount

NOTHING_BYTES = 16 * 1024  # of a deploy that changes nothing, for each node
_OVER = 1.02  # of a plain copy: SSH's own packets and frames


@dataclass(frozen=True, slots=True)
class Figure:
    """What a deploy has cost on the line, beside a plain copy of the same content (0: not known)."""

    title: str
    seconds: float = 0.0
    link_bytes: int = 0
    floor_bytes: int = 0
    changes: int = 0


def first(row: Row, outcome: Outcome) -> Row:
    """Judge the first press: the store is ready."""
    code = int(outcome.verdict.get("exit", Exit.NOT_READY))
    word = str(outcome.verdict.get("word", "")) or "no verdict"
    measured = f"{word}, {len(outcome.changed)} changes, {amount(outcome.link_bytes)}, {outcome.seconds:.1f} s"
    found = replace(row, measured=measured, seconds=round(outcome.seconds, 1))
    if code != Exit.OK:
        return failed(found, measured, str(outcome.verdict.get("reason", "")), *_troubles(outcome), code=code)
    return found


def again(row: Row, outcome: Outcome, *, nodes: int) -> Row:
    """Judge a deploy of what runs: nothing changes, and it costs one connection and next to no bytes."""
    found = first(row, outcome)
    measured = f"{len(outcome.changed)} changes, {outcome.link_bytes} bytes, {outcome.sessions} connections"
    wrong = []
    if outcome.changed:
        wrong.append(f"it has changed {', '.join(outcome.changed)}")
    if not outcome.looked:
        wrong.append("it has looked at nothing")
    if outcome.link_bytes > NOTHING_BYTES * nodes:
        wrong.append(f"{outcome.link_bytes} bytes went over the line, {NOTHING_BYTES * nodes} at most")
    if outcome.sessions != 1 and nodes == 1:
        wrong.append(f"it took {outcome.sessions} connections")
    if wrong and found.exit == 0:
        return failed(found, measured, *wrong)
    return found if found.exit else replace(found, measured=measured)


def copied(row: Row, figure: Figure, *, most: int = 0) -> Row:
    """Judge a transfer: no more than a plain copy of the same content, and what a deploy of nothing may cost."""
    limit = most or int(figure.floor_bytes * _OVER) + NOTHING_BYTES
    measured = f"{amount(figure.link_bytes)}; a plain copy: {amount(figure.floor_bytes)}"
    if not figure.link_bytes or figure.link_bytes > limit:
        return failed(row, measured, f"{limit} bytes at most")
    return replace(row, measured=measured, seconds=round(figure.seconds, 1))


def began(row: Row, starts: Sequence[Start]) -> Row:
    """Judge what has begun on GPUs: each after its proof."""
    if wrong := [f"{start.pod} began {start.wrong}" for start in starts if start.wrong]:
        return failed(row, f"{len(wrong)} of {len(starts)} did not", *wrong)
    if not starts:
        return not_asked(row, "nothing that runs there has a GPU")
    return replace(row, measured=f"{len(starts)} of {len(starts)}")


def weathered(row: Row, seconds: float, starts: Sequence[Start], *, expects: bool) -> Row:
    """Judge a blow after which the store is well again: nothing began on a GPU before its proof.

    `expects`: something must have begun; a law that is held by nothing is not held.
    """
    proven = [start for start in starts if not start.wrong]
    measured = f"well again after {seconds:.1f} s"
    if starts:
        measured += f"; {len(proven)} of {len(starts)} containers began after their GPU's proof"
    found = replace(row, measured=measured, seconds=round(seconds, 1))
    if (judged := began(row, starts)).exit:
        return failed(found, measured, *judged.evidence)
    if expects and not starts:
        return failed(found, measured, "no container with a GPU was seen to begin after it")
    return found


def cut(row: Row, outcome: Outcome, run: str) -> Row:
    """Judge a deploy whose link was cut: the node went on, and the same run was found again."""
    found = first(row, outcome)
    measured = f"{outcome.verdict.get('word', '')}, the same run, over {outcome.sessions} connections"
    if found.exit:
        return found
    wrong = []
    if outcome.sessions <= 1:
        wrong.append("the link was not cut")
    if not run or outcome.run != run:
        wrong.append(f"the run {run or 'of nobody'} was cut, and {outcome.run or 'none'} has ended")
    return failed(found, measured, *wrong) if wrong else replace(found, measured=measured)


def _troubles(outcome: Outcome) -> list[str]:
    bad = {"failed", "unknown", "waiting", "blocked"}
    last = {step.get("step"): step for step in outcome.steps}
    return [f"{step.get('title')}: {step.get('reason')}" for step in last.values() if step.get("word") in bad]
