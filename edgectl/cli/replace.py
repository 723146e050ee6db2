"""`edgectl replace`: a fresh machine in the place of one that died."""

from __future__ import annotations

import sys
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose
from edgectl.wire.errors import InvalidInput, Refused, Unreachable, UsageError

if TYPE_CHECKING:
    from edgectl.control.backup.folder import Good
    from edgectl.control.inventory.store import NodeTarget, Store
    from edgectl.control.inventory.unpinned import Unpinned
    from edgectl.control.link.hostkey import HostKey

_EPILOG = """\b
Examples:
  edgectl replace store-042/node-1
  edgectl replace store-042/node-1 --host-key SHA256:...   (nobody is asked)
  edgectl replace store-042/node-1 --backup FILE   (an older one)
  edgectl replace store-042/node-1 --without-backup   (a new, empty cluster)
  edgectl replace store-042/node-2    (one that follows: no backup is needed)

The new machine's host key is compared and pinned, the newest backup here is
put back before k3s starts, and the store is deployed: its cluster is the one
that was. What lay on the dead disk alone is gone: volumes of pods, events
that had not been sent, the runs' journals. The same command goes on where it
was stopped.

\b
Exit codes: those of `edgectl deploy`, and
  3 no backup is here    4 the host key was not compared, or is another one
  11 the old machine still answers; the backup is damaged, another store's,
     or of a newer k3s"""


_SLOTS = ("current", "candidate", "newest")  # of a greeting


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replace", epilog=_EPILOG)(replace)


