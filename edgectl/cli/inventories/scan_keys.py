"""`edgectl inventory scan-keys`: host keys into the inventory, each compared by a person."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store
from edgectl.wire.errors import Exit, InvalidInput, UsageError

if TYPE_CHECKING:
    from edgectl.control.inventory.unpinned import Unpinned
    from edgectl.control.link.hostkey import HostKey
    from edgectl.wire.errors import Unreachable

_EPILOG = """\b
Examples:
  edgectl inventory scan-keys store-042
  edgectl inventory scan-keys "group:berlin"
  edgectl inventory scan-keys store-042 --again   (a node was reinstalled)
  edgectl inventory scan-keys store-042 \\
      --fingerprint store-042/node-1=SHA256:...   (nobody is asked)

It connects, looks at the key, and hangs up without logging in. What a node
shows over the network proves nothing: compare each fingerprint with what the
node says itself, at its console or by somebody who stands there:
  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
Only keys that were compared are written; all else in the file stays as it is.
Exit 4: a node was not reached, or showed another key than was said. Exit 10:
keys wait to be compared."""

_AT_THE_NODE = {"ED25519": "ed25519", "ECDSA": "ecdsa", "RSA": "rsa"}
_HEAD = "SHA256:"


@dataclass(slots=True)
class _Row:
    """One node: what it showed, and what became of it."""

    node: Unpinned
    word: str
    reason: str = ""
    key: HostKey | None = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan-keys", epilog=_EPILOG)(scan_keys)


def scan_keys(
    selector: Annotated[
        str,
        typer.Argument(
            metavar="SELECTOR", help="Stores: store-042, store-0*, group:berlin.", autocompletion=complete_store
        ),
    ],
    again: Annotated[bool, typer.Option("--again", help="Look at pinned nodes, too; ask where a key changed.")] = False,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(
            "--fingerprint", metavar="STORE/NODE=SHA256:...", help="What a node says itself; may be repeated."
        ),
    ] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Look at nodes' SSH host keys, have each compared, and pin them in the inventory."""
    from edgectl.cli.result import show
    from edgectl.control.inventory.load import load
    from edgectl.control.inventory.pin import pin
    from edgectl.control.inventory.unpinned import unpinned
    from edgectl.control.link.shown import line

    opened = load(inventory)
    names = opened.select(selector)
    opened.want(names)
    nodes = list(unpinned(opened, names, again=again))
    said = _fingerprints(fingerprint or [], nodes, again=again)
    rows = _look(nodes, verbose=verbose)
    ask = output is Format.TEXT and sys.stdin.isatty()
    for row in rows:
        _compare(row, said.get(row.node.name, ""), ask=ask)
    keys = {(row.node.store, row.node.node): line(row.key) for row in rows if row.word == "pinned" and row.key}
    if keys:
        pin(inventory, opened.source.data, keys)
    words = {row.word for row in rows}
    code = Exit.UNREACHABLE if words & {"unreachable", "other key"} else Exit.OK
    if code == Exit.OK and words & {"not compared", "declined"}:
        code = Exit.PENDING
    if code == Exit.OK and "wrong" in words:
        code = Exit.INVALID
    document = {"inventory": str(inventory), "nodes": [_document(row) for row in rows]}
    return show(output, document, _text(rows, len(names), again=again), code=code)


def _fingerprints(texts: list[str], nodes: list[Unpinned], *, again: bool) -> dict[str, str]:
    known, found = {node.name for node in nodes}, dict[str, str]()
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value.startswith(_HEAD) or "/" not in name:
            raise UsageError(
                f"--fingerprint {text} is none",
                hint="write --fingerprint store-042/node-1=SHA256:..., as `ssh-keygen -lf` at the node prints it",
            )
        if name not in known:
            why = "is none of the selected nodes" if again else "is none of the selected nodes without a host key"
            raise UsageError(f"--fingerprint {text}: {name} {why}", hint=f"these are: {', '.join(sorted(known))}")
        if found.setdefault(name, value.rstrip("=")) != value.rstrip("="):
            raise UsageError(f"--fingerprint names two for {name}", hint="a node shows one key: which is it?")
    return found


