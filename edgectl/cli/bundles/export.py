"""`edgectl bundle export`: what stores need, onto a USB stick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose

_LONGEST_SECONDS = 3650 * 86400.0
_EPILOG = """\b
Examples:
  edgectl bundle export store-042 --to /media/usb --sign-with ~/.ssh/offers
  edgectl bundle export group:eu --to DIR --sign-with KEY --valid 30d

The blobs that these stores need, their payloads, the engine, and nothing else;
written, synced, and read back. What is there already is not copied again, what
is no longer needed goes. No secret's value is in it.

With --sign-with each store gets a signed offer: at a node of it, with no
network, `sudo edgectl-node load DIR` makes the store what `edgectl deploy`
would. The store must trust the key (docs/offline.md). Publish the folder on a
web server, and `edgectl-node load https://HOST/PATH` takes it from there."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog=_EPILOG)(export)


def export(
    selector: Selector = "*",
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to: a folder of the stick.")],
    sign_with: Annotated[
        Path | None, typer.Option("--sign-with", metavar="KEY", help="The SSH key that signs each store's offer.")
    ] = None,
    valid: Annotated[
        str, typer.Option("--valid", metavar="TIME", help="How long an offer may be taken: 12h, 90d.")
    ] = "90d",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Copy what stores need, and only that, to be carried there."""
    from edgectl import __version__
    from edgectl.cli import store as stores
    from edgectl.cli.bundles.inspect import contents
    from edgectl.cli.result import show
    from edgectl.control.bundle.carry import Cargo, carry
    from edgectl.control.bundle.layout import Bundle
    from edgectl.control.deploy.operator import commit_of
    from edgectl.report.bundles import exported
    from edgectl.wire.offer import Part

    lasts = _seconds(valid)
    opened, names = stores.some(selector, inventory)
    engine = stores.runtime()
    commit, subject = commit_of(inventory)
    signing = None
    if sign_with is not None:
        from edgectl.control.signing.offered import Stick

        signing = Stick(sign_with, lasts, Part(engine.digest, len(engine.tar)), commit, subject)
    offers: dict[str, tuple[bytes, bytes]] = {}
    secrets: dict[str, list[str]] = {}
    renderer = stores.renderer()
    paths: dict[str, Path] = {}
    payloads: dict[str, bytes] = {}
    for name in names:
        store = opened.store(name)
        rendered = renderer.render(store)
        stores.judge(store, rendered)
        paths |= rendered.blob_paths
        payloads[name] = rendered.payload.encode()
        if rendered.payload.secrets:
            secrets[name] = sorted(secret.name for secret in rendered.payload.secrets)
        if signing is not None:
            offers[name] = signing.offer(rendered.payload)
    source = Bundle.open(opened.bundle())
    artifacts = tuple(artifact for artifact in source.all() if artifact.digest in paths)
    extra = {digest: path for digest, path in paths.items() if digest not in {one.digest for one in artifacts}}
    made = carry(source, Cargo(artifacts, extra, payloads, engine.tar, offers), to)
    made.bundle.note(version=__version__, commit=commit)
    document = {"stores": list(names), "blobs": made.blobs, "secrets": secrets, **contents(made.bundle)}
    return show(output, document, exported(made, list(names), secrets, signed=bool(offers), verbose=verbose))


def _seconds(valid: str) -> float:
    from edgectl.wire.errors import UsageError
    from edgectl.wire.length import seconds

    try:
        return seconds(valid, longest=_LONGEST_SECONDS)
    except ValueError as error:
        raise UsageError(f"--valid {valid}: {error}") from error
