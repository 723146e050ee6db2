"""`edgectl sandbox`: a real store on this machine, to try things on.

Owns arguments and what is printed; the work is in edgectl.sandbox. Nothing but this file may import that.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import Format, Output
from edgectl.wire.errors import Exit, UsageError

if TYPE_CHECKING:
    from edgectl.sandbox.machine.sandbox import Sandbox
    from edgectl.sandbox.machine.store import SandboxStore

app = typer.Typer(
    name="sandbox",
    help="Real store nodes on this machine: own disks and network, test GPUs, a link that can be made bad. Needs root.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="sandbox")


def _complete(incomplete: str) -> list[str]:
    from edgectl.sandbox.machine.places import store_places

    return [place.name for place in store_places() if place.name.startswith(incomplete)]


Name = Annotated[
    str, typer.Argument(metavar="STORE", help="The sandbox store's name.", autocompletion=_complete, show_default=True)
]
NodeName = Annotated[str, typer.Option("--node", help="One node, e.g. node-1.", show_default="all nodes")]
_STORE = "store-042"


@app.command(
    epilog="""Examples:

  edgectl sandbox up

  edgectl sandbox up store-077 --gpus 2 --required 1

  edgectl sandbox up store-001 --bare

The first time, k3s and images are built (minutes); from the cache it takes seconds. Up again powers on a store that
is off, and renews its inventory."""
)
def up(
    name: Name = _STORE,
    gpus: Annotated[int, typer.Option("--gpus", min=0, max=16, help="Test GPUs of each node.")] = 1,
    required: Annotated[
        int | None, typer.Option("--required", min=0, help="How many must work for it to serve.", show_default="all")
    ] = None,
    nodes: Annotated[int, typer.Option("--nodes", min=1, max=9, help="Nodes of the store.")] = 1,
    bare: Annotated[
        bool, typer.Option("--bare", help="Nodes only: no bundle and no inventory to deploy with.")
    ] = False,
    output: Output = Format.TEXT,
) -> int:
    """Bring up a store: bare nodes with sshd, and an inventory to deploy with."""
    if required is not None and required > gpus:
        raise UsageError(f"--required {required} is more than --gpus {gpus}", hint="--required may be at most --gpus")
    sandbox = _sandbox(new=True)
    supplies = None
    if not bare:
        from edgectl.sandbox.bundle import make_bundle

        supplies = make_bundle(_say)
    store = sandbox.up(name, nodes=nodes, gpus=gpus, required=required)
    if supplies is not None:
        from edgectl.sandbox.inventory import write_inventory

        write_inventory(store, supplies)
    return _show_store(store, output)


@app.command(
    epilog="""Examples:

  edgectl sandbox down store-042

  edgectl sandbox down store-042 --keep-disk

  edgectl sandbox down --all"""
)
def down(
    name: Name = "",
    keep_disk: Annotated[bool, typer.Option("--keep-disk", help="Keep the disks; up brings them back.")] = False,
    all: Annotated[bool, typer.Option("--all", help="All stores.")] = False,
) -> int:
    """Take a store down; nothing of it stays: no process, mount, device, network or file."""
    if bool(name) == all:
        raise UsageError("Name one store, or give --all", hint="edgectl sandbox list shows the stores")
    sandbox = _sandbox()
    names = [store.name for store in sandbox.stores()] if all else [name]
    for each in names:
        sandbox.down(each, keep_disk=keep_disk)
        _say(f"{each} is down" + (", its disks are kept" if keep_disk else ""))
    return int(Exit.OK)


@app.command(
    "list",
    epilog="""Examples:

  edgectl sandbox list

  edgectl sandbox list -o json""",
)
def list_(output: Output = Format.TEXT) -> int:
    """Show the stores, their nodes' power, ports and links."""
    from edgectl.sandbox.machine.sandbox import Sandbox

    documents = [_document(store) for store in Sandbox().stores()]
    lines = [
        f"{doc['store']:<16} {node['name']:<8} {node['power']:<4} ssh port {node['port']:<6} "
        f"{node['gpus']} GPU  disk {node['disk_bytes'] / 2**30:.1f} GiB  link {_describe(doc['link'])}"
        for doc in documents
        for node in doc["nodes"]
    ]
    _print(output, {"stores": documents}, "\n".join(lines) or "No sandbox stores. edgectl sandbox up makes one.")
    return int(Exit.OK)


