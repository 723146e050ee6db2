"""A store node in a folder: the real session, engine, slots and journal, at the other end of two pipes.

Only the machine is made up: systemd (which runs the engine in a thread), and a recipe of a real file step and a gate
that reads this file. It remembers everything as a node does, and its link can break at any frame.
"""

from __future__ import annotations

import os
import select
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.control.link.lost import LinkLost
from edgectl.node import engine, looks, saying, sending, session, tail
from edgectl.node.converge.lock import holder
from edgectl.node.converge.protocol import Gate, Observation, Status, Wait
from edgectl.node.host.blobs import Blobs
from edgectl.node.host.files import Files
from edgectl.node.io import programs
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.models.step import Registered
from edgectl.node.reboot.step import SCRIPT, Reboot, Restarts
from edgectl.node.trust.step import Trusted
from edgectl.node.units.install import CONVERGE, links
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import Bug, EdgectlError, Unreachable
from edgectl.wire.frame import FrameError, Frames
from edgectl.wire.payload import Node, Payload

MOTD = "etc/motd"
_PATIENCE_SECONDS = 20.0
_run = programs.run
_MOST_SESSIONS = 30
_GOES_DOWN_SECONDS = 0.3  # sessions live on for a moment


@dataclass(frozen=True)
class Serves:
    """A gate that believes what /etc/motd says, so that an inventory can declare how a deploy will end."""

    id: str = "inference"
    title: str = "inference"
    wait: Wait = Wait(limit_seconds=20, every_seconds=0.05)
    needs: tuple[str, ...] = ("host-files",)

    def probe(self, read: Look) -> Observation:
        """Read the file."""
        text = read.text(read.places.root / MOTD) or ""
        if "bad" in text:
            return Observation(Status.FAILED, "the model does not load", evidence=("out of memory", "twice"))
        if "slow" in text:
            return Observation(Status.IN_PROGRESS, "the model loads")
        return Observation(Status.CURRENT, "answers", degraded="GPU-1 is dead" if "thin" in text else "")


@dataclass
class Session:
    """What the operator holds of one connection."""

    frames: Frames
    key: str = "SHA256:test"
    engine_sent: bool = False
    link_bytes: int = 0
    queued_bytes: int = 0
    fds: list[int] = field(default_factory=list)

    def is_alive(self) -> bool:
        """Say whether it was hung up."""
        return bool(self.fds)

    def close(self) -> None:
        """Hang up."""
        while self.fds:
            os.close(self.fds.pop())


class _Breaking(Frames):
    """Frames over a link that breaks before its n-th frame, either way."""

    def __init__(self, node: StoreNode, owner: list[Session], fds: tuple[int, int]) -> None:
        super().__init__(self._take, self._give)
        self._node = node
        self._owner = owner
        self._in, self._out = fds
        self._boot = node.boot

    def send(self, op: str, /, **fields: Any) -> None:
        self._count(f"-> {op}")
        super().send(op, **fields)

    def send_all(self, op: str, frames: Iterable[dict[str, Any]]) -> None:
        for fields in frames:  # one by one, so that the link can break between two of them
            self.send(op, **fields)

    def send_bytes(self, data: bytes) -> None:
        self._count("-> bytes")
        super().send_bytes(data)

    def receive(self) -> dict[str, Any]:
        self._count("<-")
        frame = super().receive()
        self._node.heard.append(frame)
        return frame

    def _count(self, what: str) -> None:
        self._node.frames += 1
        if self._node.frames == self._node.breaks_at:
            self._node.broken.append(what)
            raise self._lost()

    def _take(self, count: int) -> bytes:
        deadline, ready = time.monotonic() + _PATIENCE_SECONDS, False
        while not ready and time.monotonic() < deadline and self._boot == self._node.boot and not self._node.refuses:
            ready = bool(select.select([self._in], [], [], 0.05)[0])
        data = os.read(self._in, count) if ready else b""
        if not data:
            raise self._lost()
        self._owner[0].link_bytes += len(data)
        return data

    def _give(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._out, view) :]
            except OSError as error:
                raise FrameError("the other side has ended") from error
        self._owner[0].link_bytes += len(data)

    def _lost(self) -> EdgectlError:
        self._owner[0].close()
        if self._node.crashed:
            return Bug("the engine on node-1 ended by itself (exit 1)", details=tuple(self._node.crashed))
        return LinkLost("the link to node-1 is lost: broken on purpose", hint="the same command re-attaches")


