"""`edgectl keys init`: the first key, and the file that says that it may sign."""

from __future__ import annotations

import typer

from edgectl.cli.keyring.trusted import Key, Stores, Until, Who
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl keys init
  edgectl keys init --until 2027-12-31 --stores "store-1*"
  edgectl keys init --key ~/.ssh/id_ed25519.pub   (the SSH agent signs)

Makes an ed25519 key in ~/.config/edgectl/keys and writes trust.yaml beside
the inventory: who may sign for which stores, until when. It is public; read
it and commit it. Nothing is overwritten. docs/signing.md says what
signatures protect, and what not."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init", epilog=_EPILOG)(init)


def init(
    key: Key = None,
    who: Who = "",
    stores: Stores = None,
    until: Until = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Make a signing key, and the file of keys that stores trust."""
    del verbose
    import time

    from edgectl.cli.keyring import trusted
    from edgectl.cli.result import show
    from edgectl.control.signing.edits import first
    from edgectl.control.signing.keyfile import NAME, folder
    from edgectl.control.signing.trustfile import write_new

    trusted.check_line(who, "--who")
    _, path, named = trusted.place(inventory)
    trusted.absent(path)
    now, lines = int(time.time()), list[str]()
    trusted.bounds(stores, now=now, until=until)
    if key is None:
        key = folder() / NAME
        lines.append(trusted.new_key(key, who or trusted.me(), output))
    signer = trusted.signer(key, who=who, stores=stores, now=now, until=until)
    trust = first(signer, now=now)
    write_new(path, trust)
    lines.append(f"wrote  {path}  version 1: {signer.who} {signer.fingerprint} signs for {', '.join(signer.stores)}")
    lines.append(trusted.next_step(path, inventory, named=named))
    document = {"trust": str(path), "version": trust.version, "key": str(key), "fingerprint": signer.fingerprint}
    return show(output, document, "\n".join(lines))
