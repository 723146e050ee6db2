"""`edgectl bundle inspect`: what is in a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import Format, Output, Verbose

if TYPE_CHECKING:
    from edgectl.control.bundle.layout import Artifact, Bundle

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A bundle directory.")]

_EPILOG = """\b
Examples:
  edgectl bundle inspect bundle
  edgectl bundle inspect bundle -v        (image names and sources, too)
  edgectl bundle inspect bundle -o json

Reads the index and the headers of archives; edgectl bundle verify reads all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("inspect", epilog=_EPILOG)(inspect)


def inspect(folder: Folder, output: Output = Format.TEXT, verbose: Verbose = False) -> int:
    """List what a bundle holds, and what its images share."""
    from edgectl.cli.result import show
    from edgectl.control.bundle.layout import Bundle
    from edgectl.report.bundles import inspected

    bundle = Bundle.open(folder)
    return show(output, contents(bundle), inspected(bundle, verbose=verbose))


def contents(bundle: Bundle) -> dict[str, Any]:
    """Return a bundle's content as a document."""
    from edgectl.control.bundle.offers import offers
    from edgectl.control.bundle.parts import shared
    from edgectl.wire.document import to_json

    artifacts = bundle.all()
    common = shared(bundle, artifacts)
    return {
        "bundle": str(bundle.root),
        "index": bundle.digest,
        "made": bundle.notes,
        "size": sum({found.digest: found.size for found in artifacts}.values()),
        "shared": {"layers": common.layers, "size": common.size},
        "offers": [{**to_json(one.offer), "key": one.key} for one in offers(bundle.root)],
        "artifacts": [described(artifact) for artifact in artifacts],
    }


def described(artifact: Artifact) -> dict[str, Any]:
    """Return one artifact as a document."""
    return {
        "kind": artifact.kind,
        "name": artifact.name,
        "version": artifact.version,
        "arch": artifact.arch,
        "size": artifact.size,
        "digest": artifact.digest,
        "source": artifact.source,
        "refs": list(artifact.refs),
    }
