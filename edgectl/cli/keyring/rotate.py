"""`edgectl keys rotate`: a new key for an old one, which still counts for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.keyring.trusted import Key, Until
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl keys rotate                        (your only key)
  edgectl keys rotate anna@ops --overlap 14d
  edgectl keys rotate SHA256:... --key new.pub

The new key may do what the old one may. The old one ends after the overlap:
sticks on their way still count, and stores that nobody has reached yet know
no other key, so go on signing with it until they have had a deploy or load.
For a key that is lost or stolen: edgectl keys revoke, then rotate."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rotate", epilog=_EPILOG)(rotate)


def rotate(
    old: Annotated[str, typer.Argument(metavar="[OLD]", help="The key to end: a name, SHA256:..., a .pub file.")] = "",
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="LENGTH", help="How long the old key counts: 12h, 7d, 30d at most.")
    ] = "30d",
    key: Key = None,
    until: Until = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Put a new key beside an old one, and end the old one."""
    del verbose
    import time

    from edgectl.cli.keyring import trusted
    from edgectl.cli.result import show
    from edgectl.control.signing.edits import check_clock, rotated, to_rotate
    from edgectl.control.signing.keyfile import free_name
    from edgectl.control.signing.trustfile import write
    from edgectl.wire.errors import UsageError
    from edgectl.wire.length import seconds

    try:
        length = seconds(overlap)
    except ValueError as error:
        raise UsageError(f"--overlap {overlap}: {error}") from error
    opened, was = trusted.read_trust(inventory)
    now, lines = int(time.time()), list[str]()
    check_clock(was.trust, now=now)
    ends = to_rotate(was.trust, trusted.as_path(old), now=now)
    trusted.bounds(None, now=now, until=until)
    if key is None:
        key = free_name()
        lines.append(trusted.new_key(key, ends.who, output))
    signer = trusted.signer(key, who=ends.who, stores=list(ends.stores), now=now, until=until)
    trust = rotated(was.trust, ends, signer, overlap=length, now=now)
    write(was, trust)
    ended = next(one for one in trust.signers if one.key == ends.key)
    lines.append(f"wrote  {was.path}  version {trust.version}: {signer.who} {signer.fingerprint}")
    state = "is revoked" if ended.fingerprint in trust.revoked else f"ends at {ended.valid_before}"
    lines.append(f"       the old key {ended.fingerprint} {state}")
    if ended.fingerprint not in trust.revoked:
        lines.append("       sign with the old key until stores have had a deploy or load: they know no other yet")
    lines.append(trusted.next_step(was.path, inventory, named=opened.trust() is not None))
    document = {
        "trust": str(was.path),
        "version": trust.version,
        "key": str(key),
        "fingerprint": signer.fingerprint,
        "old": {"fingerprint": ended.fingerprint, "valid_before": ended.valid_before},
    }
    return show(output, document, "\n".join(lines))
