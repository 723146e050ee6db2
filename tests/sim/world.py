"""One store's world: the node, its operators, and what happens to them.

Owns: processes on both sides, power, the timer, and the event at which a fault strikes. The code that runs in here is
the product's own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.control.deploy.deploy import Deploy
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.outcome import Outcome
from edgectl.node import accept, bases, engine, greet, looks, push, saying, sending, session, tail
from edgectl.node.converge.lock import holder
from edgectl.node.converge.slots import Slots
from edgectl.node.io.files import sha256_of
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from edgectl.node.reboot.step import SCRIPT
from edgectl.node.recipe import recipe
from edgectl.node.units.install import CONVERGE
from edgectl.wire import delta
from edgectl.wire.errors import EdgectlError, Unreachable
from edgectl.wire.frame import FrameError
from tests.sim import stock
from tests.sim.disk import Disk
from tests.sim.facts import PULLS_SECONDS, Facts
from tests.sim.pipe import Pipe, Session, node_frames
from tests.sim.processes import Killed, Process, Processes
from tests.sim.twins import twins
from tests.unit.control.deploy.silent import Silent

SERVES_AFTER_SECONDS = 5.0
BOOTS_AFTER_SECONDS = 30.0
GOES_DOWN_AFTER_SECONDS = 3.0  # programs go on for so long after a restart was asked for
TIMER_SECONDS = 330.0
_PACKET_BYTES = 120


@dataclass
class Pressed:
    """One press of the button, and how it ended."""

    offer: Offer
    process: Process | None = None
    outcome: Outcome | None = None
    error: EdgectlError | None = None

    @property
    def exit(self) -> int:
        """The exit code; -1 when the operator was killed."""
        if self.error is not None:
            return int(self.error.exit)
        return int(self.outcome.verdict.get("exit", -1)) if self.outcome else -1


@dataclass
class World:
    """The store in one folder."""

    folder: Path
    facts: Facts = field(default_factory=Facts)
    boot: str = "boot-1"
    on: bool = True
    strikes_at: int = -1
    fault: Callable[[World], object] = lambda _: None
    events: list[tuple[str, str]] = field(default_factory=list)  # (process, what)
    struck: str = ""
    harm: str = ""  # "error" or "hang": what the step at hand will suffer
    pipes: list[Pipe] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    pressed: list[Pressed] = field(default_factory=list)
    cuts: int = 0
    restarts: list[int] = field(default_factory=list)  # that the node has asked for: each for which sequence
    booted: float = 0.0
    is_thin: bool = False  # small blobs are worth a delta, and travel in packets that are smaller still
    preempt: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.processes = Processes()
        self.places = Places(self.folder)
        self.disk = Disk(self.folder, self.processes, self.event)
        self.processes.on_end = lambda process: self.disk.end(process.fds)
        self.places.run.mkdir(parents=True, exist_ok=True)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.processes.now

    @property
    def slots(self) -> Slots:
        """The node's slots, as they are on the disk."""
        return Slots(self.places)

    # What people and timers do

    def press(self, offer: Offer) -> Pressed:
        """Let an operator press the button."""
        pressed = Pressed(offer)

        def work() -> None:
            wait = self.processes.wait
            running = Deploy(offer, self._connect, Silent(), monotonic=lambda: self.now, sleep=wait)
            try:
                pressed.outcome = running.run()
            except EdgectlError as error:
                pressed.error = error

        pressed.process = self.processes.spawn("operator", "laptop", work)
        self.pressed.append(pressed)
        return pressed

    def let(self, pressed: Pressed, seconds: float = 4000) -> Pressed:
        """Let time pass until an operator has its answer."""
        process = pressed.process
        assert process is not None
        self.processes.run(seconds, until=lambda: process.done)
        assert process.done, f"no answer in {seconds:.0f} s; at work: {[one.name for one in self.processes.alive()]}"
        return pressed

    def deploy(self, offer: Offer) -> Pressed:
        """Press and wait."""
        return self.let(self.press(offer))

    def settle(self) -> None:
        """Let every process come to its end."""
        self.processes.run(4000, until=lambda: not self.processes.alive())

    def heal(self) -> None:
        """Let the timer fire and its run end."""
        self.processes.run(TIMER_SECONDS)
        if self.on:
            self.start_engine()
        self.processes.run(4000, until=lambda: not self.processes.alive("engine"))

    # What happens to them

    def event(self, what: str) -> None:
        """Something happens; a fault may strike at it."""
        me = self.processes.me
        if me is None:
            return
        if me.dead:
            raise Killed
        number = len(self.events)
        self.events.append((me.name, what))
        if number == self.strikes_at:
            self.struck = f"{me.name}: {what}"
            self.fault(self)
            self._nothing_torn()
            if me.dead:
                raise Killed
        if self.preempt():
            self.processes.wait(0)

    def _nothing_torn(self) -> None:
        """Law: whatever strikes, what bears a digest as its name has it."""
        with self.outside():
            for path in self.places.blobs.glob("*"):
                if sha256_of(path) != f"sha256:{path.name}":
                    self.facts.wrong.append(f"a torn blob: {path.name}")

    def trouble(self, error: type[Exception], where: str) -> None:
        """Make the step at hand suffer, if a fault has said so."""
        if not self.harm or not self.struck.endswith(self.events[-1][1]):
            return
        harm, self.harm = self.harm, ""
        if harm == "hang":
            self.processes.wait(600)
        raise error(f"{where}: {'it did not end within 600 s' if harm == 'hang' else 'it failed'}")

    def kill(self, name: str, where: str = "") -> bool:
        """Kill processes by name and machine; one's own end comes last."""
        found = self.processes.alive(name, where)
        for process in found:
            if process is not self.processes.me:
                self.processes.kill(process)
        if self.processes.me in found:
            assert self.processes.me is not None
            self.processes.me.dead = True
        return bool(found)

    def cut_power(self, *, loses: bool) -> None:
        """Take the node's power; it comes back by itself. `loses`: what was not synced is gone."""
        self.cuts += 1
        self._go_down(loses=loses)

    def restart(self) -> None:
        """Do what `systemctl reboot` does: a little later every program is ended, and all is on the disk."""
        slot = self.slots.candidate or self.slots.current
        assert slot is not None
        self.restarts.append(slot.envelope.sequence)

        def go_down() -> None:
            self.processes.wait(GOES_DOWN_AFTER_SECONDS)
            self._go_down(loses=False)

        self.processes.spawn("shutdown", "node", go_down)

    def _go_down(self, *, loses: bool) -> None:
        for pipe in self.pipes:
            pipe.reset()
        self.on = False
        self.kill("", "node")
        with self.outside():
            if loses:
                self.disk.cut()
                self.facts.cut()
            else:
                self.disk.reboot()
                self.facts.reboot()
        self.processes.spawn("power", "grid", self._power_on)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Do what no process does: the world itself."""
        me, self.processes.me = self.processes.me, None
        try:
            yield
        finally:
            self.processes.me = me

    def _power_on(self) -> None:
        self.processes.wait(BOOTS_AFTER_SECONDS)
        self.on = True
        self.boot = f"boot-{int(self.boot.split('-')[1]) + 1}"
        self.booted = self.now
        self.facts.load_module()
        if unit := self.facts.disk.get("k3s unit"):
            self.facts.start("k3s", unit, self.now)
        self.start_engine()

    # What the node's code sees

    def serves(self) -> bool:
        """Tell whether Kubernetes answers."""
        k3s = self.facts.boot.get("k3s", "")
        return bool(k3s) and self.facts.runs("k3s", k3s, self.now, after=SERVES_AFTER_SECONDS)

    def gpu_proven(self) -> bool:
        """Tell whether the GPU was seen in this boot."""
        return self.facts.boot.get("gpu") == self.boot

    def pods_ready(self, release: str) -> bool:
        """Tell whether a release's pods run; they start when the API serves and, where needed, the GPU is proven."""
        digest = self.facts.disk.get(f"release/{release}", "half")
        if not self.serves() or digest == "half" or (release == "vision" and not self.gpu_proven()):
            return False
        if self.facts.boot.get(f"pods/{release}") != digest:
            self.facts.boot[f"pods/{release}"] = digest
            self.facts.started[f"pods/{release}"] = self.now
        return digest not in self.facts.bad and self.facts.runs(
            f"pods/{release}", digest, self.now, after=PULLS_SECONDS
        )

    def only_engine(self) -> None:
        """Law: whoever changes the machine holds the lock, alone."""
        engines = self.processes.alive("engine")
        held = holder(self.places.run) or {}
        me = self.processes.me
        if me is None or len(engines) != 1 or held.get("pid") != me.pid:
            self.facts.wrong.append(f"{len(engines)} engines at work, the lock is {held.get('pid')}'s")

    def start_engine(self) -> None:
        """Do what `systemctl start edgectl-converge` does."""
        if not self.processes.alive("engine"):
            self.processes.spawn("engine", "node", self._engine)

    def _engine(self) -> None:
        folder = self.places.slots
        if (folder / "candidate/runtime/__main__.py").exists() and (folder / "current").exists():
            tries = folder / "candidate/tries"  # as units/edgectl-node.sh counts
            had = tries.read_text() if tries.exists() else ""
            with suppress(OSError):  # as the shell does: it complains and goes on
                tries.write_text(str(int(had or 0) + 1))
        code = engine.run(self.places)
        self.ended.append({"exit": code, "at": self.now})

    def _connect(self) -> Any:
        if not self.on:
            self.processes.wait(1)
            raise Unreachable("node-1 did not answer")
        pipe = Pipe(self.processes, self.event, packet_bytes=_PACKET_BYTES if self.is_thin else 0)
        self.pipes.append(pipe)

        def serve() -> None:
            try:
                frames = node_frames(pipe)
                with suppress(FrameError):  # nobody is left to greet
                    frames.send("hello", **greet._hello(self.places))
                session.answer(self.places, frames)
            finally:
                pipe.close(0)

        engine_here = self.places.runtime(stock.RUNTIME) / "__main__.py"
        with self.outside():  # the bootstrap's own doing is proven elsewhere
            engine_here.parent.mkdir(parents=True, exist_ok=True)
            engine_here.touch()
        self.processes.spawn("session", "node", serve)
        return Session(pipe)

    @contextmanager
    def alive(self) -> Iterator[World]:
        """Let the product's code run in here."""
        with pytest.MonkeyPatch.context() as patch, self.disk.armed():
            patch.setattr(engine, "recipe", lambda *args, **how: twins(self, recipe(*args, **how)))
            patch.setattr(looks, "recipe", lambda *args, **how: twins(self, recipe(*args, **how)))
            for module in (engine, accept, push, sending):
                patch.setattr(module, "Hands", lambda places, **_: SimHands(self, places))
            for module in (engine, session, looks, tail, sending):
                patch.setattr(module, "Look", lambda places, **_: SimHands(self, places))
            for module in (engine, saying):
                patch.setattr(module, "print", lambda *_, **__: None, raising=False)
            patch.setattr(accept, "install", lambda _: False)
            patch.setattr(tail, "_POLL_SECONDS", 1.0)
            if self.is_thin:
                patch.setattr(bases, "LEAST_BYTES", 100)
                patch.setattr(delta, "LEAST_BYTES", 100)
                patch.setattr(delta, "_LEAST_BLOCK", 64)
            patch.setattr(sending, "os", SimpleNamespace(getpid=self._pid, kill=self._kill))
            patch.setattr(os, "getpid", self._pid)
            patch.setattr(time, "sleep", self._sleep)
            patch.setattr(time, "monotonic", lambda: self.now)
            try:
                yield self
            finally:
                for process in list(self.processes.all):
                    self.processes.kill(process)

    def _pid(self) -> int:
        me = self.processes.me
        return me.pid if me else 1

    def _kill(self, pid: int, _: int) -> None:
        for process in self.processes.alive():
            if process.pid == pid:
                self.processes.kill(process)

    def _sleep(self, seconds: float) -> None:
        self.processes.wait(seconds)


