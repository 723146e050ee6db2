"""`edgectl models prefetch`: the versions to come, brought to the nodes in good hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store
from edgectl.wire.errors import EdgectlError, Exit

if TYPE_CHECKING:
    from edgectl.control.inventory.store import Store

_EPILOG = """\b
Examples:
  edgectl models prefetch store-042
  edgectl models prefetch group:berlin --limit 500kbit
  edgectl models prefetch store-042 --now      (whatever the hours say)

Sends what the nodes lack of `models.NAME.next`, and changes nothing that
runs: it becomes the candidate, and the deploy that declares it sends none of
its bytes. `windows: {prefetch: [...]}` says when (at any time without). When
the hours end in between, it stops; what has come is kept, and the same
command goes on there.

\b
Exit codes:
  0 all is there, or nothing is to come
  10 the hours are closed, or have ended before all was there
  11 the node's model_budget cannot hold it
Of several stores, that of the first that has not all; each is said."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prefetch", epilog=_EPILOG)(prefetch)


def prefetch(
    selector: Annotated[
        str,
        typer.Argument(metavar="SELECTOR", help="Which stores, by name or group.", autocompletion=complete_store),
    ],
    limit: Annotated[
        str | None,
        typer.Option("--limit", metavar="RATE", help="Send no faster: 500kbit, 2mbit (bits a second), 250kB."),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Send now, whatever the store's hours say.")] = False,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Bring the models to come to stores, in their hours, for a deploy that sends nothing."""
    from edgectl.cli import store as stores
    from edgectl.cli.deploy import rate
    from edgectl.cli.result import show

    asked = None if limit is None else rate(limit)
    opened, names = stores.some(selector, inventory)
    ended: dict[str, dict[str, Any]] = {}
    said: list[str] = []
    for name in names:
        try:
            found = opened.store(name)
            with stores.speaking_of(name):
                ended[name], text = _bring(found, inventory, asked, now=now, verbose=verbose)
        except EdgectlError as error:
            if len(names) == 1:
                raise
            ended[name], text = {**error.to_json(), "code": int(error.exit)}, f"{name}: {error.message}"
        said.append(text)
    code = next((int(one["code"]) for one in ended.values() if one["code"]), int(Exit.OK))
    return show(output, {"stores": ended}, "\n".join(said), code=code)


def _bring(
    store: Store, inventory: InventoryPath, asked: float | None, *, now: bool, verbose: bool
) -> tuple[dict[str, Any], str]:
    """Bring what one store lacks; returns how it ended, and its sentence."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.cli.signed import signed
    from edgectl.control.deploy.line import Line
    from edgectl.control.deploy.prefetch import Hours, left, offer_ahead
    from edgectl.control.deploy.prefetch import prefetch as bring
    from edgectl.report.prefetched import closed, nothing, told
    from edgectl.report.terminal import Terminal

    hours = Hours(store.models.hours, insists=now)
    if not store.models.next:
        return {"code": int(Exit.OK), "left": 0}, nothing(store.name)
    if not hours.hold():
        return closed(store.name, hours.windows, hours.clock())
    rendered = stores.render(store)
    engine = stores.runtime()
    given = stores.offer(store, rendered, engine, inventory=inventory)
    given = signed(given, store, engine_bytes=len(engine.tar), payload=rendered.payload.encode())
    doors = doors_of(store.nodes, engine, verbose=verbose)
    offers = {
        name: (offer, door.open)
        for name, door in doors.items()
        if (offer := offer_ahead(given, rendered, name)) is not None
    }
    terminal = Terminal(head=f"{store.name}  models to come", verbose=verbose)
    line = Line(stores.caps(store, asked))
    try:
        answers = bring(offers, terminal, line, hours.hold, {node.name: node.address for node in store.nodes})
    finally:
        terminal.close()
    wrong = [answer for answer in answers.values() if isinstance(answer, EdgectlError)]
    if len(wrong) == len(answers):
        raise wrong[0]
    return told(store, answers, left(answers, line), hours.clock())
