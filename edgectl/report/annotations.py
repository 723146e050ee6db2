"""Workflow commands of GitHub Actions: what is wrong, at the line of the inventory where it stands. Pure.

Owns that form and its escapes: a node's own words must not become a command. Must not know where they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgectl.control.fleet.alike import causes
from edgectl.control.fleet.ended import Ended
from edgectl.report.steps import Document, advice, ended_well, next_of, steps_of
from edgectl.wire.errors import EdgectlError

_PLACE = re.compile(r"(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+)  (?P<sentence>.+)")
_MOST = 10  # GitHub shows no more of one kind in a step


def of_error(error: EdgectlError) -> Iterator[str]:
    """Yield a command for each place that an error names; one for the whole where it names none."""
    places = _places(error)
    for found in places[:_MOST]:
        yield _command(found["sentence"], file=found["file"], line=found["line"], col=found["column"])
    if len(places) > _MOST:
        yield _command(f"{len(places) - _MOST} more are wrong: {error.message}")
    if not places:
        yield _command(f"{error.message}. next: {advice(error)}", title=f"edgectl, exit {int(error.exit)}")


def of_many(ended: Sequence[Ended]) -> Iterator[str]:
    """Yield what has ended many stores with an error, each once: a place as it is, all else as the same trouble."""
    placed = (one.error for one in ended if one.error is not None and _places(one.error))
    yield from dict.fromkeys(line for error in placed for line in of_error(error))
    for cause in causes(one for one in ended if one.error is not None and not _places(one.error)):
        if (error := cause.first.error) is not None:
            store, others = cause.stores[0], len(cause.stores) - 1
            title = f"{store}{f' and {others} more' if others else ''}, exit {int(error.exit)}"
            yield _command(f"{cause.reason}. next: {advice(error).replace('STORE', store)}", title=title)


def of_document(store: str, document: Document) -> Iterator[str]:
    """Yield a command for each step that is wrong; none where the store is as it should be."""
    if ended_well(document):
        return
    wrong = [step for step in steps_of(document.get("steps") or ()) if step.is_wrong or step.is_unknown]
    for step in wrong[:_MOST]:
        yield _command(f"{step.reason}. next: {next_of(store, step)}", title=f"{store}: {step.title}")
    if not wrong:
        verdict = document.get("verdict") or {}
        yield _command(str(verdict.get("reason") or verdict.get("word") or "no verdict"), title=store)


def _places(error: EdgectlError) -> list[re.Match[str]]:
    return [found for line in error.details if (found := _PLACE.fullmatch(line))]


def _command(message: str, **where: str) -> str:
    fields = ",".join(f"{name}={_property(value)}" for name, value in where.items())
    return f"::error{' ' if fields else ''}{fields}::{_data(message)}"


def _data(text: str) -> str:
    """Escape as actions/toolkit does (packages/core/src/command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