def replace(
    node: Annotated[str, typer.Argument(metavar="STORE/NODE", help="The machine that died: store-042/node-1.")],
    host_key: Annotated[
        str,
        typer.Option("--host-key", metavar="SHA256:...", help="What the new machine says of itself, at its console."),
    ] = "",
    backup: Annotated[
        Path | None, typer.Option("--backup", metavar="FILE", help="The backup to put back; the newest one here.")
    ] = None,
    without_backup: Annotated[
        bool, typer.Option("--without-backup", help="Begin a new cluster: what people made in the old one is gone.")
    ] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Go on though the old machine still answers.")] = False,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Bring up a fresh machine in the place of one that died."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door
    from edgectl.cli.signed import need_root
    from edgectl.control.audit.former import replaced
    from edgectl.control.audit.own import audited
    from edgectl.control.backup.fetch import forget, hello, send
    from edgectl.control.backup.folder import home, reached

    name, _, own = node.partition("/")
    if not name or not own:
        raise UsageError(f"{node} names no machine", hint="write STORE/NODE: store-042/node-1")
    if backup is not None and without_backup:
        raise UsageError("--backup and --without-backup exclude each other")
    target = _key(name, own, inventory, host_key, ask=output is Format.TEXT)
    found = stores.find(name, inventory)
    machine = stores.node_of(found, own)
    leads = machine.name == found.lead.name
    for one in {machine.name: machine, found.lead.name: found.lead}.values():
        need_root(one, "replacing a machine")
    good = _backup(found, machine, backup) if leads and not without_backup else None
    engine = stores.runtime()
    door = Door(machine.name, machine.ssh, engine, verbose=verbose)
    with stores.speaking_of(found.name):
        said = hello(door.open)
        runs = said.get("current") is not None
        if runs and not anyway:
            raise Refused(
                f"{target.name} answers and runs sequence {said.get('sequence')}: the old machine is alive",
                hint=f"to make it bare: edgectl remove {found.name} --node {own}; to go on all the same: --anyway",
                docs="backup",
            )
        if not leads:
            lead = Door(found.lead.name, found.lead.ssh, engine, verbose=verbose)
            begun = any((said.get(slot) or {}).get("store") == found.name for slot in _SLOTS)
            try:
                with audited(found.name, "forget-node", asked={"name": own}):
                    gone = forget(lead.open, own, anyway=anyway)
            except Refused as error:
                if not begun:
                    raise
                gone = []  # it is this machine that answers: it had joined when this command was stopped
                _note(f"{own} has joined already: {error.message}")
            _note(*(f"{one} is taken out of the cluster" for one in gone))
        if good is not None:
            taken = f"the backup of {good.manifest.taken}, sequence {good.manifest.sequence}"
            _note(f"{taken}: {good.path}")
            with audited(found.name, "restore", asked={"name": good.path.name}):
                is_new = send(door.open, good, node=own, k3s=machine.k3s.version, said=_sent)
            _note("the cluster is put back" if is_new else "the cluster had been put back before")
            _note("what lay on the dead disk alone is gone: volumes of pods, events not sent, journals of runs")
        replaced(found.name, own)
        after = max(good.manifest.sequence, reached(good, home() / found.name)) if good else 0
        return _deploy(found, inventory, after, output=output, verbose=verbose)


def _deploy(found: Store, inventory: Path, after: int, *, output: Format, verbose: bool) -> int:
    """Deploy the store, under a sequence that is newer than the backup's."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door, doors
    from edgectl.cli.press import press
    from edgectl.cli.signed import signed

    stores.permitted(found)
    engine = stores.runtime()
    rendered = stores.render(found)
    offer = stores.offer(found, rendered, engine, inventory=inventory)
    offer = changed(offer, values=stores.values(found), after=after)
    offer = signed(offer, found, engine_bytes=len(engine.tar), payload=rendered.payload.encode())
    others = doors(found.followers, engine, verbose=verbose)
    followers = {name: (stores.for_node(offer, rendered, name), other) for name, other in others.items()}
    head = stores.header(found, offer.commit, offer.summary)
    door = Door(found.lead.name, found.lead.ssh, engine, verbose=verbose)
    return press(offer, door, followers, head=head, output=output, verbose=verbose, caps=stores.caps(found))


def _backup(found: Store, machine: NodeTarget, asked: Path | None) -> Good:
    """Return the backup that is put back: the one that was named, else the newest here."""
    from edgectl.control.backup.folder import former, here, home, judged

    folder = home() / found.name
    if asked is not None:
        path = asked if asked.exists() or asked.parent != Path() else folder / asked
    elif mine := here(folder):
        path = mine[0]
        if others := former(folder, path):
            _note(
                f"former clusters of {found.name} have backups here, too ({len(others)}, the newest {others[0].name}): "
                "one is put back only where it is named, --backup FILE"
            )
    else:
        raise InvalidInput(
            f"there is no backup of {found.name} in {folder}",
            hint="name one that lies elsewhere (--backup FILE), or begin a new cluster: --without-backup",
            docs="backup",
        )
    return judged(path, store=found.name, node=machine.name, k3s=machine.k3s.version)


def _key(store: str, node: str, inventory: Path, said: str, *, ask: bool) -> Unpinned:
    """Have the machine's host key compared, and pin it; returns how it is reached."""
    from edgectl.control.inventory.load import load
    from edgectl.control.inventory.pin import pin
    from edgectl.control.inventory.unpinned import unpinned
    from edgectl.control.link.shown import line, shown
    from edgectl.control.link.target import Target

    opened = load(inventory)
    nodes = {one.node: one for one in unpinned(opened, opened.select(store), again=True) if one.store == store}
    if node not in nodes:
        raise UsageError(f"{store} has no node {node}", hint=f"it has {', '.join(nodes) or 'none'}")
    found = nodes[node]
    if found.wrong:
        raise InvalidInput(f"{found.name}: {found.wrong}", docs="inventory")
    key = shown(Target(node=node, host=found.host, port=found.port, host_key="", connect_seconds=found.connect_seconds))
    _compared(found, key, said, ask=ask and sys.stdin.isatty())
    if found.pinned != line(key):
        pin(inventory, opened.source.data, {(store, node): line(key)})
        _note(f"{found.name} is pinned: {key.fingerprint}")
    return found


def _compared(found: Unpinned, key: HostKey, said: str, *, ask: bool) -> None:
    from edgectl.control.link.shown import line, summary

    if said and said.rstrip("=") != key.fingerprint.rstrip("="):
        raise Unreachable(
            f"{found.name} shows {key.fingerprint}, and {said} was said",
            hint="do not go on before you know why: read it at the machine itself (ssh-keygen -lf)",
            docs="inventory",
        )
    if said or found.pinned == line(key):  # compared, or pinned beforehand: edgectl image
        return
    if ask:
        sys.stderr.write(
            f"{found.name} at {found.host}, port {found.port}, shows another key than its former machine\n"
            f"    {summary(key)}\n  Does the new machine say the same at its console? [y/N] "
        )
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise Unreachable(
        f"{found.name} shows a host key that nobody has compared: {key.fingerprint}",
        hint=f"compare it at the machine, then say it: --host-key {key.fingerprint}",
        docs="inventory",
    )


def _sent(count: int) -> None:
    _note(f"{count / 1e6:.1f} MB of it to send")


def _note(*sentences: str) -> None:
    for sentence in sentences:
        sys.stderr.write(f"  note      {sentence}\n")
