"""`edgectl preflight`: everything that can be known about stores' machines before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, complete_store
from edgectl.cli.reports import Junit, Reports

if TYPE_CHECKING:
    from edgectl.control.inventory.store import Store
    from edgectl.control.payload.rendered import Rendered
    from edgectl.wire.finding import Finding

_EPILOG = """\b
Examples:
  edgectl preflight store-042
  edgectl preflight group:berlin --junit preflight.xml
  edgectl preflight store-042 -v           (what is fine, too, and evidence)
  edgectl preflight store-042 --take-over  (as a deploy with it would see it)
  edgectl ssh store-042 -- sudo edgectl-node preflight    (the same, there)

All findings at once, each with what to do; docs/preflight.md lists them.
Writes nothing on the nodes but edgectl's own engine.

\b
Exit codes:
  0 nothing would stop a deploy    5 something would, or could not be seen
  4 a node could not be asked"""
_AT_ONCE = 16


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preflight", epilog=_EPILOG)(preflight)


def preflight(
    selector: Annotated[
        str,
        typer.Argument(metavar="SELECTOR", help="Which stores, by name or group.", autocompletion=complete_store),
    ],
    take_over: Annotated[bool, typer.Option("--take-over", help="Look as a deploy with --take-over would.")] = False,
    junit: Junit = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what is fine, too, and evidence.")] = False,
) -> int:
    """Find all that would stand in a deploy's way; change nothing."""
    with Reports("preflight", selector, junit) as reports:
        return _preflight(selector, inventory, reports, take_over=take_over, output=output, verbose=verbose)


def _preflight(
    selector: str, inventory: Path, reports: Reports, *, take_over: bool, output: Format, verbose: bool
) -> int:
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.cli.result import show
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.control.deploy.preflight import declared_of
    from edgectl.control.deploy.preflight import preflight as ask
    from edgectl.report import preflights
    from edgectl.wire.errors import EdgectlError

    opened, names = stores.some(selector, inventory)
    engine, renderer = stores.runtime(), stores.renderer()
    asks: dict[str, Callable[[], tuple[Finding, ...]]] = {}
    mine: dict[str, tuple[Store, tuple[Finding, ...]]] = {}
    for name in names:
        store = opened.store(name)
        rendered, here = _rendered(store, renderer.render)
        mine[name] = store, here
        doors = doors_of(store.nodes, engine, verbose=verbose)
        for node in store.nodes:
            declared = declared_of(store, node, rendered, take_over=take_over)
            asks[f"{name}/{node.name}"] = partial(ask, doors[node.name].open, declared)
    answers = everywhere(asks, at_once=_AT_ONCE)
    if wrong := next((one for one in answers.values() if isinstance(one, EdgectlError)), None):
        wrong.hint = wrong.hint.replace("STORE", names[0]) if len(names) == 1 else wrong.hint
        if len(answers) == 1:
            raise wrong
    looked = tuple(
        preflights.Looked(name, {node.name: answers[f"{name}/{node.name}"] for node in store.nodes}, here)
        for name, (store, here) in mine.items()
    )
    reports.whole = preflights.junit(looked)
    text = preflights.standing(looked, verbose=verbose)
    return show(output, preflights.document(looked), text, code=preflights.code_of(looked))


def _rendered(store: Store, render: Callable[[Store], Rendered]) -> tuple[Rendered | None, tuple[Finding, ...]]:
    """Return what a deploy would send; where it cannot be made yet, that is a finding, and the nodes are asked."""
    from edgectl.cli import store as stores
    from edgectl.wire.errors import InvalidInput
    from edgectl.wire.finding import STOP, Finding

    try:
        rendered = render(store)
        stores.judge(store, rendered)
    except InvalidInput as error:
        hint = error.hint or f"edgectl render {store.name} says the same; edgectl bundle build makes what is missing"
        first = next(iter(error.details), "")
        reason = f"what would be sent cannot be made: {first or error.message}"
        return None, (Finding("bundle", STOP, reason, hint, error.details),)
    return rendered, ()
