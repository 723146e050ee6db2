"""Taking away: all of one store, and whatever crashed runs have left on this machine.

Owns: what a store leaves on a host, and the rule of what may be removed: never what a live process holds.
The caller holds the host lock.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from edgectl.sandbox.link.link import Link
from edgectl.sandbox.machine import cgroup
from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.disk import loops_of
from edgectl.sandbox.machine.hostlimits import restore_limits
from edgectl.sandbox.machine.network import PREFIX, forget_networks, inhabitants, networks, remove_network
from edgectl.sandbox.machine.places import StorePlace, store_places
from edgectl.sandbox.machine.power import Machine
from edgectl.sandbox.machine.process import recorded
from edgectl.sandbox.machine.supervisor import machine_name
from edgectl.wire.errors import StepFailed

_NSPAWN = Path("/run/systemd/nspawn")


def remove_store(place: StorePlace, *, keep_disk: bool = False) -> None:
    """Remove a store whose machines are off; StepFailed, and nothing forgotten, when a disk is still in use."""
    Link(place.link).stop()
    nodes = place.home / "nodes"
    for home in nodes.iterdir() if nodes.is_dir() else ():
        if held := loops_of(home / "disk.img"):
            raise StepFailed(f"{home / 'disk.img'} is still in use by {', '.join(held)}.")
        for group in cgroup.groups_of(machine_name(place, home.name)):
            cgroup.remove(group)
        for folder in _NSPAWN.glob(f"*/{machine_name(place, home.name)}"):
            with contextlib.suppress(OSError):
                folder.rmdir()
    remove_network(place.netns)
    if not keep_disk:
        place.record.unlink(missing_ok=True)  # first: who looks finds a whole store, or none
        shutil.rmtree(place.home)
    _settle()


def sweep() -> tuple[str, ...]:
    """Remove half-made stores, and networks, control groups and limits that nobody uses; say what was removed."""
    removed = []
    for place in store_places():
        if not place.record.exists() and recorded(place.maker) is None:
            for home in place.home.glob("nodes/*"):
                Machine(place, home.name).destroy()
            remove_store(place)
            removed.append(f"half-made store {place.name}")
    for place in store_places():
        for home in place.home.glob("nodes/*"):
            machine = Machine(place, home.name)
            if machine.end_orphans():
                removed.append(f"{place.name} {home.name}, which ran without its supervisor")
            if machine.supervisor is None:
                removed += _free_disk(home)
    for netns, owner in networks().items():
        if not inhabitants(netns) and (owner is None or Link(owner.link).process is None):
            remove_network(netns)
            removed.append(f"network {netns}")
    empty = [group for group in cgroup.groups_named(PREFIX) if not cgroup.occupants(group)]
    for group in empty:
        cgroup.remove(group)
    removed += [f"control groups {name}" for name in sorted({group.name for group in empty})]
    _settle()
    return tuple(removed)


def _free_disk(home: Path) -> list[str]:
    """Detach what a supervisor that was killed left of its disk. Normally nothing: its mounts went with it."""
    return [
        f"loop device {loop}"
        for loop in loops_of(home / "disk.img")
        if run(["losetup", "--detach", f"/dev/{loop}"], check=False).code == 0
    ]


def _settle() -> None:
    """Give the host everything back when the last store's network is gone."""
    if networks():
        return
    restore_limits()
    forget_networks()
    for folder in (*_NSPAWN.glob("*"), _NSPAWN):
        with contextlib.suppress(OSError):
            folder.rmdir()
