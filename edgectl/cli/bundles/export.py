"""`edgectl bundle export`: what stores need, onto a USB stick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose

_EPILOG = """\b
Examples:
  edgectl bundle export store-042 --to /media/usb
  edgectl bundle export "group:berlin" --to /media/usb/berlin

The blobs that these stores need, their payloads, and nothing else; written,
synced, and read back. What is there already is not copied again, what is no
longer needed goes. No secret's value is in it. Loading it at a node without a
network is not there yet; a bundle it is: edgectl deploy can send from it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog=_EPILOG)(export)


def export(
    selector: Selector = "*",
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to: a folder of the stick.")],
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Copy what stores need, and only that, to be carried there."""
    from edgectl import __version__
    from edgectl.cli import store as stores
    from edgectl.cli.bundles.inspect import contents
    from edgectl.cli.result import show
    from edgectl.control.bundle.carry import carry
    from edgectl.control.bundle.layout import Bundle
    from edgectl.control.deploy.operator import commit_of
    from edgectl.report.bundles import exported

    opened, names = stores.some(selector, inventory)
    renderer = stores.renderer()
    paths: dict[str, Path] = {}
    payloads: dict[str, bytes] = {}
    for name in names:
        store = opened.store(name)
        rendered = renderer.render(store)
        stores.judge(store, rendered)
        paths |= rendered.blob_paths
        payloads[name] = rendered.payload.encode()
    source = Bundle.open(opened.bundle())
    artifacts = [artifact for artifact in source.all() if artifact.digest in paths]
    extra = {digest: path for digest, path in paths.items() if digest not in {one.digest for one in artifacts}}
    made = carry(source, artifacts, extra, payloads, to)
    made.bundle.note(version=__version__, commit=commit_of(inventory)[0])
    document = {"stores": list(names), "blobs": made.blobs, **contents(made.bundle)}
    return show(output, document, exported(made, list(names), verbose=verbose))
