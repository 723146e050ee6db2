"""`edgectl render`: what a store would be sent, without talking to it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store
from edgectl.wire.errors import Exit, InvalidInput, UsageError

if TYPE_CHECKING:
    from edgectl.control.inventory.load import Inventory
    from edgectl.control.payload.kept import Kept
    from edgectl.control.payload.rendered import Rendered
    from edgectl.wire.host import Package
    from edgectl.wire.payload import Node, Payload

_EPILOG = """\b
Examples:
  edgectl render store-042
  edgectl render store-042 --to /tmp/042   (every file and manifest, to read)
  edgectl render store-042 --diff HEAD~1   (against a git revision)
  edgectl render store-042 --diff /tmp/042 (against what was written before)
  edgectl render group:eu --to /tmp/eu     (a folder for each store)
  edgectl render store-042 -o json

What is written is exactly what would be sent. Talks to no node."""

_HELP = "Which stores: store-042, store-0*, group:eu, profile:t4, not ..., and, or."
Diff = Annotated[
    str, typer.Option("--diff", metavar="REV|DIR", help="Show what differs from a git revision, or a folder of --to.")
]
To = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Write payload, files and manifests there.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("render", epilog=_EPILOG)(render)


def render(
    selector: Annotated[str, typer.Argument(metavar="SELECTOR", help=_HELP, autocompletion=complete_store)],
    inventory: InventoryPath = DEFAULT_INVENTORY,
    to: To = None,
    diff: Diff = "",
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what stores would become, without talking to them."""
    from edgectl.control.payload import kept

    if not diff and (found := kept.find(selector, inventory)):
        return _shown(found, to, output, verbose=verbose)
    from edgectl.cli import store as stores

    opened, names = stores.some(selector, inventory)
    if diff and to is not None:
        raise UsageError("--to writes, and --diff compares", hint="write first, then compare: two commands")
    if diff:
        return _compared(diff, opened, names, output, alone=names == (selector,), verbose=verbose)
    if names != (selector,):
        return _several(selector, opened, names, to, output)
    return _shown(_one(opened, selector), to, output, verbose=verbose)


def _one(opened: Inventory, name: str) -> Kept:
    """Render one store, and keep what came of it for the next time."""
    from edgectl.cli import store as stores
    from edgectl.control.payload.inputs import inputs
    from edgectl.control.payload.kept import Kept, Said, keep

    store = opened.store(name)
    before = inputs(opened, store)
    rendered = stores.renderer().render(store)
    said = Said.of(stores.judge(store, rendered))
    keep(before, inputs(opened, store), rendered, said)
    return Kept(rendered, said)


def _shown(found: Kept, to: Path | None, output: Format, *, verbose: bool) -> int:
    from edgectl.cli.result import remark, show

    rendered = found.rendered
    remark(rendered.payload.store, found.said)
    if to is not None:
        from edgectl.control.payload.folder import write

        write(rendered.payload, to)
    if verbose:
        for digest, path in rendered.blob_paths.items():
            typer.echo(f"  blob      {digest[7:19]}  {path}", err=True)
    return show(output, _document(rendered, to), _summary(rendered.payload, to))


def _several(selector: str, opened: Inventory, names: tuple[str, ...], to: Path | None, output: Format) -> int:
    """Render stores one after the other, each into its own folder; what is wrong with one does not stop the others."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import remark, show
    from edgectl.control.payload.folder import write
    from edgectl.control.payload.kept import Said
    from edgectl.report.words import count, size

    renderer, rows, wrong, said = stores.renderer(), [], [], Said()
    for name in names:
        try:
            store = opened.store(name)
            rendered = renderer.render(store)
            said += Said.of(stores.judge(store, rendered, keep=False))
        except InvalidInput as error:
            wrong += [line for line in error.details or (error.message,) if line not in wrong]
            continue
        payload = rendered.payload
        if to is not None:
            write(payload, to / name)
        rows.append({"store": name, "digest": payload.digest, "bytes": len(payload.encode())})
    if wrong:
        failed = len(names) - len(rows)
        hint = "correct these lines and run the same command again; edgectl lint says which stores they are in"
        raise InvalidInput(
            f"{count(failed, 'store')} of {len(names)} cannot be rendered", hint=hint, details=tuple(wrong)
        )
    remark(shlex.quote(selector), said)
    lines = [f"{row['store']}  {row['digest']}  {size(int(str(row['bytes'])))}" for row in rows]
    lines.append(f"{count(len(rows), 'store')}" + (f", written below {to}" if to else ""))
    return show(output, {"stores": rows, "to": str(to) if to else None}, "\n".join(lines))


def _compared(
    diff: str, opened: Inventory, names: tuple[str, ...], output: Format, *, alone: bool, verbose: bool
) -> int:
    from edgectl.cli import store as stores
    from edgectl.cli.inventories.diff import touched
    from edgectl.cli.result import show
    from edgectl.report.compared import document, lines

    if Path(diff).is_dir():
        from edgectl.control.payload.compare import broken, with_folder

        renderer, folder = stores.renderer(), Path(diff)
        found = []
        for name in names:
            try:
                payload = renderer.render(opened.store(name)).payload
                found += with_folder(payload, folder, alone=alone)
            except InvalidInput as error:
                found.append(broken(name, error))
        looked = len(names)
    else:
        found, looked = touched(diff, opened, names)
    code = Exit.INVALID if any(one.state == "broken" for one in found) else Exit.OK
    text = "\n".join(lines(found, looked, verbose=verbose, content=True))
    return show(output, document(found, looked), text, code=code)


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
        lines += [f"  package   {one.name} {one.version}{', held' if one.hold else ''}" for one in _packages(node)]
        lines += [f"  file      {file.mode} {file.path}" for file in (*node.host.files, *node.k3s.files)]
    for release in payload.releases:
        needs = f", needs {', '.join(release.needs)}" if release.needs else ""
        objects = count(len(release.manifests), "object")
        lines.append(f"  release   {release.name}  in {release.namespace}, {objects}{needs}")
    for secret in payload.secrets:
        keys = ", ".join(f"{key} (version {version})" for key, version in secret.keys.items())
        lines.append(f"  secret    {secret.name}  in {', '.join(secret.namespaces)}: {keys}")
    if payload.uplink is not None:
        token = f", with {payload.uplink.secret}" if payload.uplink.secret else ""
        lines.append(f"  uplink    {payload.uplink.url}{token}, {size(payload.uplink.budget_bytes)} wait at most")
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
        if node.host.os is not None:
            names.update((deb.blob, f"{deb.name} {deb.version}") for deb in node.host.os.packages.pool)
    return names


def _packages(node: Node) -> tuple[Package, ...]:
    found = node.host.os.packages if node.host.os else None
    return (*found.wanted, *found.gpu) if found else ()
