"""All sandbox stores of this machine: making, copying, listing, removing them, and cleaning up after crashes.

Owns: the way from nothing to a store and back. Must not know what edgectl deploys.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.sandbox.machine import cgroup, hostlimits
from edgectl.sandbox.machine.base import base_image
from edgectl.sandbox.machine.disk import copy_disk, loops_of
from edgectl.sandbox.machine.identity import make_key, write_seed
from edgectl.sandbox.machine.lock import locked
from edgectl.sandbox.machine.network import PREFIX, inhabitants, networks, node_address, remove_network
from edgectl.sandbox.machine.places import StorePlace, cache_home, state_home, store_place, store_places
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.sandbox.machine.supervisor import machine_name
from edgectl.wire.errors import EdgectlError, InvalidInput, StepFailed

_FIRST_PORT = 22042
_LOCK = Path("/run/lock/edgectl-sandbox.lock")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The stores of this user on this machine. `say` gets one sentence of progress at a time."""

    say: Callable[[str], None] = quiet

    def up(self, name: str, *, nodes: int = 1, gpus: int = 1, required: int | None = None) -> SandboxStore:
        """Make a store and power it on, or power on one that is there; returns when every sshd answers.

        `gpus` per node, of which `required` (default: all) must work for the store to serve.
        """
        self.clean()
        place = store_place(name)
        if not place.record.exists():
            image = base_image(self.say)
            with self._host():
                self._make(place, image, nodes=nodes, gpus=gpus, required=gpus if required is None else required)
        return self._start(place)

    def store(self, name: str) -> SandboxStore:
        """Return a store that is there; InvalidInput names those that are."""
        place = store_place(name)
        if place.record.exists():
            return SandboxStore.open(place)
        names = ", ".join(known.name for known in store_places()) or "none"
        raise InvalidInput(
            f"There is no sandbox store {name!r} (there is: {names}).", hint=f"edgectl sandbox up {name}"
        )

    def stores(self) -> tuple[SandboxStore, ...]:
        """Return all stores that are there."""
        return tuple(SandboxStore.open(place) for place in store_places() if place.record.exists())

    def clone(self, name: str, new_name: str) -> SandboxStore:
        """Copy a store, running or not, and power the copy on: same names, addresses and keys, a network of its own."""
        return self._copy(self.store(name), new_name)

    def save(self, name: str, key: str) -> Path:
        """Keep a copy of a store in the cache under a key, replacing an older one; a running one keeps running."""
        _check_name(key)
        home = cache_home() / "stores"
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / "lock", timeout_seconds=600):
            staging = StorePlace(home / f".staging-{key}")
            shutil.rmtree(staging.home, ignore_errors=True)
            self.store(name).copy_to(staging)
            shutil.rmtree(home / key, ignore_errors=True)
            staging.home.rename(home / key)
        return home / key

    def saved(self, key: str) -> bool:
        """Whether a store is kept under this key."""
        return StorePlace(cache_home() / "stores" / key).record.exists()

    def from_saved(self, key: str, new_name: str) -> SandboxStore:
        """Make a store from a kept copy and power it on."""
        place = StorePlace(cache_home() / "stores" / key)
        if not place.record.exists():
            raise InvalidInput(f"No store is kept under {key!r}.")
        return self._copy(SandboxStore.open(place), new_name)

    def down(self, name: str, *, keep_disk: bool = False) -> None:
        """Power a store off and remove all of it, its disks too unless they are to be kept."""
        store = self.store(name)
        for node in store.record.nodes:
            try:
                if keep_disk:
                    store.machine(node.name).power_off()
            except EdgectlError as error:
                self.say(f"{error.message} Taking its power away.")
            store.machine(node.name).kill()
        with self._host():
            self._remove(store.place, keep_disk=keep_disk)

    def clean(self) -> tuple[str, ...]:
        """Remove what crashed runs left: half-made stores, networks without inhabitants, groups, limits."""
        if not state_home().is_dir() and not networks():
            return ()
        removed = []
        with self._host():
            for place in store_places():
                if not place.record.exists():
                    self._remove(place, keep_disk=False)
                    removed.append(f"half-made store {place.name}")
            for netns in networks():
                if not inhabitants(netns) and not self._alive(netns):
                    remove_network(netns)
                    removed.append(f"network {netns}")
            for group in cgroup.groups_named(PREFIX):
                if not _occupied(group):
                    cgroup.remove(group)
                    removed.append(f"control group {group}")
            self._settle()
        for sentence in removed:
            self.say(f"cleaned up: {sentence}")
        return tuple(removed)

    def _copy(self, source: SandboxStore, new_name: str) -> SandboxStore:
        self.clean()
        place = self._vacant(new_name)
        with self._host():
            source.copy_to(place, ports=_free_ports(len(source.record.nodes)))
        return self._start(place)

    def _make(self, place: StorePlace, image: Path, *, nodes: int, gpus: int, required: int) -> None:
        self._vacant(place.name)
        place.home.mkdir(parents=True, mode=0o700)
        make_key(place.key, f"operator of {place.name}")
        records = []
        for index, port in enumerate(_free_ports(nodes), start=1):
            name, address = f"node-{index}", node_address(index)
            node = place.node(name)
            node.home.mkdir(parents=True)
            copy_disk(image, node.disk)
            host_key = write_seed(
                node.seed,
                hostname=name,
                address=address,
                authorized_key=place.key.with_suffix(".pub").read_text().strip(),
                gpus=gpus,
            )
            records.append(NodeRecord(name, address, port, host_key, gpus, required))
        StoreRecord(place.name, tuple(records)).save(place.record)

    def _vacant(self, name: str) -> StorePlace:
        _check_name(name)
        place = store_place(name)
        if place.record.exists():
            raise InvalidInput(f"There is a sandbox store {name!r} already.", hint=f"edgectl sandbox down {name}")
        if place.netns in networks():
            raise InvalidInput(
                f"A sandbox store {name!r} runs on this machine already, from another state folder.",
                hint="Choose another name, or take that one down first.",
            )
        return place

    def _start(self, place: StorePlace) -> SandboxStore:
        store = SandboxStore.open(place)
        with self._host():
            hostlimits.raise_limits()
        store.power_on()
        return store

    def _remove(self, place: StorePlace, *, keep_disk: bool) -> None:
        """Remove a store whose machines are off. What is still held is said, and nothing is forgotten."""
        store_link = SandboxStore(place, StoreRecord(place.name, ())).link
        store_link.stop()
        nodes = place.home / "nodes"
        for home in nodes.iterdir() if nodes.is_dir() else ():
            if held := loops_of(home / "disk.img"):
                raise StepFailed(f"{home / 'disk.img'} is still in use by {', '.join(held)}.")
            for group in cgroup.groups_named(machine_name(place, home.name)):
                cgroup.remove(group)
            with contextlib.suppress(OSError):
                Path("/run/systemd/nspawn/propagate", machine_name(place, home.name)).rmdir()
        remove_network(place.netns)
        if not keep_disk:
            shutil.rmtree(place.home, ignore_errors=True)
        self._settle()

    def _settle(self) -> None:
        """Give the host its limits back when the last store is gone."""
        if not networks():
            hostlimits.restore_limits()

    def _alive(self, netns: str) -> bool:
        store = SandboxStore(store_place(netns.removeprefix(PREFIX)), StoreRecord("", ()))
        return store.link.process is not None

    @contextlib.contextmanager
    def _host(self):  # noqa: ANN202
        _LOCK.parent.mkdir(exist_ok=True)
        with locked(_LOCK, timeout_seconds=120):
            yield


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no store name: up to 40 of a-z, 0-9 and '-', beginning and ending without '-'.")


def _occupied(group: Path) -> bool:
    for folder, _, _ in os.walk(group):
        try:
            if (Path(folder) / "cgroup.procs").read_text().strip():
                return True
        except OSError:
            continue
    return False


def _free_ports(count: int) -> Sequence[int]:
    """Choose ports that no store of this user has and nobody listens on; below the range of outgoing connections."""
    taken = {node.port for place in store_places() if place.record.exists() for node in StoreRecord.load(place.record).nodes}
    found: list[int] = []
    for port in range(_FIRST_PORT, _FIRST_PORT + 5000):
        if port not in taken:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    probe.bind(("127.0.0.1", port))
                    found.append(port)
        if len(found) == count:
            return found
    raise StepFailed(f"No {count} free ports from {_FIRST_PORT} on.")
