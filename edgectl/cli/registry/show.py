"""`edgectl models show`: the versions that a store's nodes keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import EdgectlError

if TYPE_CHECKING:
    from edgectl.cli.registry.nodes import Answers
    from edgectl.control.inventory.store import Store

_EPILOG = """\b
Examples:
  edgectl models store-042      (or: edgectl models show store-042)
  edgectl models show store-042 -v
  edgectl models store-042 --node node-2
  edgectl models store-042 -o json
  edgectl ssh store-042 -- edgectl-node models    (the same, at the rack)

\b
Of each version: its size, the beginning of its digest, and what it is there:
  current     pods find it under NAME/current
  previous    `edgectl models rollback` goes back to it
  candidate   it has come ahead, or stands beside the one that runs
  held        another was turned down for it, and it stays
  declared    the deploy that runs wants it
  coming      it is named as next
While a version stands beside the one that runs: how it does, and how long it
still takes at least."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", epilog=_EPILOG)(show)


def show(
    store: StoreName,
    node: Annotated[str, typer.Option("--node", metavar="NAME", help="One node alone; all of them else.")] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show the versions of models that a store's nodes keep, and what they are."""
    from edgectl.cli import store as stores
    from edgectl.cli.registry.nodes import asked, code, document
    from edgectl.cli.result import show as put

    found = stores.find(store, inventory)
    answers = asked(found, node, verbose=verbose)
    declares = {
        word: {model.name: model.version for model in models}
        for word, models in (("current", found.models.current), ("next", found.models.next))
    }
    told = {"store": found.name, "inventory": declares, "nodes": document(answers)}
    return put(output, told, "\n".join(_lines(found, answers)), code=code(answers))


def _lines(store: Store, answers: Answers) -> list[str]:
    from edgectl.cli.registry.nodes import look_of
    from edgectl.wire.registry import lines

    said: list[str] = []
    for name, answer in answers.items():
        if isinstance(answer, EdgectlError):
            said.append(f"{store.name}/{name}  not asked: {answer.message}")
            continue
        look = look_of(answer)
        first, *rest = lines(look)
        said += [f"{store.name}/{name}  {first}", *rest, *_unlike(store, {model.name for model in look.models})]
        here = {(model.name, one.version): one.states for model in look.models for one in model.versions}
        for model in store.models.current:
            if "declared" not in here.get((model.name, model.version), ()):
                said.append(f"  {model.name:<12} {model.version:<10} the inventory's, which is not deployed here")
    return said


def _unlike(store: Store, here: set[str]) -> list[str]:
    known = {model.name for model in (*store.models.current, *store.models.next)}
    return [f"  {name:<12} is in the inventory no more" for name in sorted(here - known)]
