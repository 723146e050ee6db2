"""`nox -s doctor`: make each fault on a real store (root), ask doctor, print the marks; exit 1 below what is promised.

nox -s doctor -- --only gpu-off-the-bus --only "image-missing and sink-refuses-token"
nox -s doctor -- --answers FOLDER --only disk-full     (in parts: each answer stays in the folder)
nox -s doctor -- --answers FOLDER --mark --write       (no store: mark what is there)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgectl.wire.errors import EdgectlError
from tests.doctor import answer, marks, table
from tests.doctor.exam import Ask, Asked, put, recovered
from tests.doctor.fault import Ground, Question
from tests.doctor.ground import STORE, Room, alone, is_whole
from tests.doctor.kept import keep, kept
from tests.doctor.questions import QUESTIONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/doctor-score.md"
PROMISED = 28  # of 30; and no healthy part is blamed
_SECONDS = 120


def main(argv: list[str] | None = None) -> int:
    """Run it; the store is taken down whatever happens."""
    options = _options(argv)
    chosen = [one for one in QUESTIONS if not options.only or one.name in options.only]
    os.chdir(ROOT)
    if options.mark:
        return tell([_marked(options.answers, one) for one in chosen], len(chosen), write=options.write)
    with alone(_say, name=options.store, keep=options.keep) as room:
        until = time.monotonic() + options.minutes * 60
        rows = ask_all(room, chosen, over_the_line=options.line, until=until, folder=options.answers)
    return tell(rows, len(chosen), write=options.write)


def tell(rows: Sequence[table.Row], total: int, *, write: bool) -> int:
    """Show the table, on the page too if wanted; return whether the promise is held."""
    sys.stdout.write("\n" + table.text(rows, total))
    if write:
        PAGE.write_text(table.page(rows, total))
    return verdict(rows, total)


def verdict(rows: Sequence[table.Row], total: int) -> int:
    """Return 0 when the promise is held: of 30 at most two are wrong, and nothing healthy is blamed, nor afterwards."""
    marked = [row.mark for row in rows if row.mark is not None]
    wrong = total - sum(one.right for one in marked)
    return int(
        total == 0
        or wrong > (len(QUESTIONS) - PROMISED)
        or any(one.blamed for one in marked)
        or any(row.after and row.after.causes for row in rows)
    )


def ask_all(
    room: Room, chosen: Sequence[Question], *, over_the_line: bool, until: float, folder: Path | None = None
) -> list[table.Row]:
    """Put one question after the other, each to a store that is whole; one that cannot be made is no right one."""
    rows: list[table.Row] = []
    ask = _over_the_line if over_the_line else at_the_rack
    for question in chosen:
        if time.monotonic() > until:
            rows.append(table.Row(question.name, answer.Answer(), None, note="no time was left"))
            continue
        try:
            asked = put(room.take(), question, ask)
        except (AssertionError, EdgectlError) as error:
            rows.append(table.Row(question.name, answer.Answer(), None, note=str(error)))
            _say(f"{question.name}: {error}")
            room.drop()
            continue
        asked = _after(room, asked, ask)
        if folder is not None:
            keep(folder, asked)
        rows.append(row_of(asked))
        _say(f"{question.name}: {rows[-1].mark}\n    {rows[-1].answer.said()}")
        if after := rows[-1].after:
            _say(f"    {asked.mended:.0f} s later: {after.said()}")
    return rows


def _after(room: Room, asked: Asked, ask: Ask) -> Asked:
    """Return the question with what is said of the store that is well again; what colours the next one is dropped."""
    ground = room.take()
    try:
        asked = recovered(ground, asked, ask)
        whole = is_whole(ground)
    except (AssertionError, EdgectlError) as error:
        _say(f"{asked.question.name}: {error}")
        whole = False
    if not whole:
        _say(f"after {asked.question.name} the store is not as it was: a fresh one takes its place")
        room.drop()
    return asked


def row_of(asked: Asked) -> table.Row:
    """Mark what was answered."""
    given = answer.read(asked.text)
    after = answer.read(asked.after) if asked.after else None
    return table.Row(asked.question.name, given, marks.mark(asked.question, given), asked.showed, after=after)


def _marked(folder: Path, question: Question) -> table.Row:
    asked = kept(folder, question)
    if asked is None:
        return table.Row(
            question.name, answer.Answer(), None, note="not asked on a store yet, or its fault did not show"
        )
    return row_of(asked)


def at_the_rack(ground: Ground) -> str:
    """Ask at the node's keyboard, where no fault of the line is in the way."""
    return ground.node.run("edgectl-node", "doctor", "-o", "json", seconds=_SECONDS, check=False).out


def _over_the_line(ground: Ground) -> str:
    return ground.operator.start("doctor", "-o", "json").finish(seconds=_SECONDS).out


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s doctor --", description=__doc__)
    names = [one.name for one in QUESTIONS]
    parser.add_argument("--only", action="append", choices=names, default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--line", action="store_true", help="ask `edgectl doctor` over the line, and not at the rack")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--answers", type=Path, metavar="FOLDER", help="keep each answer there")
    parser.add_argument("--mark", action="store_true", help="no store: mark the answers of --answers")
    parser.add_argument("--store", default=STORE)
    parser.add_argument("--keep", default="", metavar="KEY", help="begin from the settled copy of this name")
    parser.add_argument("--minutes", type=float, default=90, help="begin no question after so many minutes")
    options = parser.parse_args(argv)
    if options.mark and options.answers is None:
        parser.error("--mark needs --answers FOLDER")
    return options


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
