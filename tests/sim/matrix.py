"""All cases of all histories, on every core, and the table of what survived.

`python -m tests.sim.matrix [--every N]` prints the table; `nox -s faults` calls it. Exit 1 when a case did not survive.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.sim.faults import FAULTS, Case, cases, run
from tests.sim.histories import Kept, given, histories

EVERY = 20  # in CI: about each twentieth case, which is more than 1,500
_SLICES = 8
_MARK = "<!-- faults -->"
_STEP = re.compile(r"engine: (?:probe|apply|half) (\S+)$")
_PLACES = (
    (r"^operator", "operator: its frames"),
    (r"^session: \S+ \S*staging/", "session: a blob comes, staged"),
    (r"^session: \S+ \S*\bblobs/sha256", "session: a blob gets its name"),
    (r"^session: (?!systemctl)", "session: judge, answer, accept"),
    (r"^session: systemctl", "session: start the engine"),
    (r"^engine: (systemctl|\S+ (var/lib/edgectl/\.?reboot|run/edgectl/\.?restarts))", "engine: restarts the machine"),
    (r"journal/", "engine: journal"),
    (r"outbox/", "engine: what waits to be told"),
    (r"slots/|way-back", "engine: promote, reject, go back"),
    (r"^engine: probe", "engine: a step's probe"),
    (r"^engine: (apply|half)", "engine: a step's apply"),
    (r"^engine: sync$", "engine: sync before done"),
    (r"^engine", "engine: lock, request, blobs"),
)


@dataclass(frozen=True)
class Ran:
    """One case and its end; `broken` is the law that it broke."""

    case: str
    history: str
    place: str
    fault: str
    end: str
    broken: str = ""
    step: str = ""  # whose look or change it strikes at


def place(event: str) -> str:
    """Return the class of an event."""
    return next(name for pattern, name in _PLACES if re.search(pattern, event))


def step_of(event: str) -> str:
    """Return the step at whose look or change an event happens; "" at any other."""
    found = _STEP.match(event)
    return found[1] if found else ""


def one_slice(history: str, part: int, every: int, only: str, first: bool) -> list[Ran]:  # noqa: FBT001 - a pool's job
    """Run a part of one history's cases; a case is drawn by its name, so that no pattern in the events hides faults."""
    try:
        return _one_slice(history, part, every, only, first=first)
    except Exception as error:  # noqa: BLE001 - it does not even survive without a fault
        return [Ran(f"{history} / no fault", history, "", "", "?", repr(error))]


def _one_slice(history: str, part: int, every: int, only: str, *, first: bool) -> list[Ran]:
    found = next(one for one in histories() if one.name == history)
    rows = []
    wanted = only.split(" / ")
    with given(found.given) as kept:
        for case in cases(found, kept):
            names = (case.history.name, case.fault, place(case.event))
            if only and not all(any(name.startswith(word) for name in names) for word in wanted):
                continue
            drawn = int.from_bytes(hashlib.sha256(case.name.encode()).digest()[:8], "big")
            if drawn % every or drawn // every % _SLICES != part:
                continue
            rows.append(one(case, kept))
            if first and rows[-1].broken:
                break
    return rows


def one(case: Case, kept: Kept) -> Ran:
    """Run one case."""
    try:
        end, broken = run(case, kept), ""
    except AssertionError as error:
        end, broken = "?", str(error) or "a law was broken"
    except Exception as error:  # noqa: BLE001 - a crash of the product is the worst end of a case
        end, broken = "?", f"crash: {type(error).__name__}: {error}"
    return Ran(case.name, case.history.name, place(case.event), case.fault, end, broken, step_of(case.event))


def run_all(every: int = EVERY, only: str = "", *, first: bool = False) -> list[Ran]:
    """Run one case in `every` of every history; `only` names a history, a fault, or "history / fault"."""
    named = [history.name for history in histories() if only.partition(" / ")[0] in {"", history.name, *FAULTS}]
    jobs = [(name, part, every, only, first) for name in named for part in range(_SLICES)]
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
        rows: list[Ran] = []
        for some in pool.map(one_slice, *zip(*jobs, strict=True)):
            rows += some
            if first and any(row.broken for row in some):
                pool.shutdown(wait=False, cancel_futures=True)
                break
        return rows


def table(rows: Iterable[Ran]) -> str:
    """Return survived/injected by place and fault, and how each history ended."""
    found = list(rows)
    lines = _grid("where it strikes", list(dict.fromkeys(name for _, name in _PLACES)), found, lambda row: row.place)
    steps = list(dict.fromkeys(row.step for row in found if row.step))
    lines += ["", *_grid("at which step's look or change", steps, found, lambda row: row.step)]
    lines += ["", "| history | same command again, or nobody: ends as |", "|---|---|"]
    for history in histories():
        ends = Counter(row.end for row in found if row.history == history.name)
        lines.append(f"| {history.name} | {', '.join(f'{end} ({number})' for end, number in ends.most_common())} |")
    return "\n".join(lines)


def _grid(head: str, names: Iterable[str], rows: list[Ran], name_of: Callable[[Ran], str]) -> list[str]:
    """Return survived/injected by name and fault."""
    count: Counter[tuple[str, str]] = Counter((name_of(row), row.fault) for row in rows)
    well: Counter[tuple[str, str]] = Counter((name_of(row), row.fault) for row in rows if not row.broken)
    lines = [f"| {head} | " + " | ".join(FAULTS) + " |", "|---|" + "---|" * len(FAULTS)]
    for name in names:
        cells = [f"{well[name, fault]}/{count[name, fault]}" if count[name, fault] else "" for fault in FAULTS]
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="nox -s faults --")
    parser.add_argument("--every", type=int, default=EVERY, metavar="N", help="one case in N, drawn by name; 1 for all")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases of histories and faults that bear this name")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table below the line `<!-- faults -->`")
    parser.add_argument("--first", action="store_true", help="end at the first case that does not survive")
    asked = parser.parse_args()
    every = asked.every
    began = time.monotonic()
    rows = run_all(every, asked.only, first=asked.first)
    broken = [row for row in rows if row.broken]
    text = (
        table(rows)
        + f"\n\n{len(rows) - len(broken)} of {len(rows)} survived"
        + ("" if every == 1 else f" (one case in {every}; all: nox -s faults -- --every 1)")
    )
    if asked.write:
        head = asked.write.read_text().partition(_MARK)[0]
        asked.write.write_text(f"{head}{_MARK}\n\n{text}\n")
    sys.stdout.write(text + f", {time.monotonic() - began:.0f} s\n")
    for row in broken:
        sys.stdout.write(f"\nnot survived: {row.case}\n  {row.broken}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
