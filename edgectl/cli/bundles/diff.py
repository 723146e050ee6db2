"""`edgectl bundle diff`: what is new in a bundle, against another one or against what a store holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.bundles.inspect import Folder
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store
from edgectl.wire.errors import UsageError

if TYPE_CHECKING:
    from edgectl.control.bundle.compare import Compared
    from edgectl.control.bundle.layout import Bundle

_EPILOG = """\b
Examples:
  edgectl bundle diff bundle /srv/last-week
  edgectl bundle diff bundle --store store-042
  edgectl bundle diff bundle /srv/last-week -o json

Against another bundle: artifacts by digest, and of images the layers that the
other one has nowhere. Against a store: what its nodes say that they lack of
what the inventory makes of this bundle; nothing is changed there (as with
edgectl plan, they are sent the engine where they lack it)."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", epilog=_EPILOG)(diff)


def diff(
    folder: Folder,
    other: Annotated[Path | None, typer.Argument(metavar="[OTHER]", help="Another bundle directory.")] = None,
    store: Annotated[
        str,
        typer.Option("--store", metavar="STORE", help="A store whose nodes are asked.", autocompletion=complete_store),
    ] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what is new in a bundle, in bytes by artifact."""
    from edgectl.cli.bundles.inspect import described
    from edgectl.cli.result import show
    from edgectl.control.bundle.compare import compare
    from edgectl.control.bundle.layout import Bundle
    from edgectl.report.bundles import compared

    if (other is None) == (not store):
        raise UsageError("one of OTHER and --store is needed", hint="see: edgectl bundle diff --help")
    bundle = Bundle.open(folder)
    found = compare(bundle, Bundle.open(other)) if other else _against(bundle, store, inventory, verbose=verbose)
    document = {
        "bundle": str(folder),
        "against": str(other or store),
        "size": found.size,
        "fresh": found.fresh,
        "same": found.same,
        "new": [{**described(one.artifact), "before": one.before, "fresh": one.fresh} for one in found.new],
        "gone": [described(artifact) for artifact in found.gone],
    }
    return show(output, document, compared(found, str(other or store)))


def _against(bundle: Bundle, name: str, inventory: Path, *, verbose: bool) -> Compared:
    """Ask a store's nodes what they lack."""
    from dataclasses import replace

    from edgectl.cli import store as stores
    from edgectl.cli.door import doors
    from edgectl.cli.signed import signed
    from edgectl.control.bundle.compare import lacking
    from edgectl.control.deploy.look import plan as look
    from edgectl.report.terminal import Terminal

    engine = stores.runtime()
    found = replace(stores.find(name, inventory), bundle=bundle.root)
    rendered = stores.renderer().render(found)
    offer = stores.offer(found, rendered, engine, inventory=inventory)
    offer = signed(offer, found, engine_bytes=len(engine.tar), payload=rendered.payload.encode())
    missing: set[str] = set()
    quiet = Terminal(quiet=True)
    for node, door in doors(found.nodes, engine, verbose=verbose).items():
        with stores.speaking_of(found.name):
            given = stores.for_node(offer, rendered, node)
            missing |= set(look(given, rendered.payload.encode(), door.open, quiet).missing)
    return lacking(bundle, missing)
