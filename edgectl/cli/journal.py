"""`edgectl journal`: what a run on the node said, as it happens or afterwards."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.interrupted import Interrupted
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, NodeName, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

if TYPE_CHECKING:
    from edgectl.cli.door import Door

_EPILOG = """\b
Examples:
  edgectl journal store-042               (the newest run)
  edgectl journal store-042 --follow      (watch it until its verdict)
  edgectl journal store-042 --list
  edgectl journal store-042 --run 8f3a    (an id, or the beginning of one)

--follow goes on over a link that breaks, and over a restart of the machine,
as a deploy does. A run that ends without a verdict is exit 6. With -o json
the events are shown on stderr as they come, and the one document is printed at the end."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("journal", epilog=_EPILOG)(journal)


def journal(
    store: StoreName,
    node: NodeName = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    run: Annotated[str, typer.Option("--run", metavar="ID", help="A run's id, or its beginning.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for the run's verdict.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the runs that the node has kept.")] = False,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a run on the node said, whoever started it."""
    from edgectl.cli import store as stores

    found = stores.find(store, inventory)
    store, door = found.name, stores.door(found, node=node, verbose=verbose)
    with stores.speaking_of(store):
        if listing:
            return _list(store, door, output)
        try:
            return _show(store, door, run=run, follow=follow, output=output)
        except KeyboardInterrupt as error:
            hint = f"watch again with `edgectl journal {store} --follow`"
            raise Interrupted("stopped watching; the node goes on by itself", hint=hint) from error


def _show(store: str, door: Door, *, run: str, follow: bool, output: Format) -> int:
    from edgectl.cli.result import tell, write_document
    from edgectl.control.deploy.followed import Following
    from edgectl.control.deploy.followed import journal as read
    from edgectl.report.words import journal_line

    events: list[dict[str, Any]] = []
    told = Following(door.open, door.node, run, _say).events() if follow else read(door.open, run=run)
    for item in told:
        events.append(item)
        line = journal_line(item) + "\n"
        if output is Format.TEXT and not tell(line):
            break
        if output is Format.JSON and follow:
            sys.stderr.write(line)
    if output is Format.JSON:
        write_document({"store": store, "events": events, "exit": int(Exit.OK)})
    elif not events:
        sys.stderr.write("no run has left a journal on this node yet\n")
    return int(Exit.OK)


def _say(sentence: str) -> None:
    sys.stderr.write(f"  {sentence}\n")
    sys.stderr.flush()


def _list(store: str, door: Door, output: Format) -> int:
    from edgectl.cli.result import show
    from edgectl.control.deploy.look import runs
    from edgectl.report.words import run_line

    names = runs(door.open)
    text = "\n".join(run_line(name) for name in names) or "no run has left a journal on this node yet"
    return show(output, {"store": store, "runs": names}, text)
