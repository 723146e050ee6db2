"""`edgectl bundle verify`: whether a bundle is whole and harmless."""

from __future__ import annotations

import typer

from edgectl.cli.bundles.inspect import Folder
from edgectl.cli.options import Format, Output, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """\b
Examples:
  edgectl bundle verify bundle
  edgectl bundle verify /media/usb
  edgectl bundle verify bundle -o json

Reads every byte: digests and sizes, the index's form, blobs that are missing
or that nothing names, layers of images, and members of archives that lead
out, are devices, or unpack to more than they say. Exit 3 with all findings."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog=_EPILOG)(verify)


def verify(folder: Folder, output: Output = Format.TEXT, verbose: Verbose = False) -> int:
    """Check every byte of a bundle."""
    del verbose  # all findings are shown
    from edgectl.cli.result import show
    from edgectl.control.bundle.verify import verify as look
    from edgectl.report.bundles import verified

    found = look(folder)
    code = Exit.INVALID if found.findings else Exit.OK
    findings = [{"where": one.where, "sentence": one.sentence} for one in found.findings]
    document = {"bundle": str(folder), "blobs": found.blobs, "size": found.size, "findings": findings}
    return show(output, document, verified(folder, found), code=code)