class SimHands(Hands):
    """Looks and hands on the simulated node: real files, no programs but systemd and sync."""

    def __init__(self, world: World, places: Places) -> None:
        super().__init__(places)
        self._world = world

    def change(
        self, *argv: str, limit_seconds: float, stdin: bytes = b"", cwd: str = "/", keeps_lock: bool = True
    ) -> Ran:
        """Change something."""
        del limit_seconds, stdin, cwd, keeps_lock
        self._world.event(argv[0] if argv[0] == "sync" else " ".join(argv[:2]))
        if argv == ("sync",):
            self._world.facts.sync()
            self._world.disk.sync()
        elif argv[:2] == ("systemctl", "start"):
            self._world.start_engine()
        elif argv[:2] == ("systemctl", "reboot"):
            self._world.restart()
        else:
            raise AssertionError(argv)
        return Ran(argv, 0, "", "", 0.0)

    def run(self, *argv: str, limit_seconds: float = 20.0, stdin: bytes = b"") -> Ran:
        """Look at nothing, but answer as reboot.sh does."""
        del limit_seconds, stdin
        if SCRIPT in argv and (needed := self._world.facts.needs_restart()):
            return Ran(argv, 1, needed, "", 0.0)
        return Ran(argv, 0, "", "", 0.0)

    def unit(self, name: str) -> dict[str, str]:
        """Return systemd's word."""
        assert name == CONVERGE
        return {"ActiveState": "activating" if self._world.processes.alive("engine") else "inactive"}

    def boot_id(self) -> str:
        """Return this boot."""
        return self._world.boot

    def booted_at(self) -> float:
        """Return when it began, in the wall clock's seconds."""
        return time.time() - self.up_seconds()

    def up_seconds(self) -> float:
        """Return how long ago that was, by the simulated clock."""
        return self._world.now - self._world.booted