def _look(nodes: list[Unpinned], *, verbose: bool) -> list[_Row]:
    """Ask all nodes that can be asked."""
    from edgectl.cli.door import way
    from edgectl.control.link.shown import all_shown
    from edgectl.control.link.target import Target

    if verbose and nodes:
        sys.stderr.write(f"  asking    {', '.join(f'{node.name} ({node.host}:{node.port})' for node in nodes)}\n")
    targets = [
        Target(
            node=node.name,
            host=node.host,
            port=node.port,
            host_key="",
            connect_seconds=node.connect_seconds,
            jump=way(node.jump, connect_seconds=node.connect_seconds),
        )
        for node in nodes
        if not node.wrong
    ]
    answers = iter(all_shown(targets))
    return [_Row(node, "wrong", node.wrong) if node.wrong else _row(node, next(answers)) for node in nodes]


def _row(node: Unpinned, answer: HostKey | Unreachable) -> _Row:
    if isinstance(answer, Exception):
        return _Row(node, "unreachable", answer.message)
    return _Row(node, "same" if _pinned(node) == answer.fingerprint else "not compared", key=answer)


def _pinned(node: Unpinned) -> str:
    """Return the fingerprint of the key that the inventory has, "" where that is none."""
    from edgectl.control.link.hostkey import pinned

    try:
        return pinned(node.pinned, node=node.name).fingerprint if node.pinned else ""
    except InvalidInput:
        return ""


def _compare(row: _Row, said: str, *, ask: bool) -> None:
    """Have a person's word for a key, said before or now."""
    if row.key is None:
        return
    if said:
        row.word = "pinned" if row.word != "same" else "same"
        if said != row.key.fingerprint:
            row.word = "other key"
            row.reason = f"it shows {row.key.fingerprint}, and {said} was said: do not go on before you know why"
        return
    if row.word == "same":
        return
    if not ask:
        row.reason = "compare it at the node, then say it with --fingerprint"
        return
    row.word = "pinned" if _confirmed(row.node, row.key) else "declined"


def _confirmed(node: Unpinned, key: HostKey) -> bool:
    from edgectl.control.link.shown import summary

    shown = summary(key)
    kind = _AT_THE_NODE[shown.rpartition("(")[2].rstrip(")")]
    lines = [f"{node.name} at {node.host}, port {node.port}, shows", f"    {shown}"]
    if node.pinned:
        lines.append(f"  and the inventory has\n    {_pinned(node) or 'something that is no key'}")
    lines.append(f"  at the node: ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub")
    sys.stderr.write("\n".join(lines) + "\n  Does the node say the same? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _document(row: _Row) -> dict[str, Any]:
    from edgectl.control.link.shown import line

    node = row.node
    key = {"fingerprint": row.key.fingerprint, "host_key": line(row.key)} if row.key else {}
    return (
        {"store": node.store, "node": node.node, "host": node.host, "port": node.port, "result": row.word}
        | key
        | ({"reason": row.reason} if row.reason else {})
    )


def _text(rows: list[_Row], stores: int, *, again: bool) -> str:
    from edgectl.control.link.shown import summary

    if not rows:
        of = "its store" if stores == 1 else f"the {stores} stores"
        return f"no nodes in {of}" if again else f"every node of {of} has a host key; --again looks at them all"
    width = max(len(row.node.name) for row in rows)
    lines = []
    for row in rows:
        shown = summary(row.key) if row.key else ""
        said = "  ".join(part for part in (shown if row.word != "other key" else "", row.reason) if part)
        lines.append(f"{row.word:<12}  {row.node.name:<{width}}  {said}".rstrip())
    return "\n".join(lines)
