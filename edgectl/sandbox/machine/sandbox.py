"""All sandbox stores of this user on this machine: making, copying, listing and removing them.

Owns: the way from nothing to a store and back. Must not know what edgectl deploys.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.gpu.libcuda import cuda_library
from edgectl.sandbox.machine.base import base_image
from edgectl.sandbox.machine.disk import copy_disk
from edgectl.sandbox.machine.identity import make_key, write_seed
from edgectl.sandbox.machine.lock import host_lock, locked
from edgectl.sandbox.machine.network import networks, node_address
from edgectl.sandbox.machine.places import StorePlace, cache_home, store_place, store_places
from edgectl.sandbox.machine.process import Process, record
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.sandbox.machine.sweep import remove_store, sweep
from edgectl.wire.errors import EdgectlError, InvalidInput, Locked, StepFailed

_FIRST_PORT = 22042
_PORTS = 5000
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The stores of this user on this machine. `say` gets one sentence of progress at a time."""

    say: Callable[[str], None] = quiet

    def up(
        self,
        name: str,
        *,
        nodes: int = 1,
        gpus: int = 1,
        required: int | None = None,
        bare: bool = False,
        system: str = "",
        packages: tuple[str, ...] = (),
    ) -> SandboxStore:
        """Make a store and power it on, or power on one that is there; returns when every sshd answers.

        `gpus` per node, of which `required` (default: all) must work for the store to serve. `bare`: without a driver.
        `system`: one of base.SYSTEMS; the host's own where it is not named. `packages` are on its nodes' disks, too.
        """
        self.clean()
        place = store_place(name)
        if not place.record.exists():
            image = base_image(self.say, system, packages)
            cuda = cuda_library(say=self._told) if gpus and not bare else None
            ports = _reserve(name, nodes)
            cards = _Cards(gpus, gpus if required is None else required, bare, cuda)
            _make(place, image, cards, ports=ports)
        store = SandboxStore.open(place)
        store.power_on()
        return store

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
        """Return all stores that are there; one that is removed meanwhile is not."""
        return tuple(store for place in store_places() if (store := _there(place)) is not None)

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
        return _kept(key).record.exists()

    def from_saved(self, key: str, new_name: str) -> SandboxStore:
        """Make a store from a kept copy and power it on; InvalidInput when there is none."""
        if not self.saved(key):
            raise InvalidInput(f"No store is kept under {key!r}.")
        return self._copy(SandboxStore.open(_kept(key)), new_name)

    def forget(self, key: str) -> None:
        """Remove a kept copy."""
        shutil.rmtree(_kept(key).home, ignore_errors=True)

    def down(self, name: str, *, keep_disk: bool = False) -> None:
        """Power a store off and remove all of it, its disks too unless they are to be kept."""
        store = self.store(name)
        for node in store.record.nodes:
            machine = store.machine(node.name)
            if keep_disk:
                try:
                    machine.power_off()
                except EdgectlError as error:
                    self.say(f"{error.message} Taking its power away.")
                    machine.cut_power()
            machine.destroy()
        with host_lock():
            remove_store(store.place, keep_disk=keep_disk)

    def clean(self) -> tuple[str, ...]:
        """Remove what crashed runs left; returns (and says) what that was."""
        with host_lock():
            removed = sweep()
        for sentence in removed:
            self.say(f"cleaned up {sentence}")
        return removed

    def _told(self, name: str, what: str, seconds: float, /) -> None:
        self.say(f"{name}: {what}" + (f" ({seconds:.0f} s)" if seconds >= 1 else ""))

    def _copy(self, source: SandboxStore, new_name: str) -> SandboxStore:
        self.clean()
        ports = _reserve(new_name, len(source.record.nodes))
        place = store_place(new_name)
        source.copy_to(place, ports=ports)
        place.maker.unlink()
        store = SandboxStore.open(place)
        if store.inventory.exists():
            from edgectl.sandbox.inventory import adapt_inventory

            adapt_inventory(store)
        store.power_on()
        return store


def _there(place: StorePlace) -> SandboxStore | None:
    try:
        return SandboxStore.open(place) if place.record.exists() else None
    except InvalidInput:
        if place.record.exists():
            raise
        return None


def _reserve(name: str, nodes: int) -> Sequence[int]:
    """Take a name and ports; from here on the store counts as being made, and is swept if this process dies."""
    maker = Process.of(os.getpid())
    with host_lock():
        place = _vacant(name)
        ports = _free_ports(nodes)
        place.home.mkdir(parents=True, mode=0o700)
        if maker is not None:
            record(place.maker, maker)
        place.ports.write_text(json.dumps(ports))
    return ports


@dataclass(frozen=True, slots=True)
class _Cards:
    """The GPUs of each node, and the library of a driver that is there from the beginning."""

    count: int
    required: int
    bare: bool
    cuda: Path | None


def _make(place: StorePlace, image: Path, cards: _Cards, *, ports: Sequence[int]) -> None:
    make_key(place.key, f"operator of {place.name}")
    records = []
    for index, port in enumerate(ports, start=1):
        name, address = f"node-{index}", node_address(index)
        node = place.node(name)
        node.home.mkdir(parents=True)
        copy_disk(image, node.disk)
        public = place.key.with_suffix(".pub").read_text().strip()
        own = {"hostname": name, "address": address, "authorized_key": public}
        host_key = write_seed(node.seed, **own, gpus=cards.count, cuda=cards.cuda, driver=not cards.bare)
        records.append(NodeRecord(name, address, port, host_key, cards.count, cards.required, cards.bare))
    StoreRecord(place.name, tuple(records)).save(place.record)
    place.maker.unlink()


def _vacant(name: str) -> StorePlace:
    _check_name(name)
    place = store_place(name)
    if place.record.exists():
        raise InvalidInput(f"There is a sandbox store {name!r} already.", hint=f"edgectl sandbox down {name}")
    if place.home.exists():
        raise Locked(f"Another edgectl is making the sandbox store {name!r}.", hint="Let it finish first.")
    if place.netns in networks():
        raise InvalidInput(
            f"A sandbox store {name!r} runs on this machine already, from another state folder.",
            hint="Choose another name, or take that one down first.",
        )
    return place


def _kept(key: str) -> StorePlace:
    _check_name(key)
    return StorePlace(cache_home() / "stores" / key)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no store name: up to 40 of a-z, 0-9 and '-', neither beginning nor ending with '-'."
        )


def _free_ports(count: int) -> Sequence[int]:
    """Choose ports that no store of this user has and nobody listens on, below the range of outgoing connections."""
    taken: set[int] = set()
    for place in store_places():
        with contextlib.suppress(OSError):
            taken |= set(json.loads(place.ports.read_text()))
    found: list[int] = []
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        if len(found) == count:
            break
        if port not in taken:
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                found.append(port)
    if len(found) < count:
        raise StepFailed(f"No {count} free ports from {_FIRST_PORT} on.")
    return found
