"""Many stores with one command: which are meant, how many at once, and their one end.

Owns options and the order of things that `deploy`, `plan` and `status` of many have in common.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import Format, complete_store
from edgectl.wire.errors import UsageError

if TYPE_CHECKING:
    from edgectl.control.fleet.ended import Ended
    from edgectl.control.fleet.run import Work

Stores = Annotated[
    str,
    typer.Argument(
        metavar="SELECTOR",
        help="A store (store-042), or several: store-0*, group:eu, profile:t4, not ..., and, or.",
        autocompletion=complete_store,
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every store of the inventory.")]
AtOnce = Annotated[
    int | None,
    typer.Option(
        "--at-once", metavar="N", min=1, max=512, help="Of several stores, so many at a time.", show_default=False
    ),
]
DEPLOYS_AT_ONCE, LOOKS_AT_ONCE = 16, 64  # a look waits, mostly; a deploy may send over this side's line
Writer = Callable[[str, "Sequence[Ended]"], None]


@dataclass(frozen=True, slots=True)
class Showing:
    """How many at once (None: as many as the command is made for), and how their end is shown and handed on."""

    at_once: int | None
    output: Format
    verbose: bool
    writers: Sequence[Writer] = ()


def which(command: str, selector: str, *, every: bool) -> str:
    """Return the selector that is meant; UsageError where there is none, or two."""
    if every and selector:
        raise UsageError(f'--all means every store, and "{selector}" some', hint="give one of them")
    if not every and not selector:
        hint = f"a store, several (store-0*, group:eu, profile:t4), or --all; edgectl {command} --help"
        raise UsageError("Missing argument 'STORE', or --all", hint=hint)
    return "*" if every else selector


def is_several(selector: str) -> bool:
    """Tell whether a command line is about many stores: by how it is written, not by how many there are today."""
    from edgectl.control.inventory.selector import is_name

    return not is_name(selector)


def run(
    command: str,
    names: Sequence[str],
    work: Work,
    showing: Showing,
    *,
    at_once: int,
) -> int:
    """Do the work for all, say how they ended, and hand that to whoever writes it elsewhere; returns the exit code."""
    from edgectl.cli.result import show
    from edgectl.control.fleet.ended import exit_of
    from edgectl.control.fleet.run import run as run_all
    from edgectl.report.fleet import document, lines
    from edgectl.report.running import Running

    running, began = Running(command, len(names)), time.monotonic()
    try:
        ended = run_all(names, work, at_once=showing.at_once or at_once, begun=running.begun, ended=running.ended)
    finally:
        running.close()
    seconds = time.monotonic() - began
    for write in showing.writers:
        write(command, ended)
    text = "\n".join(lines(command, ended, seconds=seconds, verbose=showing.verbose))
    return show(showing.output, document(command, ended, seconds=seconds), text, code=exit_of(ended))
