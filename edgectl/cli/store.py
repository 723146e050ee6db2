"""From a store's name on the command line to everything a command needs: inventory, payload, link.

Owns the order in which these are made, so that what can be wrong on this machine is said before a node is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Self

from edgectl.wire.errors import EdgectlError, UsageError

if TYPE_CHECKING:
    from edgectl.control.deploy.deploy import Offer
    from edgectl.control.inventory.store import NodeTarget, Store
    from edgectl.control.link.runtime import RuntimeArchive
    from edgectl.control.link.session import Session
    from edgectl.control.link.target import Target
    from edgectl.control.payload.render import Rendered
    from edgectl.control.secrets.values import Values

_COLUMNS = 80


def find(name: str, inventory: Path) -> Store:
    """Return one store of the inventory."""
    from edgectl.control.inventory.load import load

    return load(inventory).store(name)


def render(store: Store) -> Rendered:
    """Return the store's payload."""
    from edgectl.control.payload.render import bundle_of
    from edgectl.control.payload.render import render as render_payload

    return render_payload(store, bundle_of(store))


def target(node: NodeTarget) -> Target:
    """Return how to reach a node."""
    from edgectl.control.link.target import Target
    from edgectl.control.secrets.resolve import resolve_one

    asked = node.ssh.sudo_password
    return Target(
        node=node.name,
        host=node.ssh.host,
        host_key=node.ssh.host_key,
        port=node.ssh.port,
        user=node.ssh.user,
        keys=node.ssh.keys,
        agent=node.ssh.agent,
        password=resolve_one(asked, what=f"the sudo password of {node.name}") if asked else None,
        connect_seconds=node.ssh.connect_seconds,
    )


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


class Door:
    """Opens sessions with one node, again and again if the link dies. `verbose` tells of each on stderr."""

    def __init__(self, node: NodeTarget, engine: RuntimeArchive, *, verbose: bool = False) -> None:
        self._node = node
        self._engine = engine
        self._verbose = verbose
        self._early: Future[Session] | None = None
        self._where: Target | None = None

    @property
    def where(self) -> Target:
        """How to reach the node, found once: a program that gives the sudo password runs once. Raises InvalidInput."""
        if self._where is None:
            self._where = target(self._node)
        return self._where

    def knock(self) -> Self:
        """Begin to connect now, while other things are made; `open` or `close` must follow."""
        where = self.where  # what is wrong with it is said here, not in a thread
        self._early = Future()
        Thread(target=self._settle, args=(self._early, where), daemon=True).start()
        return self

    def open(self) -> Session:
        """Connect and start the engine's session; raises Unreachable, NotReady."""
        early, self._early = self._early, None
        session = early.result() if early is not None else self._connect(self.where)
        if self._verbose:
            came = "sent" if session.engine_sent else "there already"
            engine = self._engine.digest.removeprefix("sha256:")[:12]
            sys.stderr.write(f"  link      {self.where.where}, engine {engine} {came}\n")
            sys.stderr.write(f"  key       {session.key}\n")
        return session

    def close(self) -> None:
        """Drop a connection that nobody has asked for."""
        early, self._early = self._early, None
        if early is not None:
            early.add_done_callback(lambda done: None if done.exception() else done.result().close())

    def _connect(self, where: Target) -> Session:
        from edgectl.control.link import bootstrap

        return bootstrap.open_session(where, self._engine)

    def _settle(self, early: Future[Session], where: Target) -> None:
        try:
            early.set_result(self._connect(where))
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            early.set_exception(error)


def node_of(store: Store, name: str) -> NodeTarget:
    """Return a node by name, the lead without one; UsageError names those that exist."""
    try:
        return store.node(name)
    except KeyError as error:
        names = ", ".join(node.name for node in store.nodes)
        raise UsageError(f"{store.name} has no node {name}", hint=f"it has {names}") from error


def door(name: str, inventory: Path, *, node: str = "", verbose: bool = False) -> Door:
    """Return the door of a store's lead, or of a node by name."""
    return Door(node_of(find(name, inventory), node), runtime(), verbose=verbose)


def doors(nodes: Iterable[NodeTarget], engine: RuntimeArchive, *, verbose: bool = False) -> dict[str, Door]:
    """Return the doors of nodes by their names; what is wrong with a target is said here."""
    found = {node.name: Door(node, engine, verbose=verbose) for node in nodes}
    for one in found.values():
        _ = one.where
    return found


@contextmanager
def speaking_of(name: str) -> Iterator[None]:
    """Put the store's name into what a node, which does not know how people call it, advises to do next."""
    try:
        yield
    except EdgectlError as error:
        error.hint = error.hint.replace("STORE", name)
        raise


def offer(store: Store, rendered: Rendered, engine: RuntimeArchive, *, inventory: Path) -> Offer:
    """Return what a deploy offers to the store's lead; `for_node` makes of it what another node is offered."""
    from edgectl.control.deploy.deploy import Offer
    from edgectl.control.deploy.operator import commit_of, sender

    payload, data = rendered.payload, rendered.payload.encode()
    commit, subject = commit_of(inventory)
    return Offer(
        store=store.name,
        node=store.lead.name,
        payload=payload.digest,
        runtime=engine.digest,
        blobs={**payload.blobs, payload.digest: len(data)},
        sources={**rendered.blob_paths, payload.digest: data},
        sender=sender(),
        commit=commit,
        summary=subject,
    )


def for_node(given: Offer, rendered: Rendered, name: str) -> Offer:
    """Return the same offer for another node: what it must hold is less."""
    payload = rendered.payload
    needed = {given.payload, *payload.blobs_of(payload.node(name))}
    return replace(given, node=name, values={}, blobs={key: size for key, size in given.blobs.items() if key in needed})


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
