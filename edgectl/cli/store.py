"""From a store's name on the command line to everything a command needs: inventory, payload, link.

Owns the order in which these are made, so that what can be wrong on this machine is said before a node is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgectl.cli.door import Door
from edgectl.wire.errors import EdgectlError, UsageError

if TYPE_CHECKING:
    from edgectl.control.deploy.caps import Caps
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.inventory.load import Inventory
    from edgectl.control.inventory.source import Source
    from edgectl.control.inventory.store import NodeTarget, Store
    from edgectl.control.link.runtime import RuntimeArchive
    from edgectl.control.payload.render import Renderer
    from edgectl.control.payload.rendered import Rendered
    from edgectl.control.policy.verdict import Verdict
    from edgectl.control.secrets.values import Values

_COLUMNS = 80
_SOME = 3  # stores that are named where there are more


def one(selector: str, inventory: Path, source: Source | None = None) -> tuple[Inventory, str]:
    """Return the inventory and the one store of it that is meant; UsageError when several are.

    `source` is the inventory, read already.
    """
    from edgectl.control.inventory.load import load

    opened = load(inventory, source)
    names = opened.select(selector)
    if len(names) > 1:
        some = ", ".join(names[:_SOME]) + (", ..." if len(names) > _SOME else "")
        raise UsageError(f'"{selector}" means {len(names)} stores ({some}), and this command takes one')
    return opened, names[0]


def some(selector: str, inventory: Path) -> tuple[Inventory, tuple[str, ...]]:
    """Return the inventory and the names of the stores that are meant, one at least."""
    from edgectl.control.inventory.load import load

    opened = load(inventory)
    names = opened.select(selector)
    opened.want(names)
    return opened, names


def find(name: str, inventory: Path, source: Source | None = None) -> Store:
    """Return one store of the inventory; `source` is that file, read already."""
    opened, name = one(name, inventory, source)
    return opened.store(name)


def renderer() -> Renderer:
    """Return what renders stores."""
    from edgectl.control.payload.render import Renderer

    return Renderer()


def render(store: Store) -> Rendered:
    """Return the store's payload, judged; InvalidInput lists what the rules of docs/policy.md refuse.

    What they only warn of, and what is excused, is one line on stderr.
    """
    from edgectl.cli.result import remark
    from edgectl.control.payload.kept import Said

    rendered = renderer().render(store)
    remark(store.name, Said.of(judge(store, rendered)))
    return rendered


def judge(store: Store, rendered: Rendered, *, keep: bool = True) -> tuple[Verdict, ...]:
    """Return what rules say without refusing; InvalidInput lists what they refuse, before a byte is sent.

    `keep`: in the user's cache, for the next command.
    """
    from datetime import UTC, datetime

    from edgectl.control.inventory.place import invalid
    from edgectl.control.policy.verdict import verdicts

    found = verdicts(store, rendered, datetime.now(UTC).date(), keep=keep)
    if refused := [one.finding(store) for one in found if one.refuses]:
        raise invalid(store.source, refused)
    return found


def permitted(store: Store) -> None:
    """Raise InvalidInput when the store's rules do not let this person deploy now."""
    from datetime import UTC, datetime

    from edgectl.control.deploy.operator import fingerprint, sender
    from edgectl.control.inventory.place import invalid
    from edgectl.control.policy.verdict import deploy_verdicts

    if store.policy is None:
        return
    me = sender()
    who = {"user": me.user, "host": me.host, "key": fingerprint(store.lead.ssh.keys)}
    found = deploy_verdicts(store, who, datetime.now(UTC))
    if refused := [one.finding(store) for one in found if one.refuses]:
        raise invalid(store.source, refused)


def values(store: Store) -> Values:
    """Return the values of the store's secrets, to be sent beside its payload; InvalidInput names all without one."""
    if not store.secrets:
        return {}
    from edgectl.control.secrets.values import values_of

    return values_of(store)


def runtime() -> RuntimeArchive:
    """Return the engine that travels."""
    from edgectl.control.link.runtime import runtime as build

    return build()


def node_of(store: Store, name: str) -> NodeTarget:
    """Return a node by name, the lead without one; UsageError names those that exist."""
    try:
        return store.node(name)
    except KeyError as error:
        names = ", ".join(node.name for node in store.nodes)
        raise UsageError(f"{store.name} has no node {name}", hint=f"it has {names}") from error


def door(store: Store, *, node: str = "", verbose: bool = False) -> Door:
    """Return the door of a store's lead, or of a node by name."""
    found = node_of(store, node)
    return Door(found.name, found.ssh, runtime(), verbose=verbose)


def caps(store: Store, asked: float | None = None) -> Caps:
    """Return how much of the store's line may be taken; `asked`, on the command line, holds instead of all."""
    from edgectl.control.deploy.caps import Caps

    return Caps(store.network, asked)


@contextmanager
def speaking_of(name: str) -> Iterator[None]:
    """Put the store's name into what a node, which does not know how people call it, advises to do next."""
    try:
        yield
    except EdgectlError as error:
        error.hint = error.hint.replace("STORE", name)
        raise


def offer(
    store: Store,
    rendered: Rendered,
    engine: RuntimeArchive,
    *,
    inventory: Path,
    version: tuple[str, str] | None = None,
) -> Offer:
    """Return what a deploy offers to the store's lead; `for_node` makes of it what another node is offered.

    `version` is the inventory's commit and its subject, where somebody has asked git already.
    """
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.deploy.operator import commit_of, sender
    from edgectl.wire.document import digest_of
    from edgectl.wire.k3s import versions_of
    from edgectl.wire.meant import meant_of
    from edgectl.wire.thing import PAYLOAD, things

    payload, data = rendered.payload, rendered.payload.encode()
    digest = digest_of(data)
    commit, subject = version or commit_of(inventory)
    return Offer(
        store=store.name,
        node=store.lead.name,
        payload=digest,
        runtime=engine.digest,
        blobs={**payload.blobs, digest: len(data)},
        sources={**rendered.blob_paths, digest: data},
        sender=sender(),
        names={**things(payload), digest: PAYLOAD},
        commit=commit,
        summary=subject,
        models=payload.models,
        k3s=versions_of(payload),
        meant=meant_of(payload.node(store.lead.name)),
    )


def for_node(given: Offer, rendered: Rendered, name: str) -> Offer:
    """Return the same offer for another node: what it must hold is less."""
    from edgectl.wire.meant import meant_of

    payload = rendered.payload
    needed = {given.payload, *payload.blobs_of(payload.node(name))}
    blobs = {key: size for key, size in given.blobs.items() if key in needed}
    return replace(given, node=name, values={}, blobs=blobs, meant=meant_of(payload.node(name)))


def header(store: Store, commit: str, subject: str) -> str:
    """Return the line that says what is about to be deployed."""
    gpus = sum(node.gpu.count for node in store.nodes if node.gpu)
    required = sum(node.gpu.required for node in store.nodes if node.gpu)
    nodes = len(store.nodes)
    cards = f"{gpus} GPU{'s' if gpus > 1 else ''} ({required} required)" if gpus else "no GPU"
    line = f"{f'{store.name}  {store.title}'.rstrip()}   {nodes} node{'s' if nodes > 1 else ''}, {cards}"
    if not commit:
        return line
    version = f'{commit[:7]} "{subject}"'
    fits = len(line) + 3 + len(version) <= _COLUMNS
    return f"{line}   {version}" if fits else f"{line}\n  from      {version}"
