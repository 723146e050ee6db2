"""`nox -s storm`: a seeded storm on a store of its own, and the same store without the guard; exit 1 on a broken law.

nox -s storm -- --events 60 --seed 7
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path

from edgectl.sandbox.bundle import make_bundle
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.storm import baseline, events, tables
from tests.storm.judge import Row, broken
from tests.storm.prepare import ground
from tests.storm.storm import Degraded, degraded, storm

STORE = "storm-1"


def main(argv: list[str] | None = None) -> int:
    """Run it; the store is taken down whatever happens."""
    options = _options(argv)
    os.chdir(Path(__file__).parents[2])
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    drawn = events.draw(seed, options.events, only=tuple(options.only), longest=options.longest)
    began = time.monotonic()
    _say(f"storm of {len(drawn)} events, seed {seed}")
    box = Sandbox(_say)
    lost, bare = None, list[Row]()
    with ground(box, options.store, make_bundle(_say), lambda store: _say(f"{store.name} is up")) as on:
        rows = storm(on, drawn, _say)
        if not any(row.failed for row in rows):
            lost = None if options.no_degraded else degraded(on, _say)
            bare = baseline.baseline(on, options.baseline, _say) if options.baseline else bare
    found = list(broken(rows))
    if lost is not None and lost.wrong:
        found.append(f"one GPU of two lost: {lost.wrong}")
    if bare and not any(row.dead_left for row in bare):
        found.append("without the guard no pod was left dead: the storm does not show what it is there for")
    if len(rows) < len(drawn):
        found.append(f"{len(drawn) - len(rows)} events were not tried any more")
    if options.json:
        more = {"degraded": asdict(lost) if lost else None, "baseline": [asdict(row) for row in bare]}
        doc = tables.document(rows, seed=seed, **more)
        sys.stdout.write(json.dumps({**doc, "broken": found}, indent=2) + "\n")
    else:
        boots = [row for row, event in zip(rows, drawn, strict=False) if event.boots]
        _print(rows, boots, lost, bare)
        minutes = (time.monotonic() - began) / 60
        sys.stdout.write(f"\n{len(rows)} events, seed {seed}, {minutes:.1f} minutes with bringing the store up.\n")
        sys.stdout.write("".join(f"BROKEN: {what}\n" for what in found) or "All laws held.\n")
    if found:
        only = "".join(f" --only '{kind}'" for kind in options.only)
        _say(f"to repeat it: nox -s storm -- --events {options.events} --seed {seed}{only}")
    return 1 if found else 0


def _print(rows: list[Row], boots: list[Row], lost: Degraded | None, bare: list[Row]) -> None:
    out = [f"### The storm\n\n{tables.table(rows)}", tables.summary(rows), tables.DEFINITION + "\n"]
    if lost is not None:
        told = lost.wrong or f"told after {lost.told_after:.1f} s, whole again after {lost.whole_after:.1f} s"
        out.append(f"One GPU of two lost ({lost.device}): {told}\n")
    if bare:
        out += [f"### Without the guard\n\n{tables.table(bare)}", tables.beside(boots, bare)]
    sys.stdout.write("\n" + "\n".join(out))


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s storm --", description=__doc__)
    parser.add_argument("--events", type=int, default=events.SHORT_STORM)
    parser.add_argument("--seed", type=int, help="default: a drawn one, which is printed")
    parser.add_argument("--only", action="append", choices=events.KINDS, default=[], help="this kind only; repeatable")
    parser.add_argument("--longest", type=float, default=0.0, help="longest delay in seconds (40; 90 in a long storm)")
    parser.add_argument("--baseline", type=int, default=3, help="reboots without the guard; 0: none")
    parser.add_argument("--no-degraded", action="store_true", help="leave out the loss of one GPU of two")
    parser.add_argument("--store", default=STORE)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
