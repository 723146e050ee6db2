"""A control group of its own for each machine, in every hierarchy of the host.

Clones of one store run pods with the same ids at the same time: without this they would share `kubepods`.
Owns: making and removing these groups. On hosts with systemd the machine's unit is that group, and this is not used.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path


def enter(name: str) -> tuple[Path, ...]:
    """Put this process into a new group below its present one, in each hierarchy; return the groups."""
    groups = []
    for controllers, mount, present in _hierarchies():
        group = mount / present / name
        if not controllers:  # v2: hand on what there is; refused where the parent may not
            with contextlib.suppress(OSError):
                (group.parent / "cgroup.subtree_control").write_text("+cpu +cpuset +io +memory +pids")
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # cgroups v1: a new cpuset is empty, and nothing may enter it
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((group.parent / setting).read_text())
        (group / "cgroup.procs").write_text(str(os.getpid()))
        groups.append(group)
    return tuple(groups)


def step_aside() -> Path | None:
    """On a host with cgroup v2 alone, leave this process's group to the machine and return it.

    No process may sit in a group that hands controllers on to groups below, as the machine's own systemd wants it.
    """
    if not unified():
        return None
    present = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
    group = Path("/sys/fs/cgroup") / present.strip("/")
    keeper = group / "keeper"
    keeper.mkdir(exist_ok=True)
    (keeper / "cgroup.procs").write_text(str(os.getpid()))
    return group


def leave(groups: tuple[Path, ...]) -> None:
    """Move this process up again and remove the groups with everything below them."""
    for group in groups:
        (group.parent / "cgroup.procs").write_text(str(os.getpid()))
        remove(group)


def remove(group: Path) -> None:
    """Remove a group and those below it; what still has processes stays."""
    for below, _, _ in os.walk(group, topdown=False):
        for _ in range(20):
            try:
                Path(below).rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.05)  # processes that were just killed are still leaving


def occupants(group: Path) -> set[int]:
    """Return the ids of the processes in a group and below."""
    found: set[int] = set()
    for folder, _, _ in os.walk(group):
        with contextlib.suppress(OSError):
            found |= {int(word) for word in (Path(folder) / "cgroup.procs").read_text().split()}
    return found


def end(groups: Iterable[Path], *, timeout_seconds: float) -> bool:
    """Kill all that is in these groups; False when something is left at the deadline."""
    deadline = time.monotonic() + timeout_seconds
    while pids := set().union(*(occupants(group) for group in groups)):
        if time.monotonic() > deadline:
            return False
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def stopped(groups: Iterable[Path], *, timeout_seconds: float) -> Iterator[None]:
    """Let no process in these groups take a step, where the host can freeze them (cgroups v1 freezer, or v2)."""
    switches = [
        (group / name, word, thaw)
        for group in groups
        for name, word, thaw in (("freezer.state", "FROZEN", "THAWED"), ("cgroup.freeze", "1", "0"))
        if (group / name).exists()
    ]
    deadline = time.monotonic() + timeout_seconds
    try:
        for switch, word, _ in switches:
            switch.write_text(word)
        while not all(_is_frozen(switch) for switch, _, _ in switches) and time.monotonic() < deadline:
            time.sleep(0.001)  # what waits for a disk is frozen when that has answered
        yield
    finally:
        for switch, _, thaw in switches:
            with contextlib.suppress(OSError):
                switch.write_text(thaw)


def _is_frozen(switch: Path) -> bool:
    if switch.name == "freezer.state":
        return switch.read_text().strip() == "FROZEN"
    return "frozen 1" in (switch.parent / "cgroup.events").read_text()


def groups_of(machine: str) -> tuple[Path, ...]:
    """Return the groups of one machine: made by `enter`, or by the host's systemd for its scope."""
    return tuple(group for group in groups_named(machine) if group.name == machine or group.name[len(machine)] == ".")


def groups_named(prefix: str) -> tuple[Path, ...]:
    """Return the topmost groups with names that begin like this, wherever they are."""
    found: list[Path] = []
    for mount in {mount for _, mount, _ in _hierarchies()}:
        for folder, below, _ in os.walk(mount):
            matching = [name for name in below if name.startswith(prefix)]
            found += [Path(folder) / name for name in matching]
            below[:] = [name for name in below if name not in matching]
    return tuple(found)


def unified() -> bool:
    """Whether the host has cgroup v2 alone, which a kubelet accepts without being told."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def hierarchies(mounts: str, memberships: str) -> tuple[tuple[str, Path, str], ...]:
    """Read /proc/self/mounts and /proc/self/cgroup: controllers ("": v2), mount point, this process's group in it."""
    places: list[tuple[frozenset[str], Path]] = []
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2":
            places.append((frozenset(), Path(place)))
        elif kind == "cgroup":
            places.append((frozenset(options.split(",")), Path(place)))
    found = []
    for line in memberships.splitlines():
        _, controllers, present = line.split(":", 2)
        wanted = frozenset(controllers.split(",")) - {""}
        for offered, mount in places:
            if (wanted and wanted <= offered) or (not wanted and not offered):
                found.append((controllers, mount, present.strip("/")))
                break
    return tuple(found)


def _hierarchies() -> tuple[tuple[str, Path, str], ...]:
    return hierarchies(Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text())
