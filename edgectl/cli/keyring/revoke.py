"""`edgectl keys revoke`: a key that counts no more, whatever it has signed."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl keys revoke anna@ops           (all keys of that name)
  edgectl keys revoke SHA256:...
  edgectl keys revoke ~/lost/offer_ed25519.pub

For a key that is lost or stolen. A node learns of it with its next deploy or
load; a store that nobody reaches still takes what the key signs, so deploy.
A revoked key never comes back, not by a rollback either."""
_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("revoke", epilog=_EPILOG)(revoke)


def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A name, SHA256:..., or a .pub file.")],
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Revoke a key: nothing that it has signed is taken any more."""
    import time

    from edgectl.cli.keyring import trusted
    from edgectl.cli.result import show
    from edgectl.control.signing.ages import may_sign
    from edgectl.control.signing.edits import named, revoked
    from edgectl.control.signing.trustfile import write
    from edgectl.wire.trust import state_of

    opened, was = trusted.read_trust(inventory)
    now = int(time.time())
    ended = named(was.trust, trusted.as_path(key))
    trust = revoked(was.trust, ended, now=now)
    write(was, trust)
    stores = [name for name in opened.names() if any(may_sign(one, name) for one in ended)]
    lines = [f"wrote  {was.path}  version {trust.version}"]
    lines += [f"revoked  {one.who} {one.fingerprint}" for one in ended]
    shown = stores if verbose else stores[:_SHOWN]
    more = f" and {len(stores) - len(shown)} more" if len(stores) > len(shown) else ""
    lines.append(f"It may have signed for: {', '.join(shown) or 'no store of the inventory'}{more}")
    if not any(state_of(one, trust, now=now) == "valid" for one in trust.signers):
        lines.append("No key is left that counts: edgectl keys rotate makes one.")
    lines.append("Next: commit it, and deploy to these stores: until its next deploy or load a node takes that key.")
    document = {
        "trust": str(was.path),
        "version": trust.version,
        "revoked": [one.fingerprint for one in ended],
        "stores": stores,
    }
    return show(output, document, "\n".join(lines))