@app.command(
    epilog="""Examples:

  edgectl sandbox reboot store-042

  edgectl sandbox reboot store-042 --hard"""
)
def reboot(
    name: Name = _STORE,
    node: NodeName = "",
    hard: Annotated[bool, typer.Option("--hard", help="By power cut: unsynced writes are lost.")] = False,
) -> int:
    """Reboot a store's nodes; returns when sshd answers again."""
    _store(name).reboot(node, hard=hard)
    _say(f"{name} has rebooted")
    return int(Exit.OK)


@app.command(
    "cut-power",
    epilog="""Examples:

  edgectl sandbox cut-power store-042

  edgectl sandbox cut-power store-042 --back-on""",
)
def cut_power(
    name: Name = _STORE,
    node: NodeName = "",
    back_on: Annotated[bool, typer.Option("--back-on", help="Power on again at once.")] = False,
) -> int:
    """Take the power away: what was not synced to disk is lost, as on a real machine."""
    store = _store(name)
    store.cut_power(node)
    _say(f"{name} has lost its power")
    if back_on:
        store.power_on(node)
        _say(f"{name} is on again")
    return int(Exit.OK)


@app.command(
    "power-on",
    epilog="""Example:

  edgectl sandbox power-on store-042""",
)
def power_on(name: Name = _STORE, node: NodeName = "") -> int:
    """Power on a store's nodes; returns when sshd answers."""
    _store(name).power_on(node)
    _say(f"{name} is on")
    return int(Exit.OK)


@app.command(
    "power-off",
    epilog="""Example:

  edgectl sandbox power-off store-042""",
)
def power_off(name: Name = _STORE, node: NodeName = "") -> int:
    """Power off a store's nodes in order."""
    _store(name).power_off(node)
    _say(f"{name} is off")
    return int(Exit.OK)


