"""`edgectl backup`: the cluster of a store, copied and brought to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose

_EPILOG = """\b
Examples:
  edgectl backup store-042
  edgectl backup store-042 --to /srv/backups/store-042
  edgectl backup store-042 --list
  edgectl backup store-042 --fetch 20261128T051055Z-s7-c0a1b2c3d.backup

It holds the keys of the cluster and every Secret in it, NOT encrypted: the
file is yours alone (0600). Keep it as you keep those keys. Volumes of pods
are not in it. `edgectl replace` puts it back. A fetch that was cut goes on
with --fetch. Stores take them by themselves: backup in the inventory.

\b
Exit codes:
  0 it is here, and was read back    5 it could not be taken
  7 another one is being taken    11 this needs root"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backup", epilog=_EPILOG)(backup)


def backup(
    store: StoreName,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where it goes; your state folder when not given."),
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Show those on the node and here; take none.")] = False,
    name: Annotated[
        str, typer.Option("--fetch", metavar="NAME", help="Bring one that lies on the node; take none.")
    ] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Take a backup of a store's cluster, and bring it here."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door
    from edgectl.cli.result import show
    from edgectl.control.audit.own import audited
    from edgectl.control.backup.fetch import fetch, listed, taken
    from edgectl.control.backup.folder import here, home
    from edgectl.report.backups import brought, document, lines

    found = stores.find(store, inventory)
    folder = to or home() / found.name
    door = Door(found.lead.name, found.lead.ssh, stores.runtime(), verbose=verbose)
    with stores.speaking_of(found.name):
        if only_list:
            there, mine = listed(door.open), here(folder)
            rows = lines(found.name, found.lead.name, there, mine, folder)
            return show(output, document(found.name, there, mine), "\n".join(rows))
        asked = {"deed": "fetch", "name": name} if name else {"deed": "take"}
        with audited(found.name, "backup", asked=asked) as learnt:
            name = name or str(taken(door.open)["name"])
            learnt["asked"] = {**asked, "name": name}
            path = fetch(door.open, name, folder)
    size = path.stat().st_size
    return show(output, {"store": found.name, "backup": str(path), "bytes": size}, brought(found.name, path, size))
