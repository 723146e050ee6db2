"""`edgectl version`."""

from __future__ import annotations

import json
import sys

import typer

import edgectl
from edgectl.cli.options import Format, Output
from edgectl.wire.errors import Exit

_EPILOG = """Examples:

  edgectl version

  edgectl version -o json"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version", epilog=_EPILOG)(version)


def version(output: Output = Format.TEXT) -> int:
    """Show edgectl's version and the digest of the engine that it ships to nodes."""
    from edgectl.cli.store import runtime

    digest = runtime().digest
    document = {"version": edgectl.__version__, "runtime": digest}
    text = f"edgectl {edgectl.__version__}   engine {digest.removeprefix('sha256:')[:12]}"
    sys.stdout.write((json.dumps(document) if output is Format.JSON else text) + "\n")
    return int(Exit.OK)
