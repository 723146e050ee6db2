"""`edgectl bundle build`: all that stores need, gathered into a bundle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose

if TYPE_CHECKING:
    from edgectl.control.gather.need import Source

_EPILOG = """\b
Examples:
  edgectl bundle build                    (all stores, the inventory's bundle)
  edgectl bundle build group:eu --to /srv/bundle
  edgectl bundle build --from ~/downloads --from /srv/older-bundle
  edgectl bundle build --pull             (ask registries for tags again)

k3s, Helm, charts, packages, and every image that charts, inventory and nodes
name are looked for in this order: the bundle itself, each --from, then k3s's and
Helm's releases (checked by their published sha256) and the Docker engine.

\b
--from takes a bundle, or a folder with published files, images and packages:
  v1.36.3+k3s1/k3s  v1.36.3+k3s1/sha256sum-amd64.txt
  v1.36.3+k3s1/k3s-images.txt  helm-v4.3.1-linux-amd64.tar.gz  *.tar  *.deb

Exit 3: something cannot be had, all of it listed. Exit 4: a registry or site
was not reached, or wants a log-in. Talks to no node."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("build", epilog=_EPILOG)(build)


def build(
    selector: Selector = "*",
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="The bundle; the inventory's own when not given.")
    ] = None,
    origins: Annotated[
        list[Path] | None, typer.Option("--from", metavar="DIR", help="A bundle or a folder to take from. Repeatable.")
    ] = None,
    pull: Annotated[bool, typer.Option("--pull", help="Fetch images of a tag again, though they are there.")] = False,
    k3s_releases: Annotated[
        str, typer.Option("--k3s-releases", metavar="URL", help="A mirror of github.com/k3s-io/k3s/releases/download.")
    ] = "",
    helm_releases: Annotated[str, typer.Option("--helm-releases", metavar="URL", help="A mirror of get.helm.sh.")] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Gather all that stores need: k3s, Helm, charts, images, packages."""
    from edgectl import __version__
    from edgectl.cli import store as stores
    from edgectl.cli.bundles.inspect import contents
    from edgectl.cli.result import show
    from edgectl.control.bundle.layout import Bundle
    from edgectl.control.bundle.provenance import write_provenance
    from edgectl.control.deploy.operator import commit_of, sender
    from edgectl.control.gather.build import build as gather
    from edgectl.control.gather.engine import Engine
    from edgectl.control.gather.official import Releases
    from edgectl.report.bundles import built

    sources: list[Source] = [_origin(path) for path in origins or ()]
    sources += [Releases(k3s_releases, helm_releases), Engine(fresh=pull)]
    opened, names = stores.some(selector, inventory)
    root = to or opened.bundle()

    def say(sentence: str) -> None:
        sys.stderr.write(f"  fetched   {sentence}\n")
        sys.stderr.flush()

    made = gather([opened.store(name) for name in names], root, sources, say, fresh=pull)
    bundle = Bundle(root)
    commit, subject = commit_of(inventory)
    bundle.note(version=__version__, commit=commit)
    write_provenance(bundle, made.fetched, who=sender(), subject=subject)
    document = {"fetched": made.fetched, "kept": made.kept, **contents(bundle)}
    return show(output, document, built(bundle, made, len(names), verbose=verbose))


def _origin(path: Path) -> Source:
    from edgectl.control.bundle.layout import Bundle
    from edgectl.control.gather.held import Folder, OtherBundle
    from edgectl.wire.errors import InvalidInput

    if (path / "index.json").is_file():
        return OtherBundle(Bundle.open(path))
    if not path.is_dir():
        raise InvalidInput(f"--from {path}: there is no such folder", hint="name a bundle, or a folder with files")
    return Folder(path)
