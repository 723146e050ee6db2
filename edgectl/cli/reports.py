"""What a command writes for programs besides its answer: JUnit XML, a comment for a merge request, annotations.

Owns where it goes, and that it is written however the command ends: by a verdict, an error, Ctrl-C, a bug. Whether it
can be written is tried before anything starts; a disk that fills meanwhile is a note, and changes no outcome.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.interrupted import Interrupted
from edgectl.wire.errors import Bug, EdgectlError, Exit

if TYPE_CHECKING:
    from edgectl.control.fleet.ended import Ended
    from edgectl.report.steps import Pair

Junit = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write JUnit XML there, too: a suite a store, a case a step."),
]
Comment = Annotated[
    Path | None,
    typer.Option("--comment", metavar="FILE", help="Write Markdown for a merge request's comment there, too."),
]


@dataclass(slots=True)
class Reports:
    """The reports of one command about one store or many; `of` takes each store's document."""

    command: str
    store: str
    junit: Path | None = None
    comment: Path | None = None
    pairs: list[Pair] = field(default_factory=list)
    many: list[Ended] = field(default_factory=list)
    whole: str = ""  # JUnit of a command that has a form of its own for what it has found

    def __post_init__(self) -> None:
        """Say now if one of them can not be written."""
        for option, path in (("--junit", self.junit), ("--comment", self.comment)):
            if path is not None:
                from edgectl.control.staging import tried

                tried(path, option)

    def of(self, store: str, said: Mapping[str, Any] | EdgectlError) -> None:
        """Take what became of a store."""
        self.pairs.append((store, said))

    def of_all(self, command: str, ended: Sequence[Ended]) -> None:
        """Take what became of many stores."""
        self.many = [_left(command, one) for one in ended]
        for one in self.many:
            self.of(one.store, one.error if one.error is not None else {**(one.document or {}), "exit": one.exit})

    def __enter__(self) -> Reports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.of(self.store, error if isinstance(error, EdgectlError) else _ended_by(error))
        if annotates():
            self._annotate()
        if self.junit is not None:
            from edgectl.report.junit import junit

            whole = self.whole if error is None else ""
            write(self.junit, whole or junit(self.pairs, command=self.command))
        if self.comment is not None:
            from edgectl.report.comment import comment

            write(self.comment, comment(self.pairs))

    def _annotate(self) -> None:
        """Annotate what the commands' own end does not: it has the one error of one store."""
        from edgectl.report.annotations import of_document, of_many

        lines = [
            line
            for store, said in self.pairs
            if not isinstance(said, EdgectlError)
            for line in of_document(store, said)
        ]
        sys.stderr.write("".join(f"{line}\n" for line in (*lines, *of_many(self.many))))


def annotates() -> bool:
    """Tell whether what is wrong is annotated for GitHub: in its jobs, or where that is asked for."""
    asked = os.environ.get("EDGECTL_ANNOTATIONS", "")
    return asked == "github" or (not asked and os.environ.get("GITHUB_ACTIONS") == "true")


def _left(command: str, one: Ended) -> Ended:
    """Return a store's end; where a person has stopped watching, with the error that one store alone would end with."""
    if one.exit != Exit.INTERRUPTED or one.error is not None:
        return one
    reason, hint = "stopped before it had answered", "run the same command again"
    if command == "deploy":
        reason, hint = "stopped before it was given anything", f"{hint}; what was sent is kept"
    if one.run:
        reason = f"stopped watching; it goes on by itself (run {one.run})"
        hint = f"watch again with `edgectl journal {one.store} --follow`, re-attach with `edgectl deploy {one.store}`"
    return replace(one, reason=reason, error=Interrupted(reason, hint=hint), own=(*one.own, one.run))


def _ended_by(error: BaseException) -> EdgectlError:
    """Return what a report says of an end that no command foresees."""
    hint = "what a node was asked to do, it finishes by itself; run the same command again"
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("stopped before it had ended", hint=hint)
    return Bug(f"edgectl has a bug: {type(error).__name__}: {error}", hint=hint)


def write(path: Path, text: str) -> None:
    """Write a report, old or new, never torn; what stands in the way by now is only said."""
    from edgectl.control.staging import staged

    try:
        with staged(path) as stream:
            stream.write(text.encode())
    except OSError as error:
        sys.stderr.write(f"  note      {path} could not be written: {os.strerror(error.errno or 0)}\n")