@dataclass
class StoreNode:
    """The node. `breaks_at` is the number of the frame at which the link breaks; 0 for never."""

    places: Places
    breaks_at: int = 0
    frames: int = 0
    broken: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)
    runs: int = 0
    one_at_a_time: bool = True
    refuses: Exception | None = None
    key: str = "SHA256:test"  # that has been let in
    booted: float = field(default_factory=time.time)
    silent: frozenset[str] = frozenset()  # addresses at which nobody answers
    boot: str = "boot-1"
    restart: str = ""  # what reboot.sh says; "" when none is needed
    off_seconds: float = 0.3  # that a restart takes
    threads: list[threading.Thread] = field(default_factory=list)
    sessions: list[threading.Thread] = field(default_factory=list)
    goes_down: Callable[[], bool] = lambda: True  # holds a restart until somebody has heard of it
    may_end: threading.Event = field(default_factory=threading.Event)  # for a test that holds its runs

    def connect(self, where: Any, runtime: Any) -> Session:
        """Open a session, as the link does; an earlier one has ended by then, as sshd would see to."""
        if self.refuses:
            raise self.refuses
        if self.silent and where.host in self.silent:
            raise Unreachable(f"{where.node} (root@{where.host}:22) did not answer within 15 s")
        assert len(self.sessions) < _MOST_SESSIONS, "the operator comes back again and again"
        for earlier in self.sessions if self.one_at_a_time else ():
            earlier.join(_PATIENCE_SECONDS)
        engine_here = self.places.runtime(runtime.digest) / "__main__.py"
        engine_here.parent.mkdir(parents=True, exist_ok=True)
        engine_here.touch()
        node_in, operator_out = os.pipe()
        operator_in, node_out = os.pipe()

        def serve() -> None:
            try:
                account = where.user if getattr(where, "sign", None) else None  # as the launcher says
                session.serve(self.places, stdin=node_in, stdout=node_out, account=account)
            except FrameError:
                pass  # the link broke before the greeting
            except Exception as error:  # noqa: BLE001 - the operator is told, as by a process that ends with 1
                self.crashed.append(repr(error))
            finally:
                os.close(node_in)
                os.close(node_out)

        owner: list[Session] = []
        frames = _Breaking(self, owner, (operator_in, operator_out))
        opened = Session(frames, key=self.key, fds=[operator_in, operator_out])
        owner.append(opened)
        self.sessions.append(self._begin(serve))
        return opened

    def program(self, argv: Sequence[str], **how: Any) -> programs.Ran:
        """Stand for the programs of the machine: systemd, and what is only asked to succeed."""
        out, code = "", 0
        match tuple(argv):
            case ("systemctl", "show", *_):
                out = f"ActiveState={'active' if holder(self.places.run) else 'inactive'}"
            case ("systemctl", "start", "--no-block", unit) if unit == CONVERGE:
                self._begin(self._converge)
            case ("systemctl", "reboot", *_):
                self._begin(self._restart)
                raise Off
            case ("sh", script, *_) if script == SCRIPT:
                out, code = self.restart or "no restart is needed", int(bool(self.restart))
            case ("systemctl", "enable", *_):
                for link in links(self.places.root):
                    link.parent.mkdir(parents=True, exist_ok=True)
                    if link.name in argv and not link.is_symlink():
                        link.symlink_to(f"../{link.name}")
            case ("systemctl", "daemon-reload") | ("sync",):
                pass
            case ("ssh-keygen", *_):
                return _run(argv, **how)
            case _:
                code = 127
        return programs.Ran(tuple(argv), code, out, "", 0.0)

    def _converge(self) -> None:
        self.runs += 1
        with suppress(Off):
            engine.run(self.places)

    def _restart(self) -> None:
        """Go down with every link, lose the tmpfs, come up again, and let the boot's timer do its work."""
        self.until(self.goes_down)
        time.sleep(_GOES_DOWN_SECONDS)
        self.refuses = Unreachable("node-1 did not answer")
        time.sleep(self.off_seconds)
        self.boot, self.restart, self.booted = f"{self.boot}+", "", time.time()
        shutil.rmtree(self.places.run, ignore_errors=True)
        self.refuses = None
        self._converge()

    def file(self, path: str) -> Path:
        """Return a file of the node."""
        return self.places.root / path.lstrip("/")

    def begin_anew(self, folder: Path, *, breaks_at: int) -> None:
        """Become another bare node, whose link breaks at a frame."""
        self.join()
        self.places, self.breaks_at, self.frames, self.runs = Places(folder), breaks_at, 0, 0
        self.places.run.mkdir(parents=True)
        self.may_end.clear()
        for remembered in (self.broken, self.heard, self.killed, self.crashed, self.threads, self.sessions):
            remembered.clear()

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, "it does not come"
            time.sleep(0.01)

    def join(self) -> None:
        """Wait until nothing runs any more."""
        for thread in self.threads:
            thread.join(_PATIENCE_SECONDS)
            assert not thread.is_alive(), "the node hangs"

    def _begin(self, work: Any) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread


class Off(BaseException):
    """The machine has gone down, and this program with it."""


def recipe(
    payload: Payload, node: Node, *, tried: Envelope | None = None, restarts: Restarts | None = None, **_: bool
) -> tuple[Gate[Any], ...]:
    """Return a short recipe of real parts."""
    models = payload.models
    trusted = (Trusted(payload.trust),) if payload.trust else ()
    kept = (Registered(models, payload.blobs, tried=tried is not None),) if models else ()
    files = Files("host-files", "host files", node.host.files)
    may = tried is not None and tried.may_reboot
    reboots = (Reboot(node.host.os, may=may, restarts=restarts),) if node.host.os else ()
    return *trusted, Blobs(payload.blobs), files, *reboots, *kept, Serves()


def store_node(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreNode]:
    """Make a bare node in a folder and put it at the other end of every link."""
    node = StoreNode(Places(folder))
    node.places.run.mkdir(parents=True)
    monkeypatch.setattr(programs, "run", node.program)
    monkeypatch.setattr(engine, "recipe", recipe)
    monkeypatch.setattr(looks, "recipe", recipe)
    monkeypatch.setattr(tail, "_LOST_SECONDS", 0.3)
    monkeypatch.setattr(Look, "boot_id", lambda _: node.boot)
    monkeypatch.setattr(Look, "booted_at", lambda _: node.booted)
    monkeypatch.setattr(Look, "up_seconds", lambda _: time.time() - node.booted)
    for module in (engine, saying):
        monkeypatch.setattr(module, "print", lambda *_, **__: None, raising=False)  # the unit's log
    monkeypatch.setattr(sending, "os", SimpleNamespace(kill=lambda pid, _: node.killed.append(pid), getpid=os.getpid))
    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", node.connect)
    yield node
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while holder(node.places.run) and time.monotonic() < deadline:
        time.sleep(0.01)
