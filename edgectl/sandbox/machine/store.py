"""One sandbox store that exists: its nodes, its link, and what can be done to them.

Owns: operations on a store as a whole. Must not know how stores come to be (sandbox.py) or what runs on them.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.sandbox.link.link import Link
from edgectl.sandbox.machine.command import Completed
from edgectl.sandbox.machine.disk import copy_disk
from edgectl.sandbox.machine.hostlimits import raise_limits
from edgectl.sandbox.machine.lock import host_lock
from edgectl.sandbox.machine.network import make_network
from edgectl.sandbox.machine.places import StorePlace
from edgectl.sandbox.machine.power import Machine
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.wire.errors import NotReady

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class SandboxStore:
    """A store of this machine."""

    place: StorePlace
    record: StoreRecord

    @classmethod
    def open(cls, place: StorePlace) -> SandboxStore:
        """Read the store that lives in this folder; InvalidInput when there is none."""
        return cls(place, StoreRecord.load(place.record))

    @property
    def name(self) -> str:
        """The store's name."""
        return self.record.name

    @property
    def inventory(self) -> Path:
        """The inventory file that describes this store."""
        return self.place.inventory

    @property
    def key(self) -> Path:
        """The operator's private key for root on every node."""
        return self.place.key

    @property
    def link(self) -> Link:
        """The line between operator and store."""
        return Link(self.place.link)

    def machine(self, node: str = "node-1") -> Machine:
        """Return one node's hardware; InvalidInput names those that exist."""
        return Machine(self.place, self.record.node(node).name)

    def power_on(self, node: str = "", *, wait_seconds: float = 60) -> None:
        """Power on one node or all, with network and link; returns when sshd answers (0: at once)."""
        with host_lock():
            raise_limits()
            if make_network(self.place):
                self.link.stop()  # one that is left from a former network leads nowhere
            self.link.start(self.place.netns_path, {node.port: (node.address, SSH_PORT) for node in self.record.nodes})
            for record in self._chosen(node):
                self.machine(record.name).power_on()
        if wait_seconds:
            self.wait(node, timeout_seconds=wait_seconds)

    def power_off(self, node: str = "") -> None:
        """Power off one node or all, in order."""
        for record in self._chosen(node):
            self.machine(record.name).power_off()

    def cut_power(self, node: str = "") -> None:
        """Take the power from one node or all: unsynced writes are lost."""
        for record in self._chosen(node):
            self.machine(record.name).cut_power()

    def reboot(self, node: str = "", *, hard: bool = False, wait_seconds: float = 90) -> None:
        """Reboot one node or all: in order, or by power cut (`hard`). Returns when sshd answers (0: at once)."""
        for record in self._chosen(node):
            self.machine(record.name).reboot(hard=hard)
        if wait_seconds:
            self.wait(node, timeout_seconds=wait_seconds)

    def execute(
        self, node: str, argv: Sequence[str], *, timeout_seconds: float = 60, check: bool = True, stdin: str = ""
    ) -> Completed:
        """Run a program on a node as root, without network or sshd."""
        return self.machine(node).execute(argv, timeout_seconds=timeout_seconds, check=check, stdin=stdin)

    def wait(self, node: str = "", *, timeout_seconds: float = 60) -> None:
        """Wait until sshd answers on one node or all; NotReady at the deadline. Asks through the link, as it is."""
        deadline = time.monotonic() + timeout_seconds
        for record in self._chosen(node):
            while not _banner(record.port):
                if time.monotonic() > deadline:
                    raise NotReady(
                        f"sshd of {self.name} {record.name} does not answer after {timeout_seconds:.0f} s.",
                        hint=f"edgectl sandbox list; the console is {self.place.node(record.name).console}.",
                    )
                time.sleep(0.05)

    def copy_to(self, target: StorePlace, *, ports: Sequence[int] = ()) -> None:
        """Copy keys and disks of all nodes there, each disk held still meanwhile; `ports` replace the nodes' own."""
        target.home.mkdir(parents=True, exist_ok=True)
        for name in (self.place.key, self.place.key.with_suffix(".pub")):
            shutil.copy2(name, target.home)
        nodes = []
        for index, node in enumerate(self.record.nodes):
            machine, home = self.machine(node.name), target.node(node.name)
            home.home.mkdir(parents=True)
            if machine.place.seed.is_dir():
                shutil.copytree(machine.place.seed, home.seed)
            with machine.held_still():
                copy_disk(machine.place.disk, home.disk)
            port = ports[index] if ports else node.port
            nodes.append(replace(node, port=port))
        if self.inventory.exists():
            shutil.copy2(self.inventory, target.inventory)
        StoreRecord(target.name, tuple(nodes)).save(target.record)

    def _chosen(self, node: str) -> tuple[NodeRecord, ...]:
        return (self.record.node(node),) if node else self.record.nodes


def _banner(port: int) -> bool:
    """Whether an SSH server speaks on this port (RFC 4253, 4.2)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False
