"""`edgectl keys list`: who may sign what, until when."""

from __future__ import annotations

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl keys list
  edgectl keys list -o json

valid, ends (within 30 days, with nothing after it), ended, later (not yet),
revoked. What a node knows is said by `edgectl-node trust` at that node."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list", epilog=_EPILOG)(listed)


def listed(inventory: InventoryPath = DEFAULT_INVENTORY, output: Output = Format.TEXT, verbose: Verbose = False) -> int:
    """Show who may sign for which stores, and until when."""
    del verbose
    import time
    from dataclasses import asdict

    from edgectl.cli.keyring import trusted
    from edgectl.cli.result import show
    from edgectl.control.signing.ages import ends_soon
    from edgectl.wire.trust import state_of, written

    opened, file = trusted.read_trust(inventory)
    trust, now = file.trust, time.time()
    rows = []
    for one in trust.signers:
        word = "ends" if ends_soon(one, trust, now=now) else state_of(one, trust, now=now)
        rows.append((word, one))
    widest = max((len(one.who) for one in trust.signers), default=0)
    lines = [f"{file.path}: version {trust.version}, of {written(trust.created)}"]
    for word, one in rows:
        since = f"from {one.valid_after} " if word == "later" else ""
        until = f"until {one.valid_before}" if one.valid_before else "without an end"
        stores = ", ".join(one.stores)
        lines.append(f"  {word:<8} {one.who:<{widest}}  {one.fingerprint}  {stores}  {since}{until}")
    names = {one.fingerprint for one in trust.signers}
    lines += [f"  {'revoked':<8} {name}" for name in trust.revoked if name not in names]
    if not any(word in {"valid", "ends"} for word, _ in rows):
        lines.append("No key counts now: edgectl keys rotate makes one.")
    if opened.trust() is None:
        lines.append(f"{inventory} does not name it yet, so no store is told of it: trust: {file.path.name}")
    signers = [{**asdict(one), "fingerprint": one.fingerprint, "state": word} for word, one in rows]
    document = {
        "trust": str(file.path),
        "version": trust.version,
        "created": trust.created,
        "signers": signers,
        "revoked": list(trust.revoked),
    }
    return show(output, document, "\n".join(lines))
