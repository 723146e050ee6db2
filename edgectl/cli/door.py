"""The door of a node: sessions with it, opened when they are needed, or a little before.

Owns connections that are begun early. Must not know what is asked of a node.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from edgectl.control.inventory.jump import JumpTarget
    from edgectl.control.inventory.store import NodeTarget, SshTarget
    from edgectl.control.link.runtime import RuntimeArchive
    from edgectl.control.link.session import Session
    from edgectl.control.link.target import Target


def target(node: str, ssh: SshTarget) -> Target:
    """Return how to reach a node."""
    from edgectl.control.link.target import Target
    from edgectl.control.secrets.resolve import resolve_one

    asked, sign = ssh.sudo_password, None
    if ssh.launch is not None:
        from edgectl.control.signing.online import started

        sign = partial(started, ssh.launch.store, ssh.launch.trust)
    return Target(
        node=node,
        host=ssh.host,
        host_key=ssh.host_key,
        port=ssh.port,
        user=ssh.user,
        keys=ssh.keys,
        agent=ssh.agent,
        password=resolve_one(asked, what=f"the sudo password of {node}") if asked and sign is None else None,
        sign=sign,
        connect_seconds=ssh.connect_seconds,
        jump=way(ssh.jump, connect_seconds=ssh.connect_seconds),
    )


def way(jump: Iterable[JumpTarget], *, connect_seconds: float) -> tuple[Target, ...]:
    """Return how to be let in at each jump host, the nearest first."""
    from edgectl.control.link.target import Target

    return tuple(
        Target(
            node=f"jump host {one.host}",
            host=one.host,
            host_key=one.host_key,
            port=one.port,
            user=one.user,
            keys=one.keys,
            agent=one.agent,
            connect_seconds=connect_seconds,
        )
        for one in jump
    )


class Door:
    """Opens sessions with one node, again and again if the link dies. `verbose` tells of each on stderr."""

    def __init__(self, node: str, ssh: SshTarget, engine: RuntimeArchive, *, verbose: bool = False) -> None:
        self.node = node
        self.ssh = ssh
        self._engine = engine
        self._verbose = verbose
        self._early: Future[Session] | None = None
        self._where: Target | None = None

    @property
    def where(self) -> Target:
        """How to reach the node, found once: a program that gives the sudo password runs once. Raises InvalidInput."""
        if self._where is None:
            self._where = target(self.node, self.ssh)
        return self._where

    def knock(self) -> Self:
        """Begin to connect now, while other things are made; `open` or `close` must follow."""
        from edgectl.control.link import bootstrap  # here: two threads that import share one interpreter

        del bootstrap
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


class Early:
    """A connection to a store's server, begun before its inventory is looked through.

    It is begun on a guess. Whoever then knows the store takes it where the guess was right; nothing is said on it
    before. Raises InvalidInput when there is no inventory.
    """

    def __init__(self, inventory: Path, name: str, engine: RuntimeArchive, *, verbose: bool = False) -> None:
        from edgectl.control.inventory.reach import reach
        from edgectl.control.inventory.source import Source

        self.source = Source.read(inventory)  # once: whoever looks through it goes on from here
        guess = reach(self.source, name)
        self._door = Door(*guess, engine, verbose=verbose).knock() if guess else None
        self._engine = engine
        self._verbose = verbose

    def door(self, node: NodeTarget) -> Door:
        """Return the door of a node: the one that is opening already, if it leads there."""
        early, self._door = self._door, None
        if early is not None and (early.node, early.ssh) == (node.name, node.ssh):
            return early
        if early is not None:
            early.close()
        return Door(node.name, node.ssh, self._engine, verbose=self._verbose)

    def close(self) -> None:
        """Drop a connection that nobody has taken."""
        if self._door is not None:
            self._door.close()


def doors(nodes: Iterable[NodeTarget], engine: RuntimeArchive, *, verbose: bool = False) -> dict[str, Door]:
    """Return the doors of nodes by their names; what is wrong with a target is said here."""
    found = {node.name: Door(node.name, node.ssh, engine, verbose=verbose) for node in nodes}
    for one in found.values():
        _ = one.where
    return found
