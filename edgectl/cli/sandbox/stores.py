"""`edgectl sandbox up|down|list|clone|clean|shell|demo`: whole stores."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import Format, Output
from edgectl.cli.sandbox.app import app
from edgectl.cli.sandbox.show import (
    STORE,
    Name,
    complete,
    describe,
    document_of,
    documents_of,
    done,
    one,
    open_sandbox,
    result,
    say,
    show,
)
from edgectl.wire.errors import Exit, UsageError


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox up
  edgectl sandbox up store-077 --gpus 2 --required 1
  edgectl sandbox up store-001 --bare
  edgectl sandbox up store-013 --os debian-13

The first time, k3s and images are built (minutes); from the cache it takes seconds. Up again powers on a store that
is off, and renews its inventory."""
)
def up(
    name: Name = STORE,
    gpus: Annotated[int, typer.Option("--gpus", min=0, max=16, help="Test GPUs of each node.")] = 1,
    required: Annotated[
        int | None, typer.Option("--required", min=0, help="How many must work for it to serve.", show_default="all")
    ] = None,
    nodes: Annotated[int, typer.Option("--nodes", min=1, max=9, help="Nodes of the store.")] = 1,
    bare: Annotated[
        bool, typer.Option("--bare", help="GPUs without driver and toolkit: packages of the bundle bring them.")
    ] = False,
    system: Annotated[
        str, typer.Option("--os", help="debian-12, debian-13, ubuntu-24.04 ...", show_default="this machine's own")
    ] = "",
    nodes_only: Annotated[
        bool, typer.Option("--nodes-only", help="No bundle, and no inventory to deploy with.")
    ] = False,
    output: Output = Format.TEXT,
) -> int:
    """Bring up a store: nodes on which nothing runs yet, and an inventory to deploy with."""
    if required is not None and required > gpus:
        raise UsageError(f"--required {required} is more than --gpus {gpus}", hint="--required may be at most --gpus")
    sandbox = open_sandbox(new=True)
    supplies = None
    if not nodes_only:
        from edgectl.sandbox.bundle import make_bundle

        supplies = make_bundle(say)
    store = sandbox.up(name, nodes=nodes, gpus=gpus, required=required, bare=bare, system=system)
    if supplies is not None:
        from edgectl.sandbox.inventory import write_inventory

        write_inventory(store, supplies)
    return show(store, output)


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox fleet
  edgectl sandbox fleet 4

store-001 is a whole store; the others are light: machines that boot, take deploys and heal, without Kubernetes, some
60 MB of memory each. One inventory describes all."""
)
def fleet(
    count: Annotated[int, typer.Argument(metavar="COUNT", min=2, max=50, help="How many stores.")] = 10,
    output: Output = Format.TEXT,
) -> int:
    """Bring up some stores, to try commands for many on."""
    from edgectl.sandbox.fleet import bring_up, fleet_file

    stores = bring_up(open_sandbox(new=True), count)
    document = {"inventory": str(fleet_file()), "stores": [document_of(store) for store in stores]}
    text = f"{len(stores)} stores are up.\nnext:\n  export EDGECTL_INVENTORY={fleet_file()}\n  edgectl plan --all"
    result(output, document, text)
    return int(Exit.OK)


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox down store-042
  edgectl sandbox down store-042 --keep-disk
  edgectl sandbox down --all"""
)
def down(
    name: Name = "",
    keep_disk: Annotated[bool, typer.Option("--keep-disk", help="Keep the disks; up brings them back.")] = False,
    all: Annotated[bool, typer.Option("--all", help="All stores.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Take a store down. Nothing of it stays: no process, mount, device, network or file."""
    if bool(name) == all:
        raise UsageError("Name one store, or give --all", hint="edgectl sandbox list shows the stores")
    sandbox = open_sandbox()
    names = [store.name for store in sandbox.stores()] if all else [name]
    for each in names:
        sandbox.down(each, keep_disk=keep_disk)
    kept = ", its disks are kept" if keep_disk else ""
    return done(output, "\n".join(f"{each} is down{kept}" for each in names) or "No store is up.", down=names)


@app.command(
    "list",
    epilog="""\b
Examples:
  edgectl sandbox list
  edgectl sandbox list -o json""",
)
def list_(output: Output = Format.TEXT) -> int:
    """Show the stores, their nodes' power, ports and links."""
    from edgectl.sandbox.machine.sandbox import Sandbox

    documents = documents_of(Sandbox().stores())
    lines = [
        f"{doc['store']:<16} {node['name']:<8} {node['power']:<4} ssh port {node['port']:<6} "
        f"{node['gpus']} GPU  disk {node['disk_bytes'] / 2**30:.1f} GiB  link {describe(doc['link'])}"
        for doc in documents
        for node in doc["nodes"]
    ]
    result(output, {"stores": documents}, "\n".join(lines) or "No sandbox stores. edgectl sandbox up makes one.")
    return int(Exit.OK)


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox clone store-042 store-043

The copy has the same nodes, addresses and keys, in a network of its own; the source keeps running."""
)
def clone(
    name: Annotated[str, typer.Argument(metavar="STORE", help="The store to copy.", autocompletion=complete)],
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The copy's name.")],
    output: Output = Format.TEXT,
) -> int:
    """Copy a store with its disks and power the copy on."""
    return show(open_sandbox(new=True).clone(name, new_name), output)


@app.command(
    epilog="""\b
Example:
  edgectl sandbox clean"""
)
def clean(output: Output = Format.TEXT) -> int:
    """Remove what crashed runs have left. Stores that are up, and disks that were kept, stay."""
    found = bool(open_sandbox().clean())
    return done(output, "What crashed runs have left is gone." if found else "Nothing was left behind.", found=found)


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox shell store-042
  edgectl sandbox shell store-042 -- systemctl status k3s""",
    context_settings={"ignore_unknown_options": True},
)
def shell(
    name: Name = STORE,
    command: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="Instead of a shell.")] = None,
    node: Annotated[str, typer.Option("--node", help="Which node.")] = "node-1",
) -> int:
    """Enter a node at its keyboard: without network, link or sshd."""
    import subprocess

    words = [*one(name).machine(node).entrance(), *(command or ["bash", "-l"])]
    return subprocess.run(words, check=False).returncode  # a person's own session: as long as they like


@app.command(
    epilog="""\b
Example:
  edgectl sandbox demo

A store of that name is taken down first. The store stays up afterwards, for you to try things on."""
)
def demo(name: Name = STORE) -> int:
    """Show it all: up, deploy, deploy again, reboot, and it heals.

    A bare node comes up, a second deploy changes nothing, and after a reboot nobody needs to help.
    """
    from edgectl.sandbox.demo import Demo
    from edgectl.sandbox.machine.places import store_place

    sandbox = open_sandbox()
    if store_place(name).record.exists():
        sandbox.down(name)
    Demo(name, store_place(name).inventory, say).run()
    return int(Exit.OK)
