"""One node's power switch, and a way in that needs neither network nor sshd.

Owns: on, off, cut, reboot, and running a program inside. Must not know stores, inventories or links.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.machine import cgroup
from edgectl.sandbox.machine.command import Completed, run
from edgectl.sandbox.machine.disk import frozen, shut_down
from edgectl.sandbox.machine.lock import locked
from edgectl.sandbox.machine.places import NodePlace, StorePlace
from edgectl.sandbox.machine.process import Process, children, detach, record, recorded
from edgectl.sandbox.machine.supervisor import machine_name
from edgectl.wire.errors import NotReady, StepFailed, Unreachable

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEMD = Path("/run/systemd/system")


@dataclass(frozen=True, slots=True)
class Machine:
    """One node of a store, as hardware."""

    store: StorePlace
    name: str

    @property
    def place(self) -> NodePlace:
        """Its folder."""
        return self.store.node(self.name)

    @property
    def supervisor(self) -> Process | None:
        """The process that keeps it powered; None when power is off."""
        return recorded(self.place.supervisor)

    @property
    def mounted(self) -> Path:
        """The root of its disk while power is on, seen through the supervisor's mount namespace."""
        if (supervisor := self.supervisor) is None:
            raise StepFailed(f"{self.name} has no power.", hint=f"edgectl sandbox power-on {self.store.name}")
        return Path(f"/proc/{supervisor.pid}/root{self.place.root}")

    def power_on(self) -> None:
        """Start the machine; returns when its PID 1 runs, long before it serves."""
        if self.supervisor is not None:
            return
        with locked(self.place.switch, timeout_seconds=60):
            process = recorded(self.place.supervisor) or self._start()  # somebody may have been faster
        deadline = time.monotonic() + 60
        while self._init() is None:
            if not process.alive:
                raise StepFailed(f"{self.name} could not be powered on.", details=self._last_words())
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} has no PID 1 after 60 s of power.", details=self._last_words())
            time.sleep(0.02)

    def _start(self) -> Process:
        """Start the supervisor and write it down, while nobody may take it for an orphan."""
        self._end_orphans()
        wrapper = ["unshare", "--mount", "--propagation", "slave"]
        if _SYSTEMD.is_dir():  # a unit of its own, with control groups delegated to the machine
            unit = f"{machine_name(self.store, self.name)}.{time.monotonic_ns()}"
            wrapper = [
                "systemd-run",
                "--quiet",
                "--scope",
                "--collect",
                "-p",
                "Delegate=yes",
                f"--unit={unit}",
                *wrapper,
            ]
        process = detach(
            "edgectl.sandbox.machine.supervisor",
            [str(self.store.home), self.name],
            self.place.console,
            wrapper=wrapper,
        )
        record(self.place.supervisor, process)
        return process

    def power_off(self, *, timeout_seconds: float = 60) -> None:
        """Power off in order, as by the button; NotReady when it does not within the deadline."""
        if (supervisor := self.supervisor) is None:
            return
        supervisor.signal(signal.SIGTERM)
        if not supervisor.gone_within(timeout_seconds):
            raise NotReady(
                f"{self.name} did not power off within {timeout_seconds:.0f} s.",
                hint=f"edgectl sandbox cut-power {self.store.name}",
                details=self._last_words(),
            )

    def cut_power(self) -> None:
        """Take the power away: what was not yet on disk is lost, every process dies at once."""
        if (supervisor := self.supervisor) is None:
            return
        groups = cgroup.groups_of(machine_name(self.store, self.name))
        with cgroup.stopped(groups, timeout_seconds=2):  # or a program would live to tell that its disk is gone
            shut_down(self.mounted)
            for pid in set().union(*map(cgroup.occupants, groups)) - {supervisor.pid, *children(supervisor.pid)}:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._kill(supervisor)

    def destroy(self) -> None:
        """End everything of this machine at once, for a disk that nobody wants any more: nothing is written back."""
        if (supervisor := self.supervisor) is not None:
            with suppress(OSError):  # not mounted yet, or no longer
                shut_down(self.mounted)
            self._kill(supervisor)
        else:
            self.end_orphans()

    def _kill(self, supervisor: Process) -> None:
        if (init := self._init()) is not None:
            init.signal(signal.SIGKILL)  # PID 1 of a pid namespace: the kernel kills all that is in it
        if not supervisor.gone_within(20):
            supervisor.signal(signal.SIGKILL)
            supervisor.gone_within(5)
        self.end_orphans()

    def end_orphans(self) -> bool:
        """End a machine whose supervisor is gone, since nobody would see its reboot. True if there was one.

        A machine that is being switched on meanwhile has none yet, and is waited for.
        """
        with locked(self.place.switch, timeout_seconds=60):
            return self._end_orphans()

    def _end_orphans(self) -> bool:
        groups = cgroup.groups_of(machine_name(self.store, self.name))
        orphans = self.supervisor is None and any(cgroup.occupants(group) for group in groups)
        if orphans and not cgroup.end(groups, timeout_seconds=20):
            raise StepFailed(f"{self.name} has processes that cannot be killed.", details=self._last_words())
        if self.supervisor is None:
            self.place.supervisor.unlink(missing_ok=True)
        return orphans

    def reboot(self, *, hard: bool = False) -> None:
        """Reboot in order (returns when it has been asked), or by power cut and power-on."""
        if hard:
            self.cut_power()
            self.power_on()
            return
        before = self._init()
        self.execute(["systemctl", "reboot"])
        deadline = time.monotonic() + 90
        while self._init() in (before, None):
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} did not reboot within 90 s.", details=self._last_words())
            if self.supervisor is None:
                raise StepFailed(f"{self.name} went off instead of rebooting.", details=self._last_words())
            time.sleep(0.05)

    def execute(
        self, argv: Sequence[str], *, timeout_seconds: float = 60, check: bool = True, stdin: str = ""
    ) -> Completed:
        """Run a program inside, as root; Unreachable when the machine does not run.

        Needs no network in there and leaves no login behind, unlike ssh.
        """
        return run([*self.entrance(), *argv], timeout_seconds=timeout_seconds, check=check, stdin=stdin)

    def entrance(self) -> tuple[str, ...]:
        """Return the words that, put before a command, run it inside."""
        if (init := self._init()) is None:
            raise Unreachable(f"{self.name} does not run.", hint=f"edgectl sandbox power-on {self.store.name}")
        spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
        inside = ("env", "-i", "--chdir=/", _PATH, "HOME=/root", "TERM=dumb", "LC_ALL=C.UTF-8")
        return ("nsenter", f"--target={init.pid}", *spaces, "--root", "--", *inside)

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """Keep the disk whole and unchanged while it is copied; without power it is that anyway."""
        if self.supervisor is None:
            yield
            return
        with frozen(self.mounted):
            yield

    def _init(self) -> Process | None:
        """PID 1 of the machine: the child of nspawn that leads a pid namespace."""
        if (supervisor := self.supervisor) is None:
            return None
        for nspawn in children(supervisor.pid):
            for pid in children(nspawn):
                if _leads_namespace(pid):
                    return Process.of(pid)
        return None

    def _last_words(self) -> tuple[str, ...]:
        lines: list[str] = []
        for path in (self.place.power_log, self.place.console):
            if path.exists():
                lines += [f"{path.name}: {line}" for line in path.read_text(errors="replace").splitlines()[-8:]]
        return tuple(lines)


def _leads_namespace(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        if Path(f"/proc/{pid}/exe").readlink().name == "systemd-nspawn":
            return False  # not yet the machine's own program
    except OSError:
        return False
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1] == "1" and len(line.split()) > 2  # noqa: PLR2004 - NSpid: outer inner
    return False
