"""The report of an acceptance: what was tried on which machine with what, all rows, and the figures.

Owns: its shape and format, and the word over it. Must not know who signs it.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl import __version__
from edgectl.control.accept.kit import Kit
from edgectl.control.accept.law import Figure
from edgectl.control.accept.row import WORDS, Row, code_of
from edgectl.wire.lab import LabFacts

FORMAT = 1
KIND = "edgectl acceptance"
PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Something that was not the real thing, and how that is known."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `exit` is the command's; `stood_in` is empty where all was real."""

    format: int
    kind: str
    store: str
    word: str
    exit: int
    real: bool  # nothing stood in for anything: an acceptance of real hardware
    began: str
    ended: str
    edgectl: str
    inventory: str  # digest of the file
    commit: str
    payload: str
    engine: str
    seed: int
    storm: int
    hardware: LabFacts | None
    stood_in: tuple[StandIn, ...]
    counts: dict[str, int]
    figures: tuple[Figure, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What is accepted: digests, and when."""

    inventory: str
    commit: str
    payload: str
    engine: str
    began: str
    ended: str


def report(kit: Kit, named: Named) -> Report:
    """Return the report of an acceptance that has ended."""
    code = code_of(kit.rows)
    return Report(
        format=FORMAT,
        kind=KIND,
        store=kit.site.store.name,
        word=FAILED if code else PASSED,
        exit=code,
        real=kit.facts is not None and not kit.stood_in,
        began=named.began,
        ended=named.ended,
        edgectl=__version__,
        inventory=named.inventory,
        commit=named.commit,
        payload=named.payload,
        engine=named.engine,
        seed=kit.seed,
        storm=kit.blows,
        hardware=kit.facts,
        stood_in=tuple(StandIn(what, why) for what, why in kit.stood_in.items()),
        counts={word: sum(row.word == word for row in kit.rows) for word in WORDS},
        figures=tuple(kit.figures),
        rows=kit.rows,
    )