@app.command(
    epilog="""Examples:

  edgectl sandbox link store-042 --rtt 150 --rate 2M

  edgectl sandbox link store-042 --cut

  edgectl sandbox link store-042 --black-hole

  edgectl sandbox link store-042 --heal

  edgectl sandbox link store-042 --restore

  edgectl sandbox link store-042 -o json

Without options it shows how the link is and what it has carried."""
)
def link(
    name: Name = _STORE,
    rtt: Annotated[float | None, typer.Option("--rtt", min=0, max=60_000, help="Round-trip time in ms.")] = None,
    rate: Annotated[str, typer.Option("--rate", help="Bit/s in each direction: 2M, 500k, 0 for no limit.")] = "",
    cut: Annotated[bool, typer.Option("--cut", help="Reset connections, refuse new ones.")] = False,
    black_hole: Annotated[bool, typer.Option("--black-hole", help="Nothing arrives, nobody is told.")] = False,
    heal: Annotated[bool, typer.Option("--heal", help="End a cut or hole; delay and rate stay.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="A perfect link again.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Make the link between you and a store slow, thin, cut or silent; changes act at once."""
    if sum((cut, black_hole, heal, restore)) > 1:
        raise UsageError("Give one of --cut, --black-hole, --heal, --restore", hint="edgectl sandbox link --help")
    line = _store(name).link
    bits = rate_bits(rate) if rate else None
    if restore:
        line.restore()
    if rtt is not None or bits is not None:
        line.set(rtt_ms=rtt, rate_bits=bits)
    for wanted, act in ((cut, line.cut), (black_hole, line.black_hole), (heal, line.heal)):
        if wanted:
            act()
    from edgectl.wire.document import to_json

    document = {"store": name, "conditions": to_json(line.conditions()), "counters": to_json(line.stats())}
    counted = document["counters"]
    text = (
        f"link of {name}: {_describe(document['conditions'])}; {counted['bytes_to_store']} bytes to the store, "
        f"{counted['bytes_from_store']} from it, {counted['connections']} connections, {counted['open']} open"
    )
    _print(output, document, text)
    return int(Exit.OK)


@app.command(
    epilog="""Examples:

  edgectl sandbox clone store-042 store-043

The copy has the same nodes, addresses and keys, in a network of its own; the source keeps running."""
)
def clone(
    name: Annotated[str, typer.Argument(metavar="STORE", help="The store to copy.", autocompletion=_complete)],
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The copy's name.")],
    output: Output = Format.TEXT,
) -> int:
    """Copy a store with all that is on its disks and power the copy on."""
    return _show_store(_sandbox(new=True).clone(name, new_name), output)


@app.command(
    epilog="""Example:

  edgectl sandbox clean"""
)
def clean() -> int:
    """Remove what crashed runs have left. Stores that are up, and disks that were kept, stay."""
    if not _sandbox().clean():
        _say("Nothing was left behind.")
    return int(Exit.OK)


@app.command(
    epilog="""Examples:

  edgectl sandbox shell store-042

  edgectl sandbox shell store-042 -- systemctl status k3s""",
    context_settings={"ignore_unknown_options": True},
)
def shell(
    name: Name = _STORE,
    command: Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="Instead of a shell.")] = None,
    node: Annotated[str, typer.Option("--node", help="Which node.")] = "node-1",
) -> int:
    """Enter a node at its keyboard: without network, link or sshd."""
    import subprocess

    words = [*_store(name).machine(node).entrance(), *(command or ["bash", "-l"])]
    return subprocess.run(words, check=False).returncode  # a person's own session: as long as they like


@app.command(
    epilog="""Example:

  edgectl sandbox demo

A store of that name is taken down first. The store stays up afterwards, for you to try things on."""
)
def demo(name: Name = _STORE) -> int:
    """Show it all: a bare node comes up, a second deploy changes nothing, a reboot heals by itself."""
    from edgectl.sandbox.demo import Demo
    from edgectl.sandbox.machine.places import store_place

    sandbox = _sandbox()
    if store_place(name).record.exists():
        sandbox.down(name)
    Demo(name, store_place(name).inventory, _say).run()
    return int(Exit.OK)


def rate_bits(text: str) -> int:
    """Return `2M`, `500k`, `1.5G` or a plain number in bit/s; UsageError for anything else."""
    factor = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}.get(text[-1:].lower(), 0)
    try:
        bits = int(float(text[:-1]) * factor) if factor else int(text)
    except ValueError:
        bits = -1
    if bits < 0:
        raise UsageError(f"--rate {text} is no rate", hint="Write 2M, 500k or a number of bit/s; 0 is no limit")
    return bits


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def _sandbox(*, new: bool = False) -> Sandbox:
    from edgectl.sandbox.machine.sandbox import Sandbox
    from edgectl.sandbox.requirements import require, require_root

    if new:
        require(_say)
    else:
        require_root()
    return Sandbox(_say)


def _store(name: str) -> SandboxStore:
    return _sandbox().store(name)


def _document(store: SandboxStore) -> dict[str, Any]:
    from edgectl.wire.document import to_json

    link = store.link
    return {
        "store": store.name,
        "inventory": str(store.inventory) if store.inventory.exists() else None,
        "key": str(store.key),
        "link": to_json(link.conditions()) if link.process is not None else None,
        "nodes": [
            {
                "name": node.name,
                "address": node.address,
                "power": "on" if store.machine(node.name).supervisor is not None else "off",
                "host": "127.0.0.1",
                "port": node.port,
                "host_key": node.host_key,
                "gpus": node.gpu_count,
                "gpus_required": node.gpu_required,
                "disk_bytes": store.place.node(node.name).disk.stat().st_blocks * 512,
                "console": str(store.place.node(node.name).console),
            }
            for node in store.record.nodes
        ],
    }


def _show_store(store: SandboxStore, output: Format) -> int:
    document = _document(store)
    lines = [f"{store.name} is up: " + ", ".join(f"{n['name']} (ssh port {n['port']})" for n in document["nodes"])]
    if document["inventory"]:
        lines += ["next:", f"  export EDGECTL_INVENTORY={document['inventory']}", f"  edgectl deploy {store.name}"]
    _print(output, document, "\n".join(lines))
    return int(Exit.OK)


def _describe(conditions: dict[str, Any] | None) -> str:
    if conditions is None:
        return "down"
    words = [f"{conditions['rtt_ms']:g} ms"] if conditions["rtt_ms"] else []
    words += [f"{conditions['rate_bits'] / 1e6:g} Mbit/s"] if conditions["rate_bits"] else []
    words += [{"cut": "cut", "hole": "a black hole"}[conditions["fault"]]] if conditions["fault"] != "none" else []
    return ", ".join(words) or "perfect"


def _print(output: Format, document: dict[str, Any], text: str) -> None:
    sys.stdout.write((json.dumps(document, indent=2) if output is Format.JSON else text) + "\n")
