"""`edgectl bundle components`: what is in a bundle, for tools that look for known weaknesses."""

from __future__ import annotations

import json

import typer

from edgectl.cli.bundles.inspect import Folder
from edgectl.cli.options import Format, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl bundle components bundle > sbom.cdx.json

CycloneDX 1.6: images, charts, packages, k3s, Helm, each with its digest and package
URL. What is inside an image it does not say. The same bundle gives the same
bytes."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("components", epilog=_EPILOG)(components)


def components(folder: Folder, output: Output = Format.JSON, verbose: Verbose = False) -> int:
    """Print a bundle's list of components (SBOM, CycloneDX)."""
    del output, verbose  # the document is JSON
    from edgectl.cli.result import tell
    from edgectl.control.bundle.components import components as list_them
    from edgectl.control.bundle.layout import Bundle

    tell(json.dumps(json.loads(list_them(Bundle.open(folder))), indent=2, ensure_ascii=True) + "\n")
    return 0
