"""An acceptance as people read it: rows as they come, and the word at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from edgectl.control.accept.report import Report
from edgectl.control.accept.row import FAILED, NOT_ASKED, Row
from edgectl.report.words import count, size

_WIDTH = 9


def row(one: Row, *, verbose: bool = False) -> list[str]:
    """Return the lines of one row; what was not asked of k3s is one line, with -v."""
    if one.word == NOT_ASKED and one.part == "contract" and not verbose:
        return []
    said = one.measured or one.why
    line = f"  {one.word:<{_WIDTH}} {one.id:<22} {one.title}"
    found = [f"{line}: {said}" if said else line]
    if one.word == FAILED:
        found += [f"{'':<{_WIDTH + 3}} wanted: {one.wanted}"] if one.wanted else []
        found += [f"{'':<{_WIDTH + 3}} {line}" for line in one.evidence]
    return found


def lines(made: Report) -> list[str]:
    """Return what stands under the rows."""
    found = [f"{made.store}: {_word(made)}. {_counts(made)}. Storm of {made.storm}, seed {made.seed}."]
    if made.hardware is not None:
        found.append(f"  machine   {'; '.join(_hardware(made))}")
    for figure in made.figures:
        more = f"{size(figure.link_bytes)} on the line, a plain copy {size(figure.floor_bytes)}"
        found.append(f"  figure    {figure.title}: {figure.seconds:.1f} s, {more}, {count(figure.changes, 'change')}")
    found += [f"  stood in  {one.what}: {one.why}" for one in made.stood_in]
    if made.stood_in:
        found.append("This is no acceptance of real hardware.")
    found += [f"  failed    {one.id}: {one.measured}" for one in made.rows if one.word == FAILED]
    return found


def _word(made: Report) -> str:
    things = ", ".join(one.what for one in made.stood_in)
    return f"{made.word}; stood in: {things}" if things else made.word


def _counts(made: Report) -> str:
    return ", ".join(f"{number} {word}" for word, number in made.counts.items() if number)


def _hardware(made: Report) -> Iterable[str]:
    facts = made.hardware
    if facts is None:
        return ()
    first = " ".join(word for word in (facts.vendor, facts.product) if word)
    return (
        *((first,) if first else ()),
        facts.cpu or "CPU unknown",
        f"{facts.cores} cores, {size(facts.memory_bytes)} of memory",
        facts.system,
        f"kernel {facts.kernel}",
        facts.k3s or "no k3s",
        *facts.gpus,
    )
