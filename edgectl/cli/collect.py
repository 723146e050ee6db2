"""`edgectl collect`: what stores have to tell, taken over the link and kept in files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import EdgectlError, Exit, UsageError
from edgectl.wire.length import seconds

_AT_ONCE = 8
_EPILOG = """\b
Examples:
  edgectl collect                      (every store)
  edgectl collect group:eu --to /srv/upward
  edgectl collect store-042 -o json
  edgectl collect --textfile /var/lib/node_exporter/edgectl.prom
  edgectl collect --alerts https://alerts.example.com/api/v2/alerts

\b
Each node keeps a beat, verdicts and journals until they are told, or until
they are too many (docs/upward.md). What this record has is not sent again;
nothing is taken away from anybody else's. A receiver's address may be a
secret: EDGECTL_ALERTS can hold it, EDGECTL_ALERTS_TOKEN a bearer token.

\b
Exit codes:
  0 all were asked    4 none could be
  8 some could not be asked, or alerts were not taken: they are kept, and told
    the next time
  5 a file could not be written: --textfile's (all else is done), or the note
    of what --alerts has told (nothing is told)"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect", epilog=_EPILOG)(collect)


def collect(
    selector: Selector = "*",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the record lies; your state folder when not given."),
    ] = None,
    alerts: Annotated[
        str,
        typer.Option(
            "--alerts",
            metavar="URL",
            envvar="EDGECTL_ALERTS",
            help="Tell an Alertmanager (.../api/v2/alerts) or a webhook what is wrong, once, and when it is over.",
        ),
    ] = "",
    silence: Annotated[
        str, typer.Option("--silence", metavar="TIME", help="With --alerts: no beat for so long is an alert.")
    ] = "1h",
    textfile: Annotated[
        Path | None,
        typer.Option("--textfile", metavar="FILE", help="Write metrics for node_exporter's textfile collector."),
    ] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Take what stores have to tell, and keep it in files."""
    from edgectl.cli import alerting
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors
    from edgectl.cli.result import show
    from edgectl.control.collect.collect import collect as take
    from edgectl.control.collect.collect import folder
    from edgectl.control.collect.record import Record
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.control.staging import tried
    from edgectl.report.collected import document, lines

    receiver, longest = alerting.receiver(alerts), _seconds(silence)
    if textfile is not None:
        tried(textfile, "--textfile")
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
    told, said = document(root, answers), list(lines(root, answers))
    unwritten = alerting.measured(textfile, alerting.stands(root, answers)) if textfile is not None else ""
    if receiver is not None:
        sent = alerting.told(root, alerts, receiver, answers, longest, opened)
        told, said = {**told, "alerts": sent.document}, [*said, *sent.lines]
        code = max(code, Exit.PARTIAL) if sent.why and code != Exit.UNREACHABLE else code
    if textfile is not None:
        told = {**told, "textfile": {"path": str(textfile), "why": unwritten}}
    if unwritten:
        said, code = [*said, f"textfile: {unwritten}", "  next      free space there"], Exit.NOT_READY
    return show(output, told, "\n".join(said), code=code)


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise UsageError(f"--silence {text} is no length of time", hint=str(error)) from error
