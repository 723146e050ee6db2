"""A machine that can restart in the middle of a run: a module on the disk, the one that the kernel runs, and an app.

The steps around the restart are made up, the restart itself is the product's own.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field, replace
from typing import Any

from edgectl.node.converge import journal
from edgectl.node.converge.protocol import Gate, Observation, Status, Wait
from edgectl.node.converge.slots import Slots
from edgectl.node.engine import run
from edgectl.node.io.programs import Ran
from edgectl.node.reboot.step import Reboot
from edgectl.node.request import DEPLOY, HEAL, Request, leave
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.host import Os, Package, Packages, Reboots
from edgectl.wire.payload import Host, K3s, Node, Payload
from tests.unit.node.fake import FakeNode, ran

ADA = Sender("ada", "laptop")
LONG_AGO = "2020-01-01T00:00:00+00:00"


class Off(BaseException):
    """The machine has gone down: no program goes on."""


@dataclass
class Module:
    """A step that puts the payload's title on the disk, as a package does."""

    machine: Machine
    want: str
    id: str = "module"
    title: str = "module"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Any) -> Observation:
        """Compare what is on the disk."""
        del read
        there = self.machine.disk == self.want
        return Observation(Status.CURRENT if there else Status.DRIFTED, self.machine.disk)

    def apply(self, write: Any, seen: Observation) -> None:
        """Install it; what runs is the old one."""
        del write, seen
        self.machine.disk = self.want
        self.machine.loaded = self.machine.loaded or self.want


@dataclass
class Serves(Module):
    """A gate on what the kernel runs; titles say how it goes: `bad` fails, `thin` serves less."""

    id: str = "serves"
    title: str = "serves"

    def probe(self, read: Any) -> Observation:
        """Compare what runs."""
        del read
        if "bad" in self.want:
            return Observation(Status.FAILED, "it does not compute")
        return Observation(Status.CURRENT, self.want, degraded="1 of 2" if self.machine.thin else "")


@dataclass
class Machine:
    """One machine. `heals` says whether a restart loads what is on the disk."""

    node: FakeNode
    rule: Reboots = field(default_factory=Reboots)
    disk: str = ""
    loaded: str = ""
    heals: bool = True
    goes_down: bool = True
    refuses: bool = False
    thin: bool = False
    boots: int = 1
    sequence: int = 0
    runs: int = 0
    brings: str = "module"  # what the step that puts another one on the disk is called
    extra: list[Gate[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.node.on_run, self.node.on_change = self.look, self.change
        self.node.boot, self.node.booted = "boot-1", time.time()

    def recipe(self, payload: Payload, node: Node, **how: Any) -> tuple[Gate[Any], ...]:
        """Return a short recipe with the real step in its middle."""
        del node
        declared = Os(packages=Packages(gpu=(Package("nvidia-driver", "1"),)), reboots=self.rule)
        tried = how.get("tried")
        may = tried is not None and tried.may_reboot
        reboot = Reboot(declared, may=may, restarts=how.get("restarts"))
        return Module(self, payload.title, self.brings), reboot, Serves(self, payload.title), *self.extra

    def look(self, *argv: str) -> Ran:
        """Answer as reboot.sh does."""
        if "reboot.sh" not in " ".join(argv):
            return ran("12 reboot.target start running", argv=argv)
        if self.loaded == self.disk:
            return ran("no restart is needed", argv=argv)
        reason = f"driver: the kernel runs NVIDIA {self.loaded}, {self.disk} is installed"
        return ran(reason, code=1, argv=argv)

    def change(self, *argv: str) -> Ran:
        """Restart when told to."""
        if argv[:2] == ("systemctl", "reboot"):
            if self.refuses:
                return ran("", code=1, err="Call to Reboot failed: access denied", argv=argv)
            if self.goes_down:
                self.restart()
                raise Off
        return ran(argv=argv)

    def restart(self) -> None:
        """Lose what ran, and the tmpfs; the kernel loads what is on the disk."""
        shutil.rmtree(self.node.places.run, ignore_errors=True)
        self.boots += 1
        self.node.boot, self.node.booted = f"boot-{self.boots}", time.time()
        self.loaded = self.disk if self.heals else self.loaded

    def offer(self, title: str, **how: Any) -> None:
        """Accept a payload."""
        host = Host(1)
        node = Node("node-1", "server", "10.77.0.11", host, K3s("v1", "sha256:0", "k3s.service", (), ()))
        payload = Payload("store-042", title, (node,), (), {})
        places = self.node.places
        places.blobs.mkdir(parents=True, exist_ok=True)
        places.runtimes.mkdir(parents=True, exist_ok=True)
        places.blob(payload.digest).write_bytes(payload.encode())
        self.sequence += 1
        offer = Envelope("store-042", "node-1", payload.digest, digest_of(b""), "", self.sequence, LONG_AGO, ADA)
        Slots(places).accept(replace(offer, **how))

    def run(self, kind: str = HEAL, *, may: bool = False) -> int | None:
        """Run the engine, for a request or by itself; None when its machine went down."""
        self.runs += 1
        if kind == DEPLOY:
            leave(self.node.places, Request(f"{self.runs:08x}", DEPLOY, ADA, "now", may_reboot=may))
        try:
            return run(self.node.places)
        except Off:
            return None

    def deploy(self, title: str, **how: Any) -> int | None:
        """Accept a payload and run the engine for it, and again after each restart, as the boot's timer does."""
        self.offer(title, **how)
        code = self.run(DEPLOY)
        while code is None:
            code = self.run()
        return code

    @property
    def journals(self) -> list[str]:
        """Return the names of all runs, newest first, without their stamps."""
        return [path.name.partition("-")[2] for path in journal.runs(self.node.places.journal)]

    def said(self) -> list[dict[str, Any]]:
        """Return the newest run's journal."""
        return journal.read(journal.runs(self.node.places.journal)[0], 0)[0]

    def verdict(self) -> dict[str, Any]:
        """Return the newest run's verdict."""
        last = self.said()[-1]
        assert last["kind"] == "verdict", last
        return {**last["data"], "reason": last.get("reason", "")}

    @property
    def slots(self) -> tuple[int | None, int | None]:
        """Return candidate and current."""
        found = Slots(self.node.places)
        candidate, current = (slot.envelope.sequence if slot else None for slot in (found.candidate, found.current))
        return candidate, current
