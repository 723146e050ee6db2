"""The record of the proof: what a CUDA smoke of this boot has shown of each GPU.

Owns: its form, beside the marker on tmpfs. A record of another boot counts as none. Must not know how GPUs are tried.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json


@dataclass(frozen=True)
class Device:
    """One GPU (or one MIG device) and how its smoke ended. `at` is the node's monotonic clock, in seconds."""

    uuid: str
    name: str = ""
    ok: bool = False
    never: bool = False  # it has computed wrongly; else it may still come (a late driver)
    busy: bool = False  # others hold its memory, or all of it: that says nothing against it
    reason: str = ""  # one sentence
    seconds: float = 0.0
    gb_per_s: float = 0.0
    memory_bytes: int = 0
    at: float = 0.0
    tries: int = 0  # 0: the driver lists it, and it was not tried
    doubts: int = 0  # smokes since its proof that did not end, or said "not yet"


@dataclass(frozen=True)
class Proof:
    """Every device that was tried in this boot, in the driver's order."""

    boot: str
    devices: tuple[Device, ...] = ()

    def proven(self) -> frozenset[str]:
        """Return the UUIDs of the devices that have computed rightly."""
        return frozenset(device.uuid for device in self.devices if device.ok)

    def tried(self) -> frozenset[str]:
        """Return the UUIDs of the devices whose smoke has ended, well or not."""
        return frozenset(device.uuid for device in self.devices if device.tries)

    def doubted(self) -> tuple[str, ...]:
        """Return the UUIDs of the proven devices whose last smoke did not end well."""
        return tuple(device.uuid for device in self.devices if device.ok and device.doubts)

    def without(self, uuid: str) -> Proof:
        """Return the record with one device's proof withdrawn: the driver lists it, and no more is known."""
        kept = (Device(known.uuid, known.name) if known.uuid == uuid else known for known in self.devices)
        return replace(self, devices=tuple(kept))

    def with_device(self, device: Device) -> Proof:
        """Return the record with one device's newest smoke."""
        kept = [device if known.uuid == device.uuid else known for known in self.devices]
        return replace(self, devices=tuple(kept if device in kept else [*kept, device]))


def read(look: Look) -> Proof:
    """Return the record of this boot; an empty one where there is none, or a damaged one."""
    boot = look.boot_id()
    with suppress(ValueError):
        found = from_json(Proof, json.loads(look.text(look.places.gpu_proof) or ""))
        if boot and found.boot == boot:
            return found
    return Proof(boot)


def keep(hands: Hands, proof: Proof) -> None:
    """Write the record, old or new, never torn."""
    hands.write(hands.places.gpu_proof, canonical(to_json(proof)).decode() + "\n")


def try_again(hands: Hands) -> None:
    """Let what has failed in this boot be tried again."""
    found = read(hands)
    if any(device.tries and not device.ok for device in found.devices):
        devices = tuple(device if device.ok else replace(device, tries=0) for device in found.devices)
        keep(hands, replace(found, devices=devices))


def log(places: Places, word: str, what: str) -> None:
    """Add a line to the proof's log: monotonic nanoseconds, `proven` or `withdrawn`, of which GPU."""
    path = places.gpu_log
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.monotonic_ns()} {word} {what}\n")
