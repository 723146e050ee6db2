"""What carries everything, asked without any program: boot, disk, memory, clock, and that files can be read.

Owns: these looks and their judgement. They work on a full disk, on one that takes no writes, and on a bare machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.doctor.answered import DATES
from edgectl.node.doctor.symptom import FINE, NOTE, SUSPECT, UNSEEN, WRONG, Symptom
from edgectl.node.io.look import Look

FULL_BYTES, FULL_INODES = 64 << 20, 1000
_TIGHT = 0.15  # below it the kubelet may say DiskPressure
_LOW_MEMORY_BYTES = 64 << 20
_BEHIND_SECONDS = 86400.0
_SANE_YEAR = 2025  # as in host/preflight.sh


@dataclass(frozen=True)
class Volume:
    """One file system of ours."""

    path: str
    free_bytes: int
    bytes: int
    free_inodes: int
    inodes: int
    read_only: bool


@dataclass(frozen=True)
class Ground:
    """All of it. None is "could not look", with the reason in `wrong`."""

    volumes: tuple[Volume, ...] = ()
    up_seconds: float | None = None
    boot: str = ""
    memory_bytes: int | None = None
    now: float = 0.0
    newest: float = 0.0  # the newest time that this node has on record of an operator: its clock cannot be before
    wrong: tuple[str, ...] = ()


def read(look: Look, *, now: float | None = None) -> Ground:
    """Look at it."""
    wrong: list[str] = []
    volumes = []
    for path in (look.places.root, look.places.state, look.places.k3s_data, look.places.root / "var/log"):
        if path.is_dir():
            try:
                volumes.append(_volume(path))
            except OSError as error:
                wrong.append(f"{path}: {error.strerror or error}")
    up: float | None = None
    with suppress(OSError, ValueError, IndexError):
        up = look.up_seconds()
    return Ground(
        tuple(volumes), up, _boot(look), _memory(look), time.time() if now is None else now, _newest(look), tuple(wrong)
    )


def symptoms(ground: Ground) -> Iterator[Symptom]:
    """Judge it. Pure."""
    if ground.up_seconds is None:
        yield Symptom("power", UNSEEN, says="how long this boot lasts is not known")
    else:
        yield Symptom("power", FINE, says=f"up for {ground.up_seconds:.0f} s")
    yield from _disk(ground)
    yield from _memory_of(ground)
    yield from _clock(ground)


def _disk(ground: Ground) -> Iterator[Symptom]:
    for why in ground.wrong:
        yield Symptom("disk", WRONG, "E-DSK-06", why, (why,), own=True)
    for one in ground.volumes:
        shown = f"{one.path}: {one.free_bytes / 1e6:.0f} MB of {one.bytes / 1e9:.1f} GB free"
        if one.read_only:
            yield Symptom(
                "disk", WRONG, "E-DSK-03", f"{one.path} is mounted read-only", (f"statvfs {one.path}: ro",), own=True
            )
        elif one.free_bytes < FULL_BYTES:
            yield Symptom("disk", WRONG, "E-DSK-01", shown, (f"statvfs {shown}",), own=True)
        elif one.inodes and one.free_inodes < FULL_INODES:
            said = f"{one.path}: {one.free_inodes} of {one.inodes} inodes free"
            yield Symptom("disk", WRONG, "E-DSK-04", said, (f"statvfs {said}",), own=True)
        elif one.bytes and one.free_bytes / one.bytes < _TIGHT:
            yield Symptom(
                "disk",
                SUSPECT,
                "E-DSK-02",
                shown,
                (f"statvfs {shown}",),
                explains=r"DiskPressure|disk-pressure|Evicted",
            )
        else:
            yield Symptom("disk", FINE, says=shown)


def _memory_of(ground: Ground) -> Iterator[Symptom]:
    if ground.memory_bytes is None:
        yield Symptom("memory", UNSEEN, says="/proc/meminfo does not say how much is free")
    elif ground.memory_bytes < _LOW_MEMORY_BYTES:
        said = f"{ground.memory_bytes / 1e6:.0f} MB are left"
        yield Symptom("memory", WRONG, "E-MEM-01", said, (f"MemAvailable: {said}",), own=True)
    else:
        yield Symptom("memory", FINE)


def _clock(ground: Ground) -> Iterator[Symptom]:
    shown = time.strftime("%F %T UTC", time.gmtime(ground.now))
    if time.gmtime(ground.now).tm_year < _SANE_YEAR:
        said = f"it says {shown}, which cannot be"
        yield Symptom("clock", WRONG, "E-CLK-01", said, (f"clock: {shown}",), own=True, explains=DATES)
    elif ground.newest - ground.now > _BEHIND_SECONDS:
        newest = time.strftime("%F %T UTC", time.gmtime(ground.newest))
        said = f"it says {shown}, but this node has taken a deploy of {newest}"
        evidence = (f"clock {shown}", f"newest deploy {newest}")
        yield Symptom("clock", WRONG, "E-CLK-01", said, evidence, own=True, explains=DATES)
    else:
        yield Symptom("clock", FINE, says=shown)


def booting(ground: Ground, *, settled: bool) -> Symptom | None:
    """Say that the machine still comes up: `settled` when a run of this boot has ended already."""
    if ground.up_seconds is None or ground.up_seconds > 300 or settled:  # noqa: PLR2004 - a slow boot's five minutes
        return None
    said = f"the machine has booted {ground.up_seconds:.0f} s ago and still comes up: wait 2 minutes, then ask again"
    return Symptom("power", NOTE, "E-PWR-01", said)


def _volume(path: Path) -> Volume:
    found = os.statvfs(path)
    return Volume(
        str(path),
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        found.f_favail,
        found.f_files,
        bool(found.f_flag & os.ST_RDONLY),
    )


def _boot(look: Look) -> str:
    with suppress(LookFailed, OSError):
        return look.boot_id()
    return ""


def _memory(look: Look) -> int | None:
    with suppress(LookFailed, ValueError, IndexError):
        for line in (look.text(Path("/proc/meminfo")) or "").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _newest(look: Look) -> float:
    times = [0.0]
    with suppress(OSError, ValueError):
        for slot in Slots(look.places).all()[:3]:
            created = datetime.fromisoformat(slot.envelope.created.replace("Z", "+00:00"))
            times.append(created.replace(tzinfo=created.tzinfo or timezone.utc).timestamp())
    return max(times)
