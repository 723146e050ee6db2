"""`edgectl collect`: what stores have to tell, taken over the link and kept in files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import EdgectlError, Exit

_AT_ONCE = 8
_EPILOG = """\b
Examples:
  edgectl collect                      (every store)
  edgectl collect group:eu --to /srv/upward
  edgectl collect store-042 -o json

\b
Each node keeps a beat, verdicts and journals until they are told, or until
they are too many (docs/upward.md). What this record has is not sent again;
nothing is taken away from anybody else's.

\b
Exit codes:
  0 all were asked    8 some could not be asked    4 none could"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect", epilog=_EPILOG)(collect)


def collect(
    selector: Selector = "*",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the record lies; your state folder when not given."),
    ] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Take what stores have to tell, and keep it in files."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors
    from edgectl.cli.result import show
    from edgectl.control.collect.collect import collect as take
    from edgectl.control.collect.collect import folder
    from edgectl.control.collect.record import Record
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.report.collected import document, lines

    opened, names = stores.some(selector, inventory)
    root, engine = to or folder(), stores.runtime()
    asks = {}
    for name in names:
        for node, door in doors(opened.store(name).nodes, engine, verbose=verbose).items():
            record = Record(root / name / node, name, node)
            asks[f"{name}/{node}"] = partial(take, door.open, record)
    answers = everywhere(asks, at_once=_AT_ONCE)
    silent = sum(isinstance(answer, EdgectlError) for answer in answers.values())
    code = Exit.OK if not silent else Exit.PARTIAL if silent < len(answers) else Exit.UNREACHABLE
    return show(output, document(root, answers), "\n".join(lines(root, answers)), code=code)
