"""A lab's store as an acceptance meets it: real doors, real deploys, and the sandbox's switch where it is a sandbox.

Owns: how each call of control/accept/site.py is made. Judges nothing.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from edgectl.cli import store as stores
from edgectl.cli.door import Door, doors
from edgectl.cli.press import asked, ended, watched
from edgectl.control.deploy import look
from edgectl.control.deploy.everywhere import everywhere
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.look import Seen
from edgectl.control.deploy.operator import asker, commit_of
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.deploy.preflight import declared_of
from edgectl.control.deploy.preflight import preflight as looked
from edgectl.control.deploy.together import Together
from edgectl.control.doctor.ask import Answer
from edgectl.control.doctor.ask import ask as ask_doctor
from edgectl.control.doctor.store import together
from edgectl.control.fleet.watch import Watch
from edgectl.control.inventory.store import HostFile, Store
from edgectl.control.link.connect import connect
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.session import Session
from edgectl.control.payload.rendered import Rendered
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.document import from_json
from edgectl.wire.errors import EdgectlError, NotReady
from edgectl.wire.finding import Finding
from edgectl.wire.gpu import GpuLook
from edgectl.wire.lab import LabFacts, LabLook, Relied

T = TypeVar("T")
CHANGED = "/etc/edgectl-acceptance"  # the file by which a deploy differs from what is declared; it goes with the last


class Desk:
    """One store of a lab."""

    def __init__(self, store: Store, inventory: Path, *, verbose: bool = False) -> None:
        self.store = store
        self.cut_run = ""
        self._inventory = inventory
        self._verbose = verbose
        self.engine = stores.runtime()
        self._doors = doors(store.nodes, self.engine, verbose=verbose)
        self._values = stores.values(store)
        self._version = commit_of(inventory)
        self._rendered: dict[int, Rendered] = {}

    @property
    def commit(self) -> str:
        """The inventory's commit."""
        return self._version[0]

    def rendered(self, *, changed: int = 0) -> Rendered:
        """Return what is declared, or the same with one value changed."""
        if changed not in self._rendered:
            self._rendered[changed] = stores.render(_changed(self.store, changed) if changed else self.store)
        return self._rendered[changed]

    def say(self, sentence: str) -> None:
        """Say it on stderr."""
        sys.stderr.write(f"  {sentence} ...\n")
        sys.stderr.flush()

    def preflight(self) -> Mapping[str, tuple[Finding, ...] | EdgectlError]:
        """Look at each node before a deploy."""
        return everywhere({node.name: self._looking(node.name) for node in self.store.nodes})

    def _looking(self, name: str) -> Callable[[], tuple[Finding, ...]]:
        declared = declared_of(self.store, self.store.node(name), self.rendered(), take_over=False)
        return lambda: looked(self._doors[name].open, declared)

    def press(self, *, changed: int = 0, cut: bool = False) -> Outcome:
        """Deploy; with `cut` the line breaks as soon as the lead has taken it."""
        rendered, lead = self.rendered(changed=changed), self.store.lead.name
        offer = stores.offer(self.store, rendered, self.engine, inventory=self._inventory, version=self._version)
        offer = replace(offer, values=self._values, may_reboot=True)
        watch = _Cut(self._doors[lead]) if cut else Watch()
        opens = watch.open if isinstance(watch, _Cut) else self._doors[lead].open
        others = {
            node.name: (stores.for_node(offer, rendered, node.name), self._doors[node.name].open)
            for node in self.store.followers
        }
        with stores.speaking_of(self.store.name), asked(offer) as (given, learnt):
            whole = Together(given, opens, watch, others, Line(stores.caps(self.store)))
            outcome = watched(whole, lead, learnt)
            ended(given, outcome, learnt)
        self.cut_run = watch.cut if isinstance(watch, _Cut) else ""
        return outcome

    def status(self) -> Seen:
        """Ask the lead whether it is as deployed."""
        return look.status(self._lead.open, Watch())

    def gpus(self) -> Mapping[str, GpuLook | EdgectlError]:
        """Look at the GPUs of each node that has some."""
        return everywhere({node.name: self._gpus_of(node.name) for node in self.store.nodes if node.gpu is not None})

    def _gpus_of(self, name: str) -> Callable[[], GpuLook]:
        return lambda: look.gpus(self._doors[name].open)

    def doctor(self) -> Diagnosis:
        """Ask what is wrong with it."""
        answers = everywhere({node.name: self._doctor_of(node.name) for node in self.store.nodes})
        return together(self.store.name, self.store.lead.name, answers, {})

    def _doctor_of(self, name: str) -> Callable[[], Answer]:
        return lambda: ask_doctor(self._doors[name].open)

    def look(self) -> LabLook:
        """Look at the lead, cheaply."""
        return _read(LabLook, self._ask("look"), "look")

    def facts(self) -> LabFacts:
        """Ask the lead what it is."""
        return _read(LabFacts, self._ask("facts"), "facts")

    def relied(self) -> tuple[Relied, ...]:
        """Ask the lead what its k3s does."""
        return tuple(_read(Relied, {"row": row}, "row") for row in self._ask("contract").get("rows") or ())

    def strike(self, kind: str) -> None:
        """Let something strike the lead; whoever falls at once may be gone before he has said so."""
        with suppress(LinkLost):
            self._ask("strike", name=kind, who=asker())

    def switch(self) -> bool:
        """Take the power from the lead, where it is a sandbox's node of this machine."""
        if os.geteuid() != 0 or not self.is_loopback():
            return False
        from edgectl.cli.sandbox.show import open_sandbox

        for store in open_sandbox().stores():
            for node in store.record.nodes:
                if node.port == self.store.lead.ssh.port and node.host_key.split()[:2] == self._host_key:
                    store.reboot(node.name, hard=True, wait_seconds=0)
                    return True
        return False

    @property
    def _host_key(self) -> list[str]:
        return self.store.lead.ssh.host_key.split()[:2]

    def bare_bytes(self) -> int:
        """Return what a connection that runs `true` costs."""
        with connect(self._lead.where) as link:
            channel = link.run("true")
            while channel.read(1024):
                pass
            channel.exit_status()
            return link.sent_bytes + link.received_bytes

    def is_loopback(self) -> bool:
        """Tell whether the way to the lead ends on this machine."""
        ssh = self.store.lead.ssh
        host = ssh.jump[0].host if ssh.jump else ssh.host
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return False
        return all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)

    @cached_property
    def _lead(self) -> Door:
        return self._doors[self.store.lead.name]

    def _ask(self, deed: str, **fields: Any) -> dict[str, Any]:
        return look.ask(self._lead.open, "lab", deed=deed, **fields)


class _Cut(Watch):
    """A listener that breaks the line once, as soon as the node has taken the deploy. `cut` is the run."""

    def __init__(self, door: Door) -> None:
        super().__init__()
        self.cut = ""
        self._door = door
        self._session: Session | None = None

    def open(self) -> Session:
        """Open a session, and remember it."""
        self._session = self._door.open()
        return self._session

    def started(self, run: str, sequence: int) -> None:
        """Break it."""
        super().started(run, sequence)
        if not self.cut and self._session is not None:
            self.cut = run
            self._session.close()


def _changed(store: Store, number: int) -> Store:
    """Return the store with one value changed: a file of the lead's that nobody reads."""
    nodes = []
    for node in store.nodes:
        file = HostFile(CHANGED, f"change {number} of an acceptance, which puts it back\n", "0644")
        host = replace(node.host, files=(*node.host.files, file))
        nodes.append(replace(node, host=host) if node.name == store.lead.name else node)
    return replace(store, nodes=tuple(nodes))


def _read(kind: type[T], frame: dict[str, Any], key: str) -> T:
    try:
        return from_json(kind, frame[key])
    except (KeyError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error
