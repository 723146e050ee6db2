"""`edgectl render`: what a store would be sent, without talking to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose

if TYPE_CHECKING:
    from edgectl.control.payload.render import Rendered
    from edgectl.wire.payload import Payload

_EPILOG = """\b
Examples:
  edgectl render store-042
  edgectl render store-042 --to /tmp/042   (every file and manifest, to read)
  edgectl render store-042 -o json

Talks to no node."""

To = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Write payload, files and manifests there.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("render", epilog=_EPILOG)(render)


def render(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    to: To = None,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a store would become, without talking to it."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show

    rendered = stores.render(stores.find(store, inventory))
    if to is not None:
        from edgectl.control.payload.folder import write

        write(rendered.payload, to)
    if verbose:
        for digest, path in rendered.blob_paths.items():
            typer.echo(f"  blob      {digest[7:19]}  {path}", err=True)
    return show(output, _document(rendered, to), _summary(rendered.payload, to))


def _document(rendered: Rendered, to: Path | None) -> dict[str, Any]:
    payload = rendered.payload
    return {"digest": payload.digest, "payload": json.loads(payload.encode()), "to": str(to) if to else None}


def _summary(payload: Payload, to: Path | None) -> str:
    from edgectl.report.words import count, size

    body = size(len(payload.encode()))
    lines = [f"{payload.store}  {payload.title}".rstrip(), f"  payload   {payload.digest}  {body}"]
    for node in payload.nodes:
        gpus = f", {count(node.gpu.count, 'GPU')} ({node.gpu.required} required)" if node.gpu else ""
        lines.append(f"  node      {node.name}  {node.role} {node.address}, k3s {node.k3s.version}{gpus}")
        lines += [f"  file      {file.mode} {file.path}" for file in (*node.host.files, *node.k3s.files)]
    for release in payload.releases:
        needs = f", needs {', '.join(release.needs)}" if release.needs else ""
        objects = count(len(release.manifests), "object")
        lines.append(f"  release   {release.name}  in {release.namespace}, {objects}{needs}")
    for secret in payload.secrets:
        keys = ", ".join(f"{key} (version {version})" for key, version in secret.keys.items())
        lines.append(f"  secret    {secret.name}  in {', '.join(secret.namespaces)}: {keys}")
    names = _blob_names(payload)
    for digest, size_bytes in sorted(payload.blobs.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"  blob      {digest[7:19]}  {size(size_bytes):>9}  {names.get(digest, '')}".rstrip())
    lines.append(f"  in all    {count(len(payload.blobs), 'blob')}, {size(sum(payload.blobs.values()))}")
    if to is not None:
        lines.append(f"  written   {to}")
    return "\n".join(lines)


def _blob_names(payload: Payload) -> dict[str, str]:
    names = {release.chart: f"chart of {release.name}" for release in payload.releases}
    for node in payload.nodes:
        names[node.k3s.binary] = f"k3s {node.k3s.version}"
        if node.helm is not None:
            names[node.helm.binary] = f"helm {node.helm.version}"
        names.update((image.archive, ", ".join(image.refs)) for image in node.k3s.images)
    return names
