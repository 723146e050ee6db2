"""What sandbox commands share: the store that is meant, and how one is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import Format
from edgectl.cli.result import show as print_result
from edgectl.wire.errors import Exit, StepFailed

if TYPE_CHECKING:
    from edgectl.sandbox.machine.sandbox import Sandbox
    from edgectl.sandbox.machine.store import SandboxStore


def complete(incomplete: str) -> list[str]:
    """Complete names of sandbox stores."""
    from edgectl.sandbox.machine.places import store_places

    return [place.name for place in store_places() if place.name.startswith(incomplete)]


Name = Annotated[
    str, typer.Argument(metavar="STORE", help="The sandbox store's name.", autocompletion=complete, show_default=True)
]
NodeName = Annotated[str, typer.Option("--node", help="One node, e.g. node-1.", show_default="all nodes")]
STORE = "store-042"


def say(sentence: str) -> None:
    """Say something on stderr."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def open_sandbox(*, new: bool = False) -> Sandbox:
    """Return the sandbox, when this machine and user can carry it; raises with all that is missing."""
    from edgectl.sandbox.machine.sandbox import Sandbox
    from edgectl.sandbox.requirements import require, require_root

    if new:
        require(say)
    else:
        require_root()
    return Sandbox(say)


def one(name: str) -> SandboxStore:
    """Return one store of the sandbox."""
    return open_sandbox().store(name)


def documents_of(stores: Iterable[SandboxStore]) -> list[dict[str, Any]]:
    """Return the stores that are there: one that comes up has no link yet, one that is removed meanwhile is none."""
    found = []
    for store in stores:
        try:
            found.append(document_of(store, may_change=True))
        except FileNotFoundError:
            if store.place.record.exists():
                raise
    return found


def _link(store: SandboxStore, *, may_change: bool) -> dict[str, Any] | None:
    from edgectl.wire.document import to_json

    try:
        return to_json(store.link.conditions()) if store.link.process is not None else None
    except StepFailed:  # it is started, or ended, just now
        if not may_change:
            raise
        return None


def document_of(store: SandboxStore, *, may_change: bool = False) -> dict[str, Any]:
    """Return a store for `--output json`; one that may change meanwhile can have a link that does not answer."""
    return {
        "store": store.name,
        "inventory": str(store.inventory) if store.inventory.exists() else None,
        "key": str(store.key),
        "link": _link(store, may_change=may_change),
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


def show(store: SandboxStore, output: Format) -> int:
    """Print a store and what to do with it next."""
    document = document_of(store)
    lines = [f"{store.name} is up: " + ", ".join(f"{n['name']} (ssh port {n['port']})" for n in document["nodes"])]
    if document["inventory"]:
        from edgectl.sandbox.inventory import deployed_as

        lines += [
            "next:",
            f"  export EDGECTL_INVENTORY={document['inventory']}",
            f"  edgectl deploy {deployed_as(store)}",
        ]
    result(output, document, "\n".join(lines))
    return int(Exit.OK)


def result(output: Format, document: dict[str, Any], text: str) -> None:
    """Print a result on stdout."""
    print_result(output, document, text)


def done(output: Format, sentence: str, **document: Any) -> int:
    """Say what was done; as a document on stdout where one is wanted. Returns the exit code."""
    say(sentence)
    if output is Format.JSON:
        print_result(output, document, "")
    return int(Exit.OK)


def describe(conditions: dict[str, Any] | None) -> str:
    """Say in a few words how a link is."""
    if conditions is None:
        return "down"
    words = [f"{conditions['rtt_ms']:g} ms"] if conditions["rtt_ms"] else []
    words += [f"{conditions['rate_bits'] / 1e6:g} Mbit/s"] if conditions["rate_bits"] else []
    words += [{"cut": "cut", "hole": "a black hole"}[conditions["fault"]]] if conditions["fault"] != "none" else []
    return ", ".join(words) or "perfect"
