"""`edgectl version`."""

from __future__ import annotations

import typer

import edgectl
from edgectl.cli.options import Format, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl version
  edgectl version -v         (Python and libraries, for a report)
  edgectl version -o json"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version", epilog=_EPILOG)(version)


def version(output: Output = Format.TEXT, verbose: Verbose = False) -> int:
    """Show the version, and the digest of the engine for nodes."""
    from edgectl.cli.result import show
    from edgectl.cli.store import runtime

    digest = runtime().digest
    if verbose:
        _libraries()
    text = f"edgectl {edgectl.__version__}   engine {digest.removeprefix('sha256:')[:12]}"
    return show(output, {"version": edgectl.__version__, "runtime": digest}, text)


def _libraries() -> None:
    import platform
    import sys
    from importlib import metadata

    sys.stderr.write(f"  Python {platform.python_version()} at {sys.executable}, {platform.platform()}\n")
    for name in ("typer", "rich", "paramiko", "pydantic", "PyYAML"):
        sys.stderr.write(f"  {name} {metadata.version(name)}\n")
