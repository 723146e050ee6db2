"""`edgectl keys add`: one more person who may sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.keyring.trusted import Stores, Until, Who
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl keys add bert.pub --who bert@ops --stores "store-1*"
  edgectl keys add ci.pub --who ci --until 2027-12-31

The trust's version rises by one. A node learns of the key with its next
deploy or load: until then it refuses what only this key has signed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("add", epilog=_EPILOG)(add)


def add(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="A public key: the .pub file of the new person.")],
    who: Who = "",
    stores: Stores = None,
    until: Until = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Let one more key sign for stores."""
    del verbose
    import time

    from edgectl.cli.keyring import trusted
    from edgectl.cli.result import show
    from edgectl.control.signing.edits import added
    from edgectl.control.signing.trustfile import write

    trusted.check_line(who, "--who")
    opened, was = trusted.read_trust(inventory)
    now = int(time.time())
    signer = trusted.signer(key, who=who, stores=stores, now=now, until=until)
    trust = added(was.trust, signer, now=now)
    write(was, trust)
    what = f"{signer.who} {signer.fingerprint} signs for {', '.join(signer.stores)}"
    lines = [f"wrote  {was.path}  version {trust.version}: {what}"]
    lines.append(trusted.next_step(was.path, inventory, named=opened.trust() is not None))
    document = {"trust": str(was.path), "version": trust.version, "fingerprint": signer.fingerprint}
    return show(output, document, "\n".join(lines))
