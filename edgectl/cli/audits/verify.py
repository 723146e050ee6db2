"""`edgectl audit verify`: whether what the audits say can be believed, and since when it cannot."""

from __future__ import annotations

import typer

from edgectl.cli.audits.found import Collected
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """\b
Examples:
  edgectl collect store-042 && edgectl audit verify store-042
  edgectl audit verify -o json          (every store)

Every line names the one before it; and each side has seen the other's last
lines. So a line that was changed, put in or taken away is found, and an end
that was cut off, too. It asks no node: collect first.

\b
Exit codes:
  0 all of it can be believed    6 some cannot: FILE:LINE, and since when
  5 there is nothing to verify"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog=_EPILOG)(verify)


def verify(
    selector: Selector = "*",
    collected: Collected = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Check that no line of the audits was changed, put in or taken away."""
    del verbose
    from edgectl.cli.audits.found import found
    from edgectl.cli.result import show
    from edgectl.report.audited import verified, verified_document

    every = found(selector, inventory, collected)
    is_whole = all(side.checked.is_whole for sides in every.values() for side in sides)
    code = Exit.OK if is_whole else Exit.FAILED
    return show(output, {"stores": verified_document(every)}, "\n".join(verified(every)), code=code)
